#!/usr/bin/env bats
# checkpoint and restore: what fails leaves everything as it was, and says why.

# shellcheck disable=SC2016,SC2030,SC2031,SC2094,SC2154 # scripts for shells inside; each test is a subshell; bats sets status

load helpers
load criu

setup() {
	setup_bundle
	needs_criu
}

# runs_on: the container counts, and is not frozen.
runs_on() { goes_on "$(count)"; }

# nothing_left: no container, no cgroup and no process of a restore.
nothing_left() {
	[ ! -e "$ROOT/$ID" ] || { ls -l "$ROOT/$ID"; return 1; }
	local left
	left=$(find /sys/fs/cgroup -type d -name "$ID"; grep -lF "$BUNDLE/rootfs" /proc/[0-9]*/mountinfo 2>/dev/null || true)
	[ -z "$left" ] || { echo "$left"; return 1; }
}

# slow_criu SECONDS: CRIU works only then, and its pid is in $TMP/criu.pid.
slow_criu() {
	mkdir "$TMP/bin"
	printf '#!/bin/sh\necho $$ >%s\nsleep %s\nexec %s "$@"\n' "$TMP/criu.pid" "$1" "$(command -v criu)" >"$TMP/bin/criu"
	chmod 755 "$TMP/bin/criu"
	PATH=$TMP/bin:$PATH
}

@test "checkpoint: a container that is created or stopped is refused" {
	args true
	detached create "$ID"
	expect_ok
	runc checkpoint --image-path "$IMAGES" "$ID"
	expect_error "Container cannot be checkpointed in created state"
	runc start "$ID"
	wait_for state_is stopped
	runc checkpoint --image-path "$IMAGES" "$ID"
	expect_error "Container cannot be checkpointed in stopped state"
	[ ! -e "$IMAGES" ]
	runc checkpoint nosuch
	expect_error "container does not exist"
}

@test "checkpoint: bad values of flags are refused before anything is done" {
	counting
	local f
	runc checkpoint --manage-cgroups-mode none --image-path "$IMAGES" "$ID"
	expect_error "invalid manage-cgroups-mode value"
	runc checkpoint --empty-ns mount --image-path "$IMAGES" "$ID"
	expect_error "namespace mount is not supported"
	for f in host host: :1 host:port host:99999; do
		runc checkpoint --page-server "$f" --image-path "$IMAGES" "$ID"
		[ "$status" -ne 0 ] && [[ $output == *"--page-server ADDRESS:PORT"* ]] || { echo "$output"; return 1; }
	done
	runc checkpoint --lazy-pages --status-fd 77 --image-path "$IMAGES" "$ID"
	expect_error "invalid --status-fd argument 77"
	[ ! -e "$IMAGES" ]
	runs_on
}

@test "checkpoint: a parent path that is absolute, missing or a file is refused before the dump" {
	counting
	mkdir "$TMP/parent"
	touch "$TMP/file"
	runc checkpoint --pre-dump --parent-path "$TMP/parent" --image-path "$IMAGES" "$ID"
	expect_error "invalid --parent-path"
	expect_error "must be relative"
	runc checkpoint --pre-dump --parent-path ../nosuch --image-path "$IMAGES" "$ID"
	expect_error "invalid --parent-path"
	expect_error "no such file or directory"
	runc checkpoint --parent-path ../file --image-path "$IMAGES" "$ID"
	expect_error "invalid --parent-path"
	expect_error "not a directory"
	[ ! -e "$IMAGES/dump.log" ]
	runs_on
}

@test "checkpoint: an image path or work path that is a file, or below a missing folder, is named" {
	counting
	touch "$TMP/file"
	runc checkpoint --image-path "$TMP/file" "$ID"
	expect_error "not a directory"
	expect_error "(--image-path)"
	runc checkpoint --image-path "$TMP/no/such" "$ID"
	expect_error "no such file or directory (--image-path)"
	runc checkpoint --image-path "$IMAGES" --work-path "$TMP/file" "$ID"
	expect_error "(--work-path)"
	runs_on
}

