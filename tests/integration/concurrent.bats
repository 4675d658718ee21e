#!/usr/bin/env bats
# Commands on one container at the same time.

load helpers

setup() {
	requires root
	setup_bundle
	sh_args 'while :; do sleep 1000; done'
}

# Whether there is a limit to change depends on the layout; the state is
# written anew in any case.
change() {
	if [ -d /sys/fs/cgroup/pids ] || grep -qw pids /sys/fs/cgroup/cgroup.controllers; then
		echo "{\"pids\": {\"limit\": $1}}"
	else
		echo '{}'
	fi
}

# read_on: until there is a file done, state.json as often as can be.
read_on() {
	local n=0
	while [ ! -e "$TMP/done" ]; do
		jq -e --arg i "$ID" '.id == $i and .init_process_pid > 0 and .config.rootfs != ""' "$ROOT/$ID/state.json" >/dev/null || return 1
		n=$((n + 1))
	done
	[ "$n" -gt 0 ]
}

@test "updates, pauses and execs at the same time leave a whole state, at any moment" {
	detached run -d "$ID"
	expect_ok
	local i updates=() pauses=() execs=() reader
	read_on 3>&- &
	reader=$!
	for i in $(seq 20); do
		change $((100 + i)) | __runc update -r - "$ID" 3>&- &
		updates+=($!)
		# Another may have been faster.
		(__runc pause "$ID" || true; __runc resume "$ID" || true) >/dev/null 2>&1 3>&- &
		pauses+=($!)
		__runc exec "$ID" true </dev/null >"$TMP/exec.$i" 2>&1 3>&- &
		execs+=($!)
	done
	for i in "${updates[@]}"; do wait "$i"; done
	for i in "${pauses[@]}"; do wait "$i"; done
	# The last word may have been one's pause.
	state_is running || __runc resume "$ID"
	for i in "${!execs[@]}"; do
		wait "${execs[i]}" || grep -q 'cannot exec in a paused container' "$TMP/exec.$((i + 1))" || { cat "$TMP/exec.$((i + 1))"; return 1; }
	done
	touch "$TMP/done"
	wait "$reader"
	state_is running
	runc exec "$ID" true
	expect_ok
	! find "$ROOT/$ID" -name 'state-*' | grep .
	# What was saved last is what the kernel has.
	local limit f
	limit=$(jq '.config.cgroups.pids_limit' "$ROOT/$ID/state.json")
	[ "$limit" != null ] || return 0
	f=$(find /sys/fs/cgroup -path "*$ID*/pids.max" | head -n 1)
	[ "$(cat "$f")" = "$limit" ]
}
