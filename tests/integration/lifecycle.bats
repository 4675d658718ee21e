#!/usr/bin/env bats

load helpers

@test "run gives the process's output and exit status" {
	sh_args 'echo hello; exit 3'
	runc run "$ID"
	[ "$status" -eq 3 ]
	[ "$output" = hello ]
}

@test "run removes the container afterwards" {
	runc run "$ID"
	expect_ok
	runc state "$ID"
	expect_error "container does not exist"
	[ ! -e "$ROOT/$ID" ]
}

@test "run --keep leaves a stopped container" {
	runc run --keep "$ID"
	expect_ok
	state_is stopped
	runc delete "$ID"
	expect_ok
}

@test "a process killed by signal N makes run exit with 128+N" {
	sh_args 'kill -9 $$; sleep 10'
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	runc run "$ID"
	[ "$status" -eq 137 ]
}

@test "create leaves the process waiting, start lets it go" {
	sh_args 'echo ran > /tmp/ran; sleep 1000'
	update_config '.root.readonly = false'
	detached create "$ID"
	expect_ok
	state_is created
	[ ! -e rootfs/tmp/ran ]
	[ -p "$ROOT/$ID/exec.fifo" ]
	runc start "$ID"
	expect_ok
	wait_for test -e rootfs/tmp/ran
	state_is running
	[ ! -e "$ROOT/$ID/exec.fifo" ]
}

@test "files of the state folder have the modes that callers know" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	[ "$(stat -c %a "$ROOT")" = 700 ]
	[ "$(stat -c %a "$ROOT/$ID")" = 711 ]
	[ "$(stat -c %a "$ROOT/$ID/state.json")" = 600 ]
	[ "$(stat -c %a "$ROOT/$ID/exec.fifo")" = 622 ]
}

@test "state shows what callers parse" {
	args sleep 1000
	update_config '.annotations = {"a": "b=c"}'
	detached run -d "$ID"
	expect_ok
	runc state "$ID"
	expect_ok
	jq -e --arg id "$ID" --arg b "$BUNDLE" '.ociVersion == "1.3.0" and .id == $id and .pid > 0 and .status == "running"
		and .bundle == $b and .rootfs == $b + "/rootfs" and .annotations == {"a": "b=c"} and .owner == ""
		and (.created | test("^20.*Z$"))' <<<"$output"
}

@test "list shows containers as a table, as json and as ids" {
	runc list
	expect_error "no such file or directory"
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc list
	expect_ok
	[[ ${lines[0]} == "ID "*"PID "*"STATUS "*"BUNDLE "*"CREATED "*"OWNER" ]]
	[[ ${lines[1]} == "$ID"*"running"*"$BUNDLE"*"root" ]]
	runc list -q
	[ "$output" = "$ID" ]
	runc list -f json
	jq -e --arg id "$ID" 'length == 1 and .[0].id == $id and .[0].owner == "root"' <<<"$output"
	runc list -f xml
	expect_error "invalid format option"
}

@test "list -f json of an empty root is null" {
	mkdir -p "$ROOT"
	runc list -f json
	[ "$output" = null ]
}

@test "an existing id is refused, and the container unharmed" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc create "$ID"
	expect_error "runc create failed: container with given ID already exists"
	runc run "$ID"
	expect_error "runc run failed: container with given ID already exists"
	state_is running
}

@test "invalid ids are refused" {
	local id
	for id in a/b .. . 'a b' 'é'; do
		runc run "$id"
		expect_error "runc run failed: invalid container ID format"
	done
	runc run ""
	expect_error "container id cannot be empty"
}

@test "start is refused for running, stopped and missing containers" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc start "$ID"
	expect_error "cannot start an already running container"
	runc kill "$ID" KILL
	expect_ok
	wait_for state_is stopped
	runc start "$ID"
	expect_error "cannot start a container that has stopped"
	runc delete "$ID"
	expect_ok
	runc start "$ID"
	expect_error "container does not exist"
}

@test "start notices an init that has died" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	kill -9 "$(init_pid)"
	wait_for state_is stopped
	run timeout 5 "$RUNC" --root "$ROOT" start "$ID"
	expect_error "cannot start a container that has stopped"
}

@test "delete refuses a running container and removes a created one" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	runc delete "$ID"
	expect_ok
	detached run -d "$ID"
	expect_ok
	runc delete "$ID"
	expect_error "cannot delete container $ID that is not stopped: running"
	state_is running
	runc delete --force "$ID"
	expect_ok
	runc delete "$ID"
	expect_error "container does not exist"
	runc delete --force "$ID"
	expect_ok
}

