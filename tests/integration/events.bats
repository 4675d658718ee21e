#!/usr/bin/env bats

load helpers

# bounded SECONDS ARGUMENTS...: like runc, but ended when it does not end.
bounded() {
	local limit=$1
	shift
	run timeout -s KILL "$limit" "$RUNC" --root "$ROOT" "$@"
}

sleeper() {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
}

@test "events --stats prints one line, with every part" {
	sleeper
	bounded 20 events --stats "$ID"
	expect_ok
	[ "${#lines[@]}" -eq 1 ]
	[ "$(jq -c '[.type, .id]' <<<"$output")" = "[\"stats\",\"$ID\"]" ]
	[ "$(jq -c '.data | keys_unsorted' <<<"$output")" = \
		'["cpu","cpuset","memory","pids","blkio","hugetlb","intel_rdt","network_interfaces"]' ]
	jq -e '.data.cpu.usage.total > 0 and .data.network_interfaces == null' <<<"$output"
}

@test "events --stats leaves out throttling where there was none" {
	sleeper
	bounded 20 events --stats "$ID"
	expect_ok
	jq -e '.data.cpu | has("throttling") | not' <<<"$output"
}

@test "events --stats shows the limits" {
	requires_controller memory
	requires_controller pids
	update_config '.linux.resources.memory.limit = 67108864 | .linux.resources.pids.limit = 20'
	sleeper
	bounded 20 events --stats "$ID"
	expect_ok
	[ "$(jq .data.memory.usage.limit <<<"$output")" = 67108864 ]
	# How many there are may still be init's threads: start does not wait for exec.
	jq -e '.data.pids | .limit == 20 and .current >= 1' <<<"$output"
	jq -e '.data.memory.usage.usage > 0 and (.data.memory.raw | length > 10)' <<<"$output"
}

@test "events --stats shows the pressure that the kernel measures" {
	requires v2
	sleeper
	local dir
	dir=$(jq -r '.cgroup_paths[""]' "$ROOT/$ID/state.json")
	cat "$dir/cpu.pressure" >/dev/null 2>&1 || skip "the kernel has no PSI"
	# More that want to run all the time than there are processors: some has to wait.
	for _ in 1 2 3 4 5 6; do
		detached exec -d "$ID" busybox timeout 10 sh -c 'while :; do :; done'
		expect_ok
	done
	# A line of zeroes is left out.
	wait_for grep -q '^some.* total=[1-9]' "$dir/cpu.pressure"
	bounded 20 events --stats "$ID"
	expect_ok
	jq -e '.data.cpu.psi.some | has("avg10") and has("avg60") and has("avg300") and has("total")' <<<"$output"
}

@test "events prints statistics at each interval" {
	sleeper
	# Three lines, and then nobody reads any more.
	# shellcheck disable=SC2016 # for the other shell
	run timeout -s KILL 20 bash -c '"$0" --root "$1" events --interval 50ms "$2" | head -n 3' "$RUNC" "$ROOT" "$ID"
	expect_ok
	[ "$(jq -s -c 'map(.type)' <<<"$output")" = '["stats","stats","stats"]' ]
}

@test "events ends with the container, whatever the interval" {
	sleeper
	timeout -s KILL 20 "$RUNC" --root "$ROOT" events --interval 1h "$ID" >"$TMP/events" 2>&1 3>&- &
	local follower=$!
	# It has a handle of init open when it waits.
	# shellcheck disable=SC2016 # for the other shell
	wait_for sh -c 'ls -l "/proc/$(pgrep -P "$0")/fd" 2>/dev/null | grep -q pidfd' "$follower"
	__runc kill "$ID" KILL
	wait "$follower"
	[ ! -s "$TMP/events" ]
}

