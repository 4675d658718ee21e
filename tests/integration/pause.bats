#!/usr/bin/env bats
# pause and resume.

load helpers

setup() {
	requires root
	setup_bundle
	name_cgroup "$ID"
	sh_args 'while :; do sleep 1000; done'
}

running() {
	detached run -d "$ID"
	expect_ok
}

frozen() {
	if [ -e "$(cgroup_v1 freezer)" ]; then
		[ "$(cat "$(cgroup_v1 freezer)/freezer.state")" = FROZEN ]
	else
		grep -qx 'frozen 1' "$(cgroup_of_init)/cgroup.events"
	fi
}

@test "pause freezes, resume thaws" {
	running
	runc pause "$ID"
	expect_ok
	frozen
	state_is paused
	[ "$(__runc list -f json | jq -r '.[0].status')" = paused ]
	runc resume "$ID"
	expect_ok
	! frozen
	state_is running
}

@test "a paused container cannot be paused" {
	running
	__runc pause "$ID"
	runc pause "$ID"
	expect_error "container not running"
}

@test "a running container cannot be resumed" {
	running
	runc resume "$ID"
	expect_error "container not paused"
}

@test "a stopped container can neither be paused nor resumed" {
	args true
	running
	stopped() { [ "$(__runc state "$ID" | jq -r .status)" = stopped ]; }
	wait_for stopped
	runc pause "$ID"
	expect_error "container not running"
	runc resume "$ID"
	expect_error "container not paused"
}

@test "a created container can be paused, and is created again after resume" {
	detached create "$ID"
	expect_ok
	runc pause "$ID"
	expect_ok
	state_is paused
	runc resume "$ID"
	expect_ok
	state_is created
}

@test "SIGKILL ends a paused container" {
	running
	__runc pause "$ID"
	runc kill "$ID" KILL
	expect_ok
	stopped() { [ "$(__runc state "$ID" | jq -r .status)" = stopped ]; }
	wait_for stopped
}

@test "delete refuses a paused container, delete --force removes it" {
	running
	__runc pause "$ID"
	runc delete "$ID"
	expect_error "that is not stopped: paused"
	runc delete --force "$ID"
	expect_ok
	[ ! -e "$ROOT/$ID" ]
}

@test "exec into a paused container is refused" {
	running
	__runc pause "$ID"
	runc exec "$ID" true
	[ "$status" -eq 255 ]
	expect_error "cannot exec in a paused container (use --ignore-paused to override)"
}

@test "a signal ends an exec --ignore-paused that waits, by both ways, and its process never runs" {
	running
	local way p got before
	count() { __runc ps --format json "$ID" | jq length; }
	# The shell and its sleep, which may take a moment.
	both() { [ "$(count)" = 2 ]; }
	wait_for both
	before=2
	joined() { [ "$(count)" -gt "$before" ]; }
	left() { [ "$(count)" = "$before" ]; }
	for way in short long; do
		__runc pause "$ID"
		jq --arg w $way '.process | .args = ["touch", "/dev/ran-\($w)"]
			| if $w == "long" then .ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4} else . end' config.json >"$TMP/process.json"
		timeout -s KILL 20 "$RUNC" --root "$ROOT" exec --ignore-paused -p "$TMP/process.json" "$ID" </dev/null >"$TMP/out" 2>&1 3>&- &
		p=$!
		wait_for joined
		got=0
		kill -TERM "$(pgrep -P $p)"
		wait $p || got=$?
		[ "$got" -eq 255 ] || { echo "$way: $got"; cat "$TMP/out"; return 1; }
		grep -F "exec failed: unable to start container process: interrupted by SIGTERM" "$TMP/out"
		__runc resume "$ID"
		wait_for left
		[ ! -e "/proc/$(init_pid)/root/dev/ran-$way" ]
	done
}

@test "exec --ignore-paused goes on once the container is resumed" {
	running
	__runc pause "$ID"
	__runc exec --ignore-paused "$ID" touch /dev/done </dev/null >/dev/null 2>&1 3>&- &
	local p=$!
	sleep 0.5
	[ ! -e "/proc/$(init_pid)/root/dev/done" ]
	__runc resume "$ID"
	wait "$p"
	[ -e "/proc/$(init_pid)/root/dev/done" ]
}
