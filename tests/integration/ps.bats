#!/usr/bin/env bats

load helpers

# group: a folder of the running container's cgroup.
group() { jq -r '.cgroup_paths | .devices // .[""]' "$ROOT/$ID/state.json"; }

@test "ps prints the head and the container's processes" {
	sh_args 'sleep 1000 & exec sleep 1001'
	detached run -d "$ID"
	expect_ok
	# shellcheck disable=SC2016 # for the other shell
	wait_for sh -c '[ "$(wc -l <"$0/cgroup.procs")" = 2 ]' "$(group)"
	runc ps "$ID"
	expect_ok
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} =~ ^UID\ +PID\ +PPID ]]
	[ "$(grep -c ' sleep 100[01]$' <<<"$output")" = 2 ]
}

@test "ps hands on what follows the id" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	local pid
	pid=$(init_pid)
	runc ps "$ID" -e -o pid,comm
	expect_ok
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} =~ ^\ *$pid\ sleep$ ]]
	runc ps "$ID" aux
	expect_ok
	[[ ${lines[0]} =~ ^USER\ +PID\ +%CPU ]]
	[[ ${lines[1]} =~ ^root\ +$pid\  ]]
	# --format is ps's own there.
	runc ps "$ID" -e --format pid,args
	expect_ok
	[[ ${lines[1]} =~ ^\ *$pid\ sleep\ 1000$ ]]
}

@test "ps --format json is an array of pids, of exec's too" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc ps --format json "$ID"
	expect_ok
	[ "$output" = "[$(init_pid)]" ]
	detached exec -d --pid-file "$TMP/pid" "$ID" sleep 1001
	expect_ok
	runc ps -f json "$ID"
	expect_ok
	[ "$(jq -c sort <<<"$output")" = "$(jq -nc '[$a, $b] | sort' --argjson a "$(init_pid)" --argjson b "$(cat "$TMP/pid")")" ]
}

@test "ps includes the processes of sub-cgroups" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	mkdir "$(group)/sub"
	init_pid >"$(group)/sub/cgroup.procs"
	runc ps --format json "$ID"
	expect_ok
	[ "$output" = "[$(init_pid)]" ]
	runc ps "$ID"
	expect_ok
	[ "${#lines[@]}" -eq 2 ]
}

@test "ps needs a column of pids" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc ps "$ID" -o comm
	[ "$status" -eq 1 ]
	expect_error "couldn't find PID field in ps output"
}

@test "ps passes on the error of ps" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc ps "$ID" --nosuch
	[ "$status" -eq 1 ]
	expect_error "exit status 1: error: unknown gnu long option"
	PATH=/nonexistent runc ps "$ID"
	# shellcheck disable=SC2016 # no variable
	expect_error '"ps": executable file not found in $PATH'
}

@test "ps of an unknown format" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc ps --format xml "$ID"
	[ "$status" -eq 1 ]
	expect_error "invalid format option"
}

@test "ps of a stopped container" {
	args true
	detached run -d "$ID"
	wait_for state_is stopped
	runc ps "$ID"
	expect_ok
	[ "${#lines[@]}" -eq 1 ]
	runc ps --format json "$ID"
	expect_ok
	[ "$output" = null ]
}

@test "ps of a stopped container whose cgroup is gone" {
	args true
	detached run -d "$ID"
	wait_for state_is stopped
	local dir
	dir=$(group)
	# systemd may have been faster.
	rmdir "$dir" || [ ! -e "$dir" ]
	runc ps --format json "$ID"
	expect_ok
	[ "$output" = null ]
}

@test "ps of no container" {
	runc ps "$ID"
	[ "$status" -eq 1 ]
	expect_error "container does not exist"
	runc ps
	[ "$status" -eq 1 ]
	expect_error '"ps" requires a minimum of 1 argument(s)'
}

@test "ps of an ordinary user's container without a cgroup" {
	requires root userns cgroupfs
	command -v setpriv >/dev/null || skip "needs setpriv"
	local as=(setpriv --reuid 12345 --regid 12345 --clear-groups env -i "PATH=$PATH" HOME=/)
	"${as[@]}" unshare --user true || skip "the kernel gives ordinary users no user namespace"
	cp "$RUNC" "$TMP/runc"
	rm config.json
	chown -R 12345:12345 "$TMP"
	"${as[@]}" "$TMP/runc" spec --rootless
	args sleep 1000
	update_config '.process.terminal = false'
	"${as[@]}" "$TMP/runc" --root "$ROOT" run -d "$ID" </dev/null >/dev/null 2>&1 3>&-
	run "${as[@]}" "$TMP/runc" --root "$ROOT" ps --format json "$ID"
	expect_ok
	[ "$output" = "[$(jq .init_process_pid "$ROOT/$ID/state.json")]" ]
	run "${as[@]}" "$TMP/runc" --root "$ROOT" ps "$ID"
	expect_ok
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == *"sleep 1000" ]]
}