@test "checkpoint and restore: without CRIU that is said" {
	counting
	local path=$PATH
	PATH=$(dirname "$(command -v jq)")
	! command -v criu || skip "criu is beside everything else"
	runc checkpoint --image-path "$IMAGES" "$ID"
	expect_error 'exec: "criu": executable file not found in $PATH'
	PATH=$path
	checkpoint
	PATH=$(dirname "$(command -v jq)")
	runc restore --image-path "$IMAGES" "$ID"
	expect_error 'exec: "criu": executable file not found in $PATH'
	PATH=$path
	nothing_left
}

@test "checkpoint: what CRIU cannot dump is in the error, with its log, and the container runs on" {
	counts
	# A device of the host.
	__runc run -d "$ID" </dev/zero >/dev/null 2>&1 3>&-
	wait_for test -s "$BUNDLE/rootfs/n"
	runc checkpoint --image-path "$IMAGES" "$ID"
	expect_error "Error (criu/"
	expect_error "path=/dev/zero"
	expect_error "criu failed: type DUMP errno"
	expect_error "(log file: $IMAGES/dump.log)"
	runs_on
}

@test "checkpoint: a full image path is told, and the container runs on" {
	counting
	mkdir "$IMAGES"
	mount -t tmpfs -o size=64k tmpfs "$IMAGES"
	run "$RUNC" --root "$ROOT" checkpoint --image-path "$IMAGES" "$ID"
	umount "$IMAGES"
	expect_error "criu failed: type DUMP errno"
	expect_error "No space left on device"
	runs_on
}

@test "checkpoint: the only error line in the log of the runtime is the last, as engines read it" {
	counting
	mkdir "$IMAGES"
	mount -t tmpfs -o size=64k tmpfs "$IMAGES"
	run "$RUNC" --root "$ROOT" --log "$TMP/log" --log-format json checkpoint --image-path "$IMAGES" "$ID"
	umount "$IMAGES"
	[ "$status" -eq 1 ]
	[[ $(tail -n 1 "$TMP/log" | jq -r 'select(.level == "error") | .msg') == *"criu failed: type DUMP errno "* ]]
}

@test "checkpoint: CRIU is killed, and the container runs on" {
	slow_criu 1
	counting
	"$RUNC" --root "$ROOT" checkpoint --image-path "$IMAGES" "$ID" >"$TMP/said" 2>&1 3>&- &
	local c=$!
	wait_for test -s "$TMP/criu.pid"
	kill -KILL "$(cat "$TMP/criu.pid")"
	status=0
	wait $c || status=$?
	output=$(cat "$TMP/said")
	expect_error "criu failed: type VERSION errno 0: CRIU ended before it was done"
	runs_on
}

@test "checkpoint: CRIU is killed while the container is frozen, which is thawed" {
	slow_criu 0
	counting
	# Its action script is run between freezing and the end.
	printf '#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" != post-dump ] || kill -KILL %s\n' '$(cat '"$TMP/criu.pid"')' >"$TMP/action"
	chmod 755 "$TMP/action"
	echo "action-script $TMP/action" >"$TMP/criu.conf"
	runc delete --force "$ID"
	update_config '.annotations = {"org.criu.config": $f}' --arg f "$TMP/criu.conf"
	counting
	runc checkpoint --image-path "$IMAGES" "$ID"
	expect_error "criu failed: type DUMP errno 0: CRIU ended before it was done (signal: killed)"
	state_is running
	runs_on
}

@test "checkpoint: a signal ends it in order, and the container runs on" {
	slow_criu 1
	counting
	"$RUNC" --root "$ROOT" checkpoint --image-path "$IMAGES" "$ID" >"$TMP/said" 2>&1 3>&- &
	local c=$!
	wait_for test -s "$TMP/criu.pid"
	kill -TERM $c
	status=0
	wait $c || status=$?
	output=$(cat "$TMP/said")
	[ "$status" -eq 1 ]
	expect_error "interrupted by SIGTERM"
	runs_on
}

@test "restore: from a folder without a checkpoint, or none" {
	runc restore --image-path "$TMP/nosuch" "$ID"
	expect_error "no checkpoint of a container in $TMP/nosuch"
	mkdir "$IMAGES"
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "no checkpoint of a container in $IMAGES"
	nothing_left
}

