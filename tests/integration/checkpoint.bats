#!/usr/bin/env bats
# checkpoint and restore: the container comes back as it was.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts for shells inside; each test is a subshell; bats sets status

load helpers
load criu

setup() {
	TTYS=()
	setup_bundle
	needs_criu
}

teardown() {
	[ ${#TTYS[@]} = 0 ] || kill "${TTYS[@]}" 2>/dev/null || true
	common_teardown
}

@test "checkpoint: a counter goes on where it stopped" {
	counting
	wait_for beyond 5
	checkpoint
	local n
	n=$(count)
	rm "$BUNDLE/rootfs/n"
	restore
	wait_for test -s "$BUNDLE/rootfs/n"
	[ "$(count)" -ge "$n" ]
	goes_on "$n"
}

@test "checkpoint: the container is deleted, its poststop hooks run" {
	update_config '.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "cat >" + $f]}]' --arg f "$TMP/poststop"
	counting
	checkpoint
	[ ! -e "$ROOT/$ID" ]
	[ "$(jq -r .status "$TMP/poststop")" = stopped ]
	runc state "$ID"
	expect_error "container does not exist"
}

@test "checkpoint --leave-running: the container runs on, and can be restored from then" {
	counting
	checkpoint --leave-running
	goes_on "$(count)"
	runc delete --force "$ID"
	expect_ok
	rm "$BUNDLE/rootfs/n"
	restore
	wait_for test -s "$BUNDLE/rootfs/n"
}

@test "checkpoint: a paused container stays paused, its copy runs" {
	counting
	runc pause "$ID"
	expect_ok
	checkpoint --leave-running
	state_is paused
	runc resume "$ID"
	goes_on "$(count)"
	runc delete --force "$ID"
	restore
	goes_on "$(count)"
}

@test "checkpoint --pre-dump: where CRIU cannot track memory it is refused by name, and the container runs on" {
	! criu check --feature mem_dirty_track >/dev/null 2>&1 || skip "CRIU can track memory here"
	counting
	runc checkpoint --pre-dump --image-path "$IMAGES" "$ID"
	expect_error "--pre-dump: CRIU is missing features: mem_dirty_track"
	goes_on "$(count)"
}

@test "checkpoint --pre-dump: each checkpoint builds on the one before" {
	criu check --feature mem_dirty_track >/dev/null 2>&1 || skip "CRIU cannot track memory on this kernel (mem_dirty_track)"
	counting
	runc checkpoint --pre-dump --image-path "$TMP/one" "$ID"
	expect_ok
	state_is running
	[ ! -e "$TMP/one/descriptors.json" ]
	runc checkpoint --pre-dump --image-path "$TMP/two" --parent-path ../one "$ID"
	expect_ok
	[ "$(readlink "$TMP/two/parent")" = ../one ]
	goes_on "$(count)"
	IMAGES=$TMP/three
	checkpoint --parent-path ../two
	[ "$(readlink "$IMAGES/parent")" = ../two ]
	local n
	n=$(count)
	restore
	goes_on "$n"
}

@test "checkpoint --work-path: CRIU's log is there, not beside the images" {
	counting
	checkpoint --work-path "$TMP/work"
	[ -s "$TMP/work/dump.log" ] && [ ! -e "$IMAGES/dump.log" ]
	restore --work-path "$TMP/work"
	[ -s "$TMP/work/restore.log" ] && [ ! -e "$IMAGES/restore.log" ]
}

@test "checkpoint: the image path is ./checkpoint by default" {
	counting
	cd "$TMP"
	runc checkpoint "$ID"
	expect_ok
	[ -e "$TMP/checkpoint/descriptors.json" ]
	detached restore -d --bundle "$BUNDLE" "$ID"
	expect_ok
	goes_on "$(count)"
}

@test "checkpoint: of a foreground container, restored in the foreground, its pipes are joined again" {
	sh_args 'echo first; until [ -e /go ]; do sleep 0.02; done; cat; echo second; echo third >&2; exit 7'
	__runc run --keep "$ID" </dev/null >"$TMP/one" 2>"$TMP/err" 3>&- &
	local first=$! rc=0
	wait_for grep -q first "$TMP/one"
	checkpoint
	wait $first || rc=$?
	[ "$rc" -eq 137 ] || { echo "ended with $rc"; return 1; }
	touch "$BUNDLE/rootfs/go"
	rc=0
	echo input | __runc restore --image-path "$IMAGES" "$ID" >"$TMP/two" 2>"$TMP/err" || rc=$?
	[ "$rc" -eq 7 ] || { echo "ended with $rc"; cat "$TMP/err"; return 1; }
	[ "$(cat "$TMP/two")" = $'input\nsecond' ]
	[ "$(cat "$TMP/err")" = third ]
	[ ! -e "$ROOT/$ID" ]
}

@test "checkpoint: stdio that is files of the host, restored on the same files" {
	sh_args 'i=0; while :; do i=$((i + 1)); echo $i; echo error >&2; sleep 0.02; done'
	detached run -d "$ID"
	expect_ok
	wait_for grep -q 5 "$TMP/out"
	checkpoint
	local n
	n=$(wc -l <"$TMP/out")
	__runc restore -d --image-path "$IMAGES" "$ID" </dev/null >>"$TMP/out" 2>>"$TMP/err" 3>&- || { cat "$TMP/err"; return 1; }
	more() { [ "$(wc -l <"$TMP/out")" -gt "$n" ]; }
	wait_for more
	[ "$(sed -n "$((n + 1))p" "$TMP/out")" = $((n + 1)) ]
}

@test "restore: under another id, from another bundle" {
	counting
	checkpoint
	local n
	n=$(count)
	mkdir "$TMP/other"
	cp -a "$BUNDLE/config.json" "$BUNDLE/rootfs" "$TMP/other"
	# A fresh copy of the image has no mountpoints but its own.
	update_config '.mounts += [{destination: "/new/dir", source: "/mnt", type: "bind", options: ["bind"]}]'
	BUNDLE=$TMP/other ID=$ID-new
	detached restore -d --bundle "$BUNDLE" --image-path "$IMAGES" "$ID"
	expect_ok
	goes_on "$n"
	[ "$(__runc state "$ID" | jq -r .bundle)" = "$BUNDLE" ]
	# It is in its own cgroup, and in no other's.
	run ! grep -E "[/-]${ID%-new}(/|\.scope|\$)" "/proc/$(init_pid)/cgroup"
	grep -qE "[/-]$ID(/|\.scope|\$)" "/proc/$(init_pid)/cgroup"
}

@test "restore: the time of creation is the original one" {
	counting
	local created
	created=$(__runc state "$ID" | jq -r .created)
	checkpoint
	restore
	[ "$(__runc state "$ID" | jq -r .created)" = "$created" ]
}

@test "restore: the container can be used as any other" {
	counting
	checkpoint
	restore --pid-file "$TMP/pid"
	[ "$(cat "$TMP/pid")" = "$(init_pid)" ]
	runc exec "$ID" sh -c 'cat /n >/dev/null && echo inside'
	[ "$output" = inside ]
	runc pause "$ID"
	state_is paused
	runc resume "$ID"
	IMAGES=$TMP/again
	checkpoint
	restore
	goes_on "$(count)"
	runc kill "$ID" KILL
	wait_for state_is stopped
	runc delete "$ID"
	expect_ok
}

@test "restore: hooks of the runtime's namespaces run, those inside do not" {
	local k
	for k in prestart createRuntime createContainer startContainer poststart; do
		update_config '.hooks[$k] = [{path: "/bin/sh", args: ["sh", "-c", "echo " + $k + " $(cat) >>" + $f]}]' --arg k "$k" --arg f "$TMP/hooks"
	done
	update_config 'del(.hooks.startContainer)'
	counting
	checkpoint
	rm "$TMP/hooks"
	restore
	[ "$(cut -d' ' -f1 "$TMP/hooks" | tr '\n' ' ')" = 'prestart createRuntime ' ] || { cat "$TMP/hooks"; return 1; }
	[ "$(sed -n 's/^prestart //p' "$TMP/hooks" | jq .pid)" = "$(init_pid)" ]
	[ "$(sed -n 's/^prestart //p' "$TMP/hooks" | jq -r .status)" = creating ]
}

@test "checkpoint: bind mounts, nested ones, and one whose place is a symlink of the image" {
	mkdir -p "$TMP/a/sub" "$TMP/b" "$TMP/c" "$BUNDLE/rootfs/real"
	ln -s /real "$BUNDLE/rootfs/link"
	echo a >"$TMP/a/file"
	echo b >"$TMP/b/file"
	echo c >"$TMP/c/file"
	echo d >"$TMP/d"
	update_config '.mounts += [
		{destination: "/a", source: ($t + "/a"), type: "bind", options: ["bind"]},
		{destination: "/a/sub", source: ($t + "/b"), type: "bind", options: ["rbind", "ro"]},
		{destination: "/link/c", source: ($t + "/c"), type: "bind", options: ["bind"]},
		{destination: "/etc/d", source: ($t + "/d"), type: "bind", options: ["bind", "ro"]},
		{destination: "/t", type: "tmpfs", source: "tmpfs"}]' --arg t "$TMP"
	counting
	runc exec "$ID" sh -c 'echo kept >/t/file'
	checkpoint
	restore
	runc exec "$ID" cat /a/file /a/sub/file /link/c/file /etc/d /t/file
	[ "$(tr '\n' ' ' <<<"$output")" = 'a b c d kept ' ] || { echo "$output"; return 1; }
	runc exec "$ID" sh -c 'touch /a/sub/x'
	[ "$status" -ne 0 ]
}

@test "checkpoint: masked and read-only paths are so again" {
	update_config '.linux.maskedPaths = ["/etc/passwd", "/proc/keys", "/sys/firmware", "/nosuch"]
		| .linux.readonlyPaths = ["/proc/sys", "/mnt"]'
	counting
	checkpoint
	restore
	runc exec "$ID" sh -c 'wc -c </etc/passwd; wc -c </proc/keys; ls /sys/firmware | wc -l; touch /mnt/x 2>/dev/null || echo read-only'
	[ "$(tr -s '\n ' ' ' <<<"$output")" = '0 0 0 read-only ' ] || { echo "$output"; return 1; }
}

@test "checkpoint: a terminal, whose master goes to the new console socket" {
	update_config '.process.terminal = true'
	sh_args 'while read -r l; do echo "said $l" >/said; done'
	"$TOP/recvtty" --pid-file "$TMP/tty.pid" --mode null "$TMP/tty.sock" 3>&- &
	TTYS+=($!)
	wait_for test -S "$TMP/tty.sock"
	detached run -d --console-socket "$TMP/tty.sock" "$ID"
	expect_ok
	checkpoint
	"$TOP/recvtty" --pid-file "$TMP/tty.pid" --mode null "$TMP/tty2.sock" 3>&- &
	TTYS+=($!)
	wait_for test -S "$TMP/tty2.sock"
	restore --console-socket "$TMP/tty2.sock"
	runc exec "$ID" sh -c 'stat -c %t:%T /proc/1/fd/0 >/dev/null; readlink /proc/1/fd/0; test -c /dev/console'
	[ "$status" -eq 0 ] && [ "$output" = /dev/pts/0 ] || { echo "$output"; return 1; }
}

@test "restore: a terminal in the foreground" {
	update_config '.process.terminal = true'
	sh_args 'until [ -e /go ]; do sleep 0.02; done; tty; exit 5'
	"$TOP/recvtty" --pid-file "$TMP/tty.pid" --mode null "$TMP/tty.sock" 3>&- &
	TTYS+=($!)
	wait_for test -S "$TMP/tty.sock"
	detached run -d --console-socket "$TMP/tty.sock" "$ID"
	expect_ok
	checkpoint
	touch "$BUNDLE/rootfs/go"
	run "$RUNC" --root "$ROOT" restore --image-path "$IMAGES" "$ID" </dev/null
	[ "$status" -eq 5 ] && [[ $output == *"/dev/pts/0"* ]] || { echo "$status: $output"; return 1; }
}

@test "checkpoint: seccomp and capabilities are those from before" {
	update_config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}
		| .process.noNewPrivileges = true'
	sh_args 'until [ -e /go ]; do sleep 0.02; done; mkdir /x 2>/dev/null || echo refused >/result; sleep 1000'
	detached run -d "$ID"
	expect_ok
	local before
	before=$(grep -E '^(Cap|Seccomp|NoNewPrivs)' "/proc/$(init_pid)/status")
	checkpoint
	restore
	[ "$(grep -E '^(Cap|Seccomp|NoNewPrivs)' "/proc/$(init_pid)/status")" = "$before" ]
	touch "$BUNDLE/rootfs/go"
	wait_for grep -q refused "$BUNDLE/rootfs/result"
}

