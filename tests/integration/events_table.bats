#!/usr/bin/env bats
# The table of events, for people.

load helpers

bounded() {
	local limit=$1
	shift
	run timeout -s KILL "$limit" "$RUNC" --root "$ROOT" "$@"
}

# up NAME COMMAND...: one more container, of this test's id and the name.
up() {
	local name=$1
	shift
	args "$@"
	detached run -d "$ID$name"
	expect_ok
}

# field LINE N: the Nth word of a line of output.
field() { awk -v l="$1" -v n="$2" 'NR == l {print $n}' <<<"$output"; }

# in_terminal SCRIPT: as a person would, in a terminal of 40 lines and 160
# columns, with the runtime as $R; $output is all that appeared.
in_terminal() {
	command -v script >/dev/null || skip "needs script(1)"
	run env R="$RUNC --root $ROOT" ID="$ID" TERM=xterm timeout -s KILL 30 \
		script --quiet --return --command "stty rows 40 cols 160; $1" /dev/null </dev/null
	output=${output//$'\r'/}
}

ENTER=$'\e[?1049h\e[?25l' LEAVE=$'\e[?25h\e[?1049l'

@test "a table of one container, once, as plain text" {
	up "" sleep 1000
	bounded 20 events --format table --stats "$ID"
	expect_ok
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} =~ ^ID\ +STATUS\ +CPU\ +MEMORY\ +LIMIT\ +MEM\ +PIDS\ +READ\ +WRITTEN ]]
	[ "$(field 2 1)" = "$ID" ]
	[ "$(field 2 2)" = running ]
	[[ $output != *$'\e'* ]]
}

@test "the table tells a busy container from an idle one" {
	up -busy sh -c 'while :; do :; done'
	up -idle sleep 1000
	bounded 20 events --format table --all --stats
	expect_ok
	[ "${#lines[@]}" -eq 3 ]
	[ "$(field 2 1)" = "$ID-busy" ]
	[ "$(field 3 1)" = "$ID-idle" ]
	# However little of the machine there is for it.
	awk '$1 ~ /-busy$/ {b = $3 + 0} $1 ~ /-idle$/ {i = $3 + 0} END {exit !(b > 1 && b > 5 * i && b < 150)}' <<<"$output"
}

@test "the table has the limits" {
	requires_controller memory
	requires_controller pids
	update_config '.linux.resources.memory.limit = 67108864 | .linux.resources.pids.limit = 20'
	up "" sleep 1000
	bounded 20 events --format table --stats "$ID"
	expect_ok
	[ "$(field 2 5)" = 64MiB ]
	[[ $(field 2 6) =~ ^[0-9.]+%$ ]]
	[ "$(field 2 7)" = 1/20 ]
}

@test "the table has dashes where there is no controller" {
	requires v2
	grep -qw memory /sys/fs/cgroup/cgroup.controllers && skip "there is a memory controller"
	up "" sleep 1000
	bounded 20 events --format table --stats "$ID"
	expect_ok
	[ "$(field 2 4)$(field 2 5)$(field 2 6)" = "---" ]
	[ "$(field 2 7)" = 1 ]
}

@test "the table shows pressure where the kernel measures it" {
	requires v2
	up "" sleep 1000
	cat "$(jq -r '.cgroup_paths[""]' "$ROOT/$ID/state.json")/cpu.pressure" >/dev/null 2>&1 || skip "the kernel has no PSI"
	bounded 20 events --format table --stats "$ID"
	expect_ok
	[[ ${lines[0]} == *"CPU WAIT  MEM WAIT  I/O WAIT" ]]
	[[ ${lines[1]} =~ %$ ]]
}

@test "the table shows a paused container as such" {
	up "" sleep 1000
	__runc pause "$ID"
	bounded 20 events --format table --stats "$ID"
	__runc resume "$ID"
	expect_ok
	[ "$(field 2 2)" = paused ]
}

@test "the table leaves out stopped containers" {
	up -done true
	up -here sleep 1000
	bounded 20 events --format table --all --stats
	expect_ok
	[ "${#lines[@]}" -eq 2 ]
	[ "$(field 2 1)" = "$ID-here" ]
}