@test "events tells of the lack of memory, before the container's end" {
	requires_controller memory
	update_config '.linux.resources.memory = {"limit": 16777216, "swap": 16777216}'
	# Waits to be told, then wants more than there is.
	sh_args 'until [ -e /go ]; do sleep 0.1; done; exec tail /dev/zero'
	update_config '.root.readonly = false'
	detached run -d "$ID"
	expect_ok
	timeout -s KILL 30 "$RUNC" --root "$ROOT" events --interval 100ms "$ID" >"$TMP/events" 2>"$TMP/errors" 3>&- &
	local follower=$!
	wait_for test -s "$TMP/events"
	touch "$BUNDLE/rootfs/go"
	wait "$follower"
	cat "$TMP/events" "$TMP/errors"
	# Its end may take long enough for one more of the others.
	grep -qxF "{\"type\":\"oom\",\"id\":\"$ID\"}" "$TMP/events"
	[ "$(grep -c '"type":"oom"' "$TMP/events")" = 1 ]
	[ ! -s "$TMP/errors" ]
}

@test "events tells of it when the container is removed at once" {
	requires_controller memory
	update_config '.linux.resources.memory = {"limit": 16777216, "swap": 16777216} | .root.readonly = false'
	sh_args 'until [ -e /go ]; do sleep 0.1; done; exec tail /dev/zero'
	"$RUNC" --root "$ROOT" run "$ID" </dev/null >/dev/null 2>&1 3>&- &
	local runner=$! code=0
	wait_for __runc state "$ID" >/dev/null 2>&1
	timeout -s KILL 30 "$RUNC" --root "$ROOT" events --interval 100ms "$ID" >"$TMP/events" 2>&1 3>&- &
	local follower=$!
	wait_for test -s "$TMP/events"
	touch "$BUNDLE/rootfs/go"
	wait "$follower"
	wait "$runner" || code=$?
	[ "$code" = 137 ]
	grep -q '"type":"oom"' "$TMP/events"
}

@test "events goes on when another process than init is killed for memory" {
	requires_controller memory
	update_config '.linux.resources.memory = {"limit": 16777216, "swap": 16777216} | .root.readonly = false'
	sh_args 'until [ -e /go ]; do sleep 0.1; done; tail /dev/zero; sleep 1000'
	detached run -d "$ID"
	expect_ok
	timeout -s KILL 30 "$RUNC" --root "$ROOT" events --interval 100ms "$ID" >"$TMP/events" 2>&1 3>&- &
	local follower=$!
	wait_for test -s "$TMP/events"
	touch "$BUNDLE/rootfs/go"
	wait_for grep -q '"type":"oom"' "$TMP/events"
	state_is running
	__runc kill "$ID" KILL
	wait "$follower"
}

@test "events refuses an interval that is none" {
	sleeper
	local i
	for i in 0s -1s; do
		bounded 20 events "--interval=$i" "$ID"
		expect_error "duration interval must be greater than 0"
	done
	bounded 20 events --interval x "$ID"
	expect_error 'invalid value "x" for flag'
}

@test "events of a stopped container" {
	args true
	detached run -d "$ID"
	wait_for state_is stopped
	local a
	for a in "" --stats "--format=table"; do
		# shellcheck disable=SC2086
		bounded 20 events $a "$ID"
		[ "$status" -eq 1 ]
		[[ $output == *"msg=\"container with id $ID is not running\"" ]]
	done
}

@test "events of no container" {
	bounded 20 events "$ID"
	expect_error "container does not exist"
	bounded 20 events --stats
	expect_error '"events" requires exactly 1 argument(s)'
}

@test "events --stats of a created container and of a paused one" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	bounded 20 events --stats "$ID"
	expect_ok
	[ "$(jq .type <<<"$output")" = '"stats"' ]
	__runc start "$ID"
	__runc pause "$ID"
	bounded 20 events --stats "$ID"
	expect_ok
	[ "$(jq .type <<<"$output")" = '"stats"' ]
	__runc resume "$ID"
}

@test "events of an ordinary user's container without a cgroup" {
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
	run timeout -s KILL 20 "${as[@]}" "$TMP/runc" --root "$ROOT" events --stats "$ID"
	expect_ok
	jq -e '.data.cpu.usage.total == null and .data.memory.usage == null' <<<"$output"
	timeout -s KILL 20 "${as[@]}" "$TMP/runc" --root "$ROOT" events --interval 1h "$ID" >"$TMP/events" 2>&1 3>&- &
	local follower=$!
	"${as[@]}" "$TMP/runc" --root "$ROOT" delete --force "$ID"
	wait "$follower" || grep -q "does not exist\|not running" "$TMP/events"
}