@test "checkpoint --file-locks: locks are held again" {
	# busybox has no flock: the host's, with the libraries it needs.
	local lib
	touch "$BUNDLE/rootfs/lock"
	for lib in $(ldd /usr/bin/flock | grep -o '/[^ ]*'); do
		mkdir -p "$BUNDLE/rootfs${lib%/*}"
		cp "$lib" "$BUNDLE/rootfs$lib"
	done
	cp /usr/bin/flock "$BUNDLE/rootfs/bin/flock"
	args /bin/flock /lock sleep 1000
	detached run -d "$ID"
	expect_ok
	locked() { ! flock -n "$BUNDLE/rootfs/lock" true; }
	wait_for locked
	runc checkpoint --image-path "$TMP/without" "$ID"
	expect_error "criu failed: type DUMP errno"
	locked
	checkpoint --file-locks
	run ! locked
	restore --file-locks
	locked
}

@test "checkpoint: a container with a user namespace" {
	requires userns
	# CRIU 4.1 cannot restore a cgroup namespace inside of a user namespace.
	update_config '.linux.namespaces |= map(select(.type != "cgroup")) + [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	# CRIU reads the images as the container's root.
	mkdir -m 755 "$IMAGES"
	counts
	__runc run -d "$ID" </dev/null >/dev/null 2>&1 3>&-
	wait_for test -s "$BUNDLE/rootfs/n"
	checkpoint
	local n
	n=$(count)
	__runc restore -d --image-path "$IMAGES" "$ID" </dev/null >/dev/null 2>&1 3>&- || { tail -n 40 "$IMAGES/restore.log"; return 1; }
	goes_on "$n"
	[ "$(stat -c %u "/proc/$(init_pid)")" = 100000 ]
}

@test "checkpoint: the annotation org.criu.config names CRIU's configuration" {
	echo "log-file from-config.log" >"$TMP/criu.conf"
	update_config '.annotations = {"org.criu.config": $f}' --arg f "$TMP/criu.conf"
	counting
	runc checkpoint --image-path "$IMAGES" "$ID"
	expect_ok
	[ -s "$IMAGES/from-config.log" ] && [ ! -e "$IMAGES/dump.log" ]
}

@test "checkpoint and restore: help is printed, with status 0" {
	local c
	for c in checkpoint restore; do
		runc "$c" --help
		[ "$status" -eq 0 ]
		[[ $output == *"--image-path"* ]]
	done
}