@test "the table of all follows containers as they come and go" {
	up -one sleep 1000
	timeout -s KILL 30 "$RUNC" --root "$ROOT" events --format table --all --interval 50ms >"$TMP/table" 2>&1 3>&- &
	local follower=$!
	wait_for grep -q -- -one "$TMP/table"
	up -two sleep 1000
	wait_for grep -q -- -two "$TMP/table"
	__runc delete --force "$ID-one"
	__runc delete --force "$ID-two"
	# Nothing but the head is left, and it goes on.
	# shellcheck disable=SC2016 # for the other shell
	wait_for sh -c 'tail -n 1 "$0" | grep -q ^ID' "$TMP/table"
	kill -0 "$follower"
	kill -INT "$follower"
	local code=0
	wait "$follower" || code=$?
	[ "$code" = 130 ] # as it was ended: there was nothing to restore
	run grep level= "$TMP/table"
	[ "$status" = 1 ]
}

@test "the table of one ends with it, whatever the interval" {
	up "" sleep 1000
	timeout -s KILL 30 "$RUNC" --root "$ROOT" events --format table --interval 1h "$ID" >"$TMP/table" 2>&1 3>&- &
	local follower=$!
	wait_for test -s "$TMP/table"
	__runc delete --force "$ID"
	wait "$follower"
	[ "$(wc -l <"$TMP/table")" = 2 ]
}

@test "on a terminal the table changes in place, and ends with SIGINT" {
	up "" sleep 1000
	# shellcheck disable=SC2016 # for the shell in the terminal
	in_terminal '$R events --format table --interval 200ms $ID & p=$!; sleep 1.5; kill -INT $p; wait $p; echo "status $?"'
	expect_ok
	[[ $output == "$ENTER"$'\e[H'* ]]
	[ "$(grep -o $'\e\\[H' <<<"$output" | wc -l)" -ge 3 ]
	# The terminal is given back, with the last table on it.
	[[ ${output##*"$LEAVE"} =~ ^ID\ .*$'\n'"$ID"\ .*$'\n'"status 0"$ ]] || { printf '%q\n' "$output"; return 1; }
}

@test "a terminal is given back when the table is terminated" {
	up "" sleep 1000
	# shellcheck disable=SC2016
	in_terminal '$R events --format table --all & p=$!; sleep 1; kill -TERM $p; wait $p; echo "status $?"'
	[[ ${output##*"$LEAVE"} == *"status 143" ]]
	[[ $output != *level=* ]]
}

@test "a terminal is given back when the container ends" {
	up "" sleep 1000
	# shellcheck disable=SC2016
	in_terminal '$R events --format table --interval 1h $ID & p=$!; sleep 1; $R delete --force $ID; wait $p; echo "status $?"'
	[[ ${output##*"$LEAVE"} =~ ^ID\ .*$'\n'"$ID"\ .*$'\n'"status 0"$ ]] || { printf '%q\n' "$output"; return 1; }
}

@test "a stopped table gives the terminal back, and takes it again" {
	up "" sleep 1000
	# shellcheck disable=SC2016
	in_terminal '$R events --format table $ID & p=$!; sleep 1; kill -TSTP $p; sleep 0.5; grep State: /proc/$p/status; kill -CONT $p; sleep 0.5; kill -INT $p; wait $p'
	[[ $output == "$ENTER"*"$LEAVE"State:*"T (stopped)"*"$ENTER"*"$LEAVE"* ]]
}

@test "on a narrow terminal no line wraps" {
	up "$(printf '%050d' 0)" sleep 1000
	# shellcheck disable=SC2016
	in_terminal 'stty cols 60; $R events --format table --all & p=$!; sleep 1; kill -TERM $p; wait $p'
	# What was on the screen: up to where it was left.
	local shown=${output%%"$LEAVE"*} line
	shown=${shown//"$ENTER"/}
	while IFS= read -r line; do
		line=${line//$'\e[H'/} line=${line//$'\e[K'/} line=${line//$'\e[J'/}
		[ "${#line}" -le 60 ] || { echo "$line"; return 1; }
	done <<<"$shown"
}

@test "a dumb terminal gets plain text" {
	up "" sleep 1000
	# shellcheck disable=SC2016
	in_terminal 'TERM=dumb $R events --format table --interval 100ms $ID & p=$!; sleep 1; kill -TERM $p; wait $p'
	[[ $output == ID* ]]
	[[ $output != *$'\e'* ]]
}

@test "the table of a root that is not there" {
	bounded 20 events --format table --all --stats
	expect_error "no such file or directory"
}

@test "--all is for the table, and an unknown format for nothing" {
	bounded 20 events --all
	expect_error "--all needs --format table"
	bounded 20 events --format xml "$ID"
	expect_error "invalid format option"
	bounded 20 events --format table --all "$ID"
	expect_error '"events" requires exactly 0 argument(s)'
}
