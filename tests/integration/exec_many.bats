#!/usr/bin/env bats
# Many execs into one container: at once, one after another, and while it dies.
# shellcheck disable=SC2154 # bats sets status and output

load helpers

setup() {
	setup_bundle
	update_config '.root.readonly = false'
	args sleep 1000
	detached run -d "$ID"
	expect_ok
}

# trace says what there is of the container's: what an exec could leave behind.
trace() {
	local init
	init=$(init_pid)
	echo "fds $(find "/proc/$init/fd" -mindepth 1 2>/dev/null | wc -l)"
	echo "mounts inside $(wc -l <"/proc/$init/mountinfo") outside $(grep -cF "$TMP" /proc/self/mountinfo)"
	echo "state $(find "$ROOT/$ID" -mindepth 1 | sort | tr "\n" " ")"
	echo "processes $(__runc ps --format json "$ID" | jq length)"
	echo "cgroups $(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null | sort | tr '\n' ' ')"
	echo "files $(find "$BUNDLE/rootfs" "$TMP" -xdev 2>/dev/null | wc -l)"
	local pid
	echo "memfds $(for pid in $(__runc ps --format json "$ID" | jq '.[]') $(pgrep -f -- "--root $ROOT "); do
		find "/proc/$pid/fd" -lname '/memfd:runc*' 2>/dev/null
	done | wc -l)"
	# Children of ours that nobody waits for.
	echo "ours $(pgrep -fc -- "--root $ROOT " || true)"
}

@test "a hundred execs at once all do their work, and leave nothing" {
	local before i
	before=$(trace)
	for i in {1..100}; do
		"$RUNC" --root "$ROOT" exec "$ID" sh -c "echo done $i; exit 7" </dev/null >"$BATS_TEST_TMPDIR/out.$i" 2>&1 3>&- &
		echo $! >>"$BATS_TEST_TMPDIR/pids"
	done
	while read -r i; do
		wait "$i" && return 1
		[ $? -eq 7 ]
	done <"$BATS_TEST_TMPDIR/pids"
	for i in {1..100}; do
		[ "$(cat "$BATS_TEST_TMPDIR/out.$i")" = "done $i" ] || { cat "$BATS_TEST_TMPDIR/out.$i"; return 1; }
	done
	[ "$(trace)" = "$before" ] || { diff <(echo "$before") <(trace); return 1; }
}

@test "execs one after another leave nothing (EXECS=10000 for more)" {
	requires once
	local before i
	before=$(trace)
	for ((i = 0; i < ${EXECS:-500}; i++)); do
		"$RUNC" --root "$ROOT" exec "$ID" true </dev/null 3>&-
	done
	[ "$(trace)" = "$before" ] || { diff <(echo "$before") <(trace); return 1; }
}

@test "execs that fail leave nothing, either" {
	local before i
	before=$(trace)
	for i in {1..30}; do
		runc exec "$ID" nonesuch
		[ "$status" -eq 255 ]
		runc exec --cwd /nonesuch "$ID" true
		[ "$status" -eq 255 ]
		runc exec --cgroup "$([ -d /sys/fs/cgroup/cpu ] && echo cpu:)nonesuch" "$ID" true
		[ "$status" -eq 255 ]
	done
	[ "$(trace)" = "$before" ] || { diff <(echo "$before") <(trace); return 1; }
}

@test "a container that dies while processes join it gives each an end, at once" {
	local round i pid start
	for round in {1..8}; do
		: >"$BATS_TEST_TMPDIR/pids"
		for i in {1..6}; do
			timeout -s KILL 20 "$RUNC" --root "$ROOT" exec "$ID" sleep 100 </dev/null >"$BATS_TEST_TMPDIR/out.$i" 2>&1 3>&- &
			echo $! >>"$BATS_TEST_TMPDIR/pids"
		done
		# Somewhere on their way.
		sleep "0.00$round"
		start=$(date +%s)
		__runc kill "$ID" KILL
		while read -r pid; do
			i=0
			wait "$pid" || i=$?
			# Killed with the container, or refused by it.
			[ $i -eq 137 ] || [ $i -eq 255 ] || { echo "status $i"; cat "$BATS_TEST_TMPDIR"/out.*; return 1; }
		done <"$BATS_TEST_TMPDIR/pids"
		[ $(($(date +%s) - start)) -lt 10 ]
		if grep -h -e goroutine -e panic "$BATS_TEST_TMPDIR"/out.*; then return 1; fi
		wait_for state_is stopped
		runc delete "$ID"
		expect_ok
		detached run -d "$ID"
		expect_ok
	done
}

@test "where no process may be made any more exec says so, at once" {
	requires root
	local dir
	if [ -d /sys/fs/cgroup/pids ]; then
		dir=/sys/fs/cgroup/pids$(sed -n 's/.*:pids://p' "/proc/$(init_pid)/cgroup")
	else
		dir=$(cgroup_of_init)
		[ -f "$dir/pids.max" ] || skip "needs the pids controller on cgroup v2"
	fi
	echo 1 >"$dir/pids.max"
	run timeout -s KILL 20 "$RUNC" --root "$ROOT" exec "$ID" sh -c 'true & wait'
	# The kernel lets a process be moved in over the limit, but not be born there.
	[ "$status" -ne 0 ] && [ "$status" -ne 137 ]
	[[ $output != *goroutine* && $output != *panic* ]] || { echo "$output"; return 1; }
	echo max >"$dir/pids.max"
	runc exec "$ID" true
	expect_ok
}
