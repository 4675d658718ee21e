#!/bin/bash
# Common to all integration tests: a bundle of busybox, the runtime with a
# state folder of its own, and a look at the end whether anything is left.
# shellcheck disable=SC2154 # bats sets status, output and stderr

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
RUNC=${RUNC:-$TOP/runc}
LAYOUT=${RUNC_TEST_LAYOUT:-native}

# make_image DIR: a root file system of busybox.
make_image() {
	local image=$1.new busybox a
	mkdir -p "$image"/{bin,dev,etc,mnt,proc,root,sys,tmp}
	busybox=$(command -v busybox)
	cp "$busybox" "$image/bin/busybox"
	for a in sh cat echo ls id true false sleep mount umount stat hostname pwd env kill ps ip sed grep awk head \
		touch mkdir mknod chmod chown ln readlink test sync dd tty stty wc sort printf od nproc uname ulimit rm nc mv cp cut tail find date seq yes tr; do
		ln -s busybox "$image/bin/$a"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$image/etc/passwd"
	echo 'root:x:0:' >"$image/etc/group"
	# Whole or not there, should two tests come here at once.
	mv "$image" "$1"
}

setup_bundle() {
	umask 022
	TMP=$(mktemp -d "$BATS_TEST_TMPDIR/b.XXXXXX")
	chmod 755 "$BATS_TEST_TMPDIR" "$TMP" "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null || true
	ROOT=$TMP/state
	BUNDLE=$TMP/bundle
	# The id is also the cgroup's name: no other run's may have it.
	ID=runc-test-${RUNC_TEST_RUN:-$$}-$BATS_TEST_NUMBER-$LAYOUT
	# The same image for all tests of a file: made once, then copied.
	local image=$BATS_FILE_TMPDIR/image
	[ -d "$image" ] || make_image "$image"
	mkdir "$BUNDLE"
	cp -a "$image" "$BUNDLE/rootfs"
	cd "$BUNDLE" || return 1
	"$RUNC" spec
	update_config '.process.terminal = false | .process.args = ["true"]'
}

# update_config EXPRESSION [JQ-ARGS...]: changes config.json by jq.
update_config() {
	local e=$1
	shift
	jq "$@" "$e" "$BUNDLE/config.json" >"$BUNDLE/config.json.new"
	mv "$BUNDLE/config.json.new" "$BUNDLE/config.json"
}

# args WORD...: what the container is to run.
args() {
	local a
	a=$(printf '%s\n' "$@" | jq -R . | jq -s .)
	update_config ".process.args = $a"
}

# sh_args SCRIPT: likewise, a shell script.
# shellcheck disable=SC2016 # jq's variable
sh_args() { update_config '.process.args = ["sh", "-c", $s]' --arg s "$1"; }

# runc ARGUMENTS...: under bats' run, with this test's own state folder.
runc() { run "$RUNC" --root "$ROOT" "$@"; }

# __runc: the same without run, for what has to have its own stdio.
__runc() { "$RUNC" --root "$ROOT" "$@"; }

# detached ARGUMENTS...: for a container that stays. Its stdio must not be
# bats', nor may it hold bats' own fd 3: bats would wait for it.
detached() {
	status=0
	"$RUNC" --root "$ROOT" "$@" </dev/null >"$TMP/out" 2>"$TMP/err" 3>&- || status=$?
	output=$(cat "$TMP/out" "$TMP/err")
}

expect_ok() {
	[ "$status" -eq 0 ] || { echo "status $status: $output"; return 1; }
}