@test "delete --force removes a state folder without a state file" {
	mkdir -p "$ROOT/$ID"
	runc state "$ID"
	expect_error "container does not exist"
	runc delete --force "$ID"
	expect_ok
	[ ! -e "$ROOT/$ID" ]
}

@test "kill takes signals by number, by name, and in any case" {
	sh_args 'trap "echo got >> /tmp/got" USR1; echo up > /tmp/up; while :; do sleep 0.1; done'
	update_config '.root.readonly = false'
	detached run -d "$ID"
	expect_ok
	wait_for test -e rootfs/tmp/up
	local s n=0
	for s in 10 USR1 SIGUSR1 sigusr1; do
		runc kill "$ID" "$s"
		expect_ok
		n=$((n + 1))
		wait_for sh -c "[ \"\$(cat rootfs/tmp/got 2>/dev/null | wc -l)\" = $n ]"
	done
	runc kill "$ID" 0
	expect_ok
	runc kill "$ID" NOSUCH
	expect_error 'unknown signal "NOSUCH"'
	runc kill "$ID" KILL
	expect_ok
	wait_for state_is stopped
	runc kill "$ID"
	expect_error "container not running"
	runc kill --all "$ID" KILL
	expect_ok
}

@test "kill KILL ends every process of a shared pid namespace" {
	sh_args 'sleep 1000 & exec sleep 1001'
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	detached run -d "$ID"
	expect_ok
	wait_for sh -c "[ \$($RUNC --root $ROOT ps -f json $ID | jq length) = 2 ]"
	runc kill "$ID" KILL
	expect_ok
	wait_for state_is stopped
	runc delete "$ID"
	expect_ok
}

@test "delete names the processes that it kills in a container without an own PID namespace" {
	requires root
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	detached exec -d --pid-file "$TMP/pid" "$ID" sleep 1001
	expect_ok
	local left
	left=$(cat "$TMP/pid")
	kill -9 "$(init_pid)"
	wait_for state_is stopped
	kill -0 "$left"
	runc delete "$ID"
	expect_ok
	[[ $output == *"level=info msg=\"killing the processes that are left in container $ID: [$left]\""* ]]
	# Its new parent may not have collected it yet.
	[ ! -e "/proc/$left" ] || grep -q '^State:.Z' "/proc/$left/status"
	# Where there are none, nothing is said.
	detached run -d "$ID"
	kill -9 "$(init_pid)"
	wait_for state_is stopped
	runc delete "$ID"
	expect_ok
	[ -z "$output" ]
}

@test "the pid file has the pid and nothing else" {
	args sleep 1000
	detached create --pid-file pid "$ID"
	expect_ok
	[ "$(cat pid)" = "$(init_pid)" ]
	[ "$(wc -c <pid)" = "$(printf %s "$(init_pid)" | wc -c)" ]
	[ "$(ls -A . | grep -c '\.pid')" = 0 ]
}

@test "the pid file is relative to the caller's folder, not the bundle" {
	args sleep 1000
	mkdir "$TMP/elsewhere"
	cd "$TMP/elsewhere"
	detached create --bundle "$BUNDLE" --pid-file pid "$ID"
	expect_ok
	[ -s "$TMP/elsewhere/pid" ]
}

@test "a container that fails to start leaves nothing" {
	args nosuchcmd
	runc create "$ID"
	expect_error 'runc create failed: unable to start container process: error during container init: exec: "nosuchcmd": executable file not found in $PATH'
	[ ! -e "$ROOT/$ID" ]
	runc run "$ID"
	[ "$status" -eq 1 ]
	[ ! -e "$ROOT/$ID" ]
}

@test "the state folder survives a failed create of the same id elsewhere" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	runc create "$ID"
	expect_error "container with given ID already exists"
	state_is created
	runc start "$ID"
	expect_ok
}

# create_in_used_cgroup: with another container in the cgroup that it asks for.
create_in_used_cgroup() {
	args sleep 100
	name_cgroup "$ID"
	detached run -d "$ID"
	expect_ok
	detached create "$ID-2"
	expect_error "container's cgroup is not empty: 1 process(es) found"
	[ ! -e "$ROOT/$ID-2" ]
	state_is running
	kill -0 "$(init_pid)"
	detached run -d "$ID-2"
	expect_error "container's cgroup is not empty: 1 process(es) found"
	[ ! -e "$ROOT/$ID-2" ]
	state_is running
}

@test "create: a cgroup in use is refused and left alone" {
	requires root
	create_in_used_cgroup
}

@test "create: likewise without a pid namespace, where SIGKILL goes to a whole cgroup" {
	requires root
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	create_in_used_cgroup
}