@test "restore: images that are damaged leave nothing" {
	counting
	checkpoint
	truncate -s 10 "$IMAGES/pstree.img"
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "criu failed: type RESTORE errno"
	nothing_left
	rm "$IMAGES/pages-1.img"
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "Error (criu/"
	nothing_left
}

@test "restore: under an id that exists is refused" {
	counting
	checkpoint --leave-running
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "container with given ID already exists"
	runs_on
}

@test "restore: a bundle without a mount of the checkpoint is refused by CRIU, one without its source before" {
	mkdir "$TMP/a"
	update_config '.mounts += [{destination: "/mnt/a", source: $s, type: "bind", options: ["bind"]}]' --arg s "$TMP/a"
	counting
	checkpoint
	update_config 'del(.mounts[-1])'
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "No mapping for"
	nothing_left
	update_config '.mounts += [{destination: "/mnt/a", source: $s, type: "bind", options: ["bind"]}]' --arg s "$TMP/nosuch"
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "$TMP/nosuch: no such file or directory (config.json: mounts["
	nothing_left
}

@test "restore: a hook that fails ends it, poststop hooks run" {
	counting
	checkpoint
	update_config '.hooks = {createRuntime: [{path: "/bin/false"}], poststop: [{path: "/bin/sh", args: ["sh", "-c", "touch " + $f]}]}' --arg f "$TMP/poststop"
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "error running createRuntime hook #0"
	nothing_left
	[ -e "$TMP/poststop" ]
}

@test "restore: CRIU is killed half-way, nothing is left" {
	slow_criu 0
	counting
	checkpoint
	update_config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "kill -KILL $(cat " + $f + ")"]}]}' --arg f "$TMP/criu.pid"
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "criu failed: type RESTORE errno 0: CRIU ended before it was done"
	wait_for nothing_left
}

@test "restore: a signal ends it, nothing is left" {
	counting
	checkpoint
	update_config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "touch " + $f + "; sleep 100"]}]}' --arg f "$TMP/in"
	"$RUNC" --root "$ROOT" restore --image-path "$IMAGES" "$ID" >"$TMP/said" 2>&1 3>&- &
	local c=$!
	wait_for test -e "$TMP/in"
	kill -TERM $c
	status=0
	wait $c || status=$?
	output=$(cat "$TMP/said")
	[ "$status" -eq 1 ]
	expect_error "interrupted by SIGTERM"
	wait_for nothing_left
}

@test "restore: the runtime is killed half-way, delete finds what is left" {
	counting
	checkpoint
	update_config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "echo $$ >" + $f + "; exec sleep 100"]}]}' --arg f "$TMP/in"
	"$RUNC" --root "$ROOT" restore --image-path "$IMAGES" "$ID" >"$TMP/said" 2>&1 3>&- &
	local c=$!
	wait_for test -s "$TMP/in"
	kill -KILL $c "$(cat "$TMP/in")"
	wait $c || true
	[ -d "$BUNDLE/rootfs/bin" ]
	no_process() { ! grep -lF "$BUNDLE/rootfs" /proc/[0-9]*/mountinfo 2>/dev/null; }
	wait_for no_process
	runc delete --force "$ID"
	expect_ok
	nothing_left
	# CRIU's mount of the root was its own: nothing of it has been removed.
	[ -e "$BUNDLE/rootfs/bin/busybox" ]
}

@test "restore: CRIU gets no descriptor of the caller's, and of the environment only its own" {
	slow_criu 0
	printf '#!/bin/sh\ncat /proc/$$/environ | tr "\\0" "\\n" >%s\nls -l /proc/$$/fd >%s\nexec %s "$@"\n' "$TMP/env" "$TMP/fds" "$(PATH=${PATH#*:} command -v criu)" >"$TMP/bin/criu"
	counting
	checkpoint
	SECRET=1 "$RUNC" --root "$ROOT" restore -d --image-path "$IMAGES" "$ID" </dev/null >>"$TMP/out" 2>>"$TMP/err" 3>&- 7<"$BUNDLE/config.json" 8<"$ROOT" || { cat "$TMP/err"; return 1; }
	run ! grep -q SECRET "$TMP/env"
	run ! grep -E "config.json|$ROOT\$" "$TMP/fds"
	state_is running
}