# expect_error WORDS: failed, with these words in what it said.
expect_error() {
	[ "$status" -ne 0 ] || { echo "did not fail: $output"; return 1; }
	# A log line has its quotes escaped.
	[[ ${output//\\\"/\"} == *"$1"* ]] || { echo "does not say '$1': $output"; return 1; }
}

# state_is STATUS
state_is() {
	local s
	s=$(__runc state "$ID" | jq -r .status)
	[ "$s" = "$1" ] || { echo "is $s, not $1"; return 1; }
}

# name_cgroup NAME: one at a known place, whatever the driver.
# shellcheck disable=SC2016 # jq's variable
name_cgroup() {
	local path=/$1
	[ "${RUNC_TEST_DRIVER:-cgroupfs}" != systemd ] || path=:runc:$1
	update_config '.linux.cgroupsPath = $p' --arg p "$path"
}

# cgroup_v1 CONTROLLER: the folder of the cgroup that name_cgroup "$ID" named, in
# that hierarchy of cgroup v1.
cgroup_v1() {
	local path=$ID
	[ "${RUNC_TEST_DRIVER:-cgroupfs}" != systemd ] || path=system.slice/runc-$ID.scope
	echo "/sys/fs/cgroup/$1/$path"
}

init_pid() { __runc state "$ID" | jq .pid; }

# cgroup_of_init: its folder, on cgroup v2.
cgroup_of_init() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(init_pid)/cgroup")"; }

# wait_for COMMAND...: until it succeeds, ten seconds at most.
wait_for() {
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" && return 0
		sleep 0.05
	done
	echo "waited in vain for: $*"
	return 1
}

# replace_while_failing HOOK-KIND: a first create whose hook waits, and then
# fails; meanwhile the container is deleted and another created in its place.
# The first one's status and words are in $status and $output.
# shellcheck disable=SC2016 # jq's variables
replace_while_failing() {
	cp config.json plain.json
	printf '#!/bin/sh\n>%s/in\nwhile [ ! -e %s/go ]; do sleep 0.02; done\nexit 1\n' "$TMP" "$TMP" >"$TMP/hook"
	chmod 755 "$TMP/hook"
	update_config '.hooks = {($k): [{"path": $p}]}' --arg k "$1" --arg p "$TMP/hook"
	__runc create "$ID" </dev/null >"$TMP/out" 2>&1 3>&- &
	local first=$!
	wait_for test -e "$TMP/in"
	__runc delete --force "$ID"
	mv plain.json config.json
	__runc create "$ID" </dev/null >"$TMP/out2" 2>&1 3>&- || { cat "$TMP/out2"; return 1; }
	ls -d "$ROOT/$ID"/* >"$TMP/was"
	find /sys/fs/cgroup -name "$ID" -type d >"$TMP/cgroups"
	touch "$TMP/go"
	status=0
	wait "$first" || status=$?
	output=$(cat "$TMP/out")
}

# second_is_well: nothing of the second container was removed, and it starts.
second_is_well() {
	diff "$TMP/was" <(ls -d "$ROOT/$ID"/*)
	diff "$TMP/cgroups" <(find /sys/fs/cgroup -name "$ID" -type d)
	state_is created
	__runc start "$ID"
	state_is running
}

# gone PID: not there, or dead and not collected yet.
gone() { ! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }

requires() {
	local r
	for r; do
		case $r in
		root) [ "$(id -u)" = 0 ] || skip "needs root" ;;
		v1) [ ! -f /sys/fs/cgroup/cgroup.controllers ] || skip "needs cgroup v1" ;;
		v2) [ -f /sys/fs/cgroup/cgroup.controllers ] || skip "needs pure cgroup v2" ;;
		cgroupfs) [ "${RUNC_TEST_DRIVER:-cgroupfs}" = cgroupfs ] || skip "needs cgroups made by files, not by systemd" ;;
		userns) [ -e /proc/self/ns/user ] || skip "the kernel has no user namespaces" ;;
		once) # long, and the same whatever the driver
			[ "${RUNC_TEST_DRIVER:-cgroupfs}" = cgroupfs ] || skip "is run with cgroups made by files"
			;;
		user_cgroups) # as the driver for systemd asks the user's own systemd
			[ "${RUNC_TEST_DRIVER:-cgroupfs}" = cgroupfs ] || [ -f /sys/fs/cgroup/cgroup.controllers ] ||
				skip "systemd gives ordinary users no cgroups on cgroup v1"
			;;
		systemd) [ -d /run/systemd/system ] || skip "needs systemd as the host's init" ;;
		apparmor)
			grep -q Y /sys/module/apparmor/parameters/enabled 2>/dev/null || skip "needs a kernel with AppArmor enabled"
			command -v apparmor_parser >/dev/null || skip "needs apparmor_parser"
			;;
		timens) [ -e /proc/self/ns/time ] || skip "the kernel has no time namespaces" ;;
		*) echo "requires: unknown: $r"; return 1 ;;
		esac
	done
}

# requires_controller NAME: one that a container's cgroup has in this layout.
requires_controller() {
	if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
		grep -qw "$1" /sys/fs/cgroup/cgroup.controllers || skip "needs the $1 controller on cgroup v2"
	else
		[ -d "/sys/fs/cgroup/$1" ] || skip "needs the $1 controller on cgroup v1"
	fi
}

# Of this test: containers, mounts, cgroups. Anything there now is a leak,
# unless the test says that it leaves a container, which teardown then removes.
common_teardown() {
	cd / || return 1
	[ -n "${ROOT:-}" ] || return 0
	local c bad=0
	if [ -d "$ROOT" ]; then
		for c in "$ROOT"/*/; do
			[ -d "$c" ] || continue
			"$RUNC" --root "$ROOT" delete --force "$(basename "$c")" || bad=1
		done
	fi
	if grep -F " $TMP/" /proc/self/mountinfo; then
		echo "mounts are left"
		bad=1
	fi
	if find /sys/fs/cgroup -type d -name "$ID*" 2>/dev/null | grep .; then
		echo "cgroups are left"
		# Failed already; the next run shall not find them.
		find /sys/fs/cgroup -depth -type d -name "$ID*" -exec rmdir {} + 2>/dev/null || true
		bad=1
	fi
	if [ -d "$ROOT" ] && [ -n "$(ls -A "$ROOT")" ]; then
		ls -lR "$ROOT"
		bad=1
	fi
	return $bad
}

teardown() { common_teardown; }

setup() { setup_bundle; }
