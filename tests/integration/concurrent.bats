#!/usr/bin/env bats
# shellcheck disable=SC2016 # what jq and hooks are given
# Several commands at work on one container.

load helpers

# all_at_once N ARGUMENTS...: that many at the same time. won is how many
# succeeded, $TMP/said what they had to say.
all_at_once() {
	local n=$1 i pids=() p
	shift
	won=0
	for ((i = 0; i < n; i++)); do
		"$RUNC" --root "$ROOT" "$@" </dev/null >"$TMP/said.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p" && won=$((won + 1))
	done
	cat "$TMP"/said.* >"$TMP/said"
	rm "$TMP"/said.*
}

@test "of many creates of one id one wins, the others say so" {
	args sleep 1000
	all_at_once 8 create "$ID"
	[ "$won" -eq 1 ] || { cat "$TMP/said"; return 1; }
	[ "$(grep -c 'container with given ID already exists' "$TMP/said")" -eq 7 ] || { cat "$TMP/said"; return 1; }
	state_is created
}

@test "of many starts one wins" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	all_at_once 6 start "$ID"
	[ "$won" -eq 1 ] || { cat "$TMP/said"; return 1; }
	[ "$(grep -c 'cannot start an already running container' "$TMP/said")" -eq 5 ] || { cat "$TMP/said"; return 1; }
	state_is running
}

@test "of many deletes one wins, and runs the hooks" {
	args sleep 1000
	update_config '.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "echo x >>$0", $f]}]' --arg f "$TMP/hooks"
	detached create "$ID"
	expect_ok
	all_at_once 6 delete "$ID"
	[ "$won" -eq 1 ] || { cat "$TMP/said"; return 1; }
	[ "$(grep -c 'container does not exist' "$TMP/said")" -eq 5 ] || { cat "$TMP/said"; return 1; }
	[ "$(wc -l <"$TMP/hooks")" -eq 1 ]
}

@test "many forced deletes all succeed, and one runs the hooks" {
	args sleep 1000
	update_config '.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "echo x >>$0", $f]}]' --arg f "$TMP/hooks"
	detached run -d "$ID"
	expect_ok
	all_at_once 6 delete --force "$ID"
	[ "$won" -eq 6 ] || { cat "$TMP/said"; return 1; }
	[ "$(wc -l <"$TMP/hooks")" -eq 1 ]
}

@test "a create that is at work is waited for by delete --force" {
	local holder deleter
	mkdir -p "$ROOT/$ID"
	# Who makes a container has its folder locked until there is a state file.
	mkfifo "$TMP/go"
	flock "$ROOT/$ID" sh -c "echo >$TMP/held; read -r x <$TMP/go" 3>&- &
	holder=$!
	wait_for test -e "$TMP/held"
	"$RUNC" --root "$ROOT" delete --force "$ID" </dev/null >"$TMP/said" 2>&1 3>&- &
	deleter=$!
	wait_for grep -q -- "-> FLOCK .* $deleter " /proc/locks
	[ -d "$ROOT/$ID" ]
	echo >"$TMP/go"
	wait "$deleter" || { cat "$TMP/said"; return 1; }
	[ ! -e "$ROOT/$ID" ]
	wait "$holder"
}

@test "delete --force during a start leaves nothing, whoever wins" {
	local i run s
	args sleep 1000
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$RUNC" --root "$ROOT" run -d "$ID" </dev/null >"$TMP/run" 2>&1 3>&- &
		run=$!
		# At another moment each time: that is chance, but not a wait for anything.
		sleep "0.00$((i - 1))"
		runc delete --force "$ID"
		expect_ok
		s=0
		wait "$run" || s=$?
		if [ "$s" -eq 0 ]; then
			# Either it came too early or the container was killed thereafter.
			runc delete --force "$ID"
			expect_ok
		else
			grep -q "runc run failed" "$TMP/run" || { cat "$TMP/run"; return 1; }
			if grep afterwards "$TMP/run"; then return 1; fi
		fi
		[ ! -e "$ROOT/$ID" ] || { ls -la "$ROOT/$ID"; return 1; }
		if find /sys/fs/cgroup -type d -name "$ID" 2>/dev/null | grep .; then return 1; fi
	done
}

@test "a start against a kill ends, with an error when the kill was faster" {
	local i start s
	args sleep 1000
	for i in 1 2 3 4 5 6; do
		detached create "$ID"
		expect_ok
		timeout 20 "$RUNC" --root "$ROOT" start "$ID" </dev/null >"$TMP/said" 2>&1 3>&- &
		start=$!
		runc kill "$ID" KILL
		expect_ok
		s=0
		wait "$start" || s=$?
		[ "$s" -le 1 ] || { echo "status $s"; cat "$TMP/said"; return 1; }
		runc delete --force "$ID"
		expect_ok
	done
}

@test "state and list during creates and deletes say nothing wrong" {
	local i pid
	args sleep 1000
	mkdir -p "$ROOT"
	(
		for i in 1 2 3 4 5 6 7 8; do
			"$RUNC" --root "$ROOT" create "$ID" && "$RUNC" --root "$ROOT" delete "$ID" || exit 1
		done
	) </dev/null >"$TMP/said" 2>&1 3>&- &
	pid=$!
	while [ -d "/proc/$pid" ]; do
		runc list -f json
		expect_ok
		jq . <<<"$output" >/dev/null || { echo "list: $output"; return 1; }
		runc state "$ID"
		[ "$status" -eq 0 ] || expect_error "container does not exist"
	done
	wait "$pid" || { cat "$TMP/said"; return 1; }
}

@test "a state file of nothing is no container, and nobody is killed for it" {
	local text
	for text in null '{}' '{"id":""}' '{' '{"id":"'"$ID"'","init_process_pid":1,"init_process_start":0,'; do
		mkdir -p "$ROOT/$ID"
		echo "$text" >"$ROOT/$ID/state.json"
		# In a pid namespace of its own: should it kill, it kills in there.
		run unshare --pid --fork --mount-proc --kill-child "$RUNC" --root "$ROOT" kill "$ID" KILL
		expect_error "$ROOT/$ID/state.json"
		run unshare --pid --fork --mount-proc --kill-child "$RUNC" --root "$ROOT" delete --force "$ID"
		expect_ok
		[ ! -e "$ROOT/$ID" ]
	done
}
