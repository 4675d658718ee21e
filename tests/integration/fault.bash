#!/bin/bash
# Common to the tests that inject faults by strace.
# shellcheck disable=SC2154,SC2044,SC2034 # variables of helpers.bash; what find gives

load helpers

may_trace() {
	command -v strace >/dev/null || skip "needs strace"
	strace -f -o /dev/null true 2>/dev/null || skip "strace may not trace here"
}

# ours: the processes of this test's container, and runtimes at work on it.
ours() {
	local c
	for c in $(find /sys/fs/cgroup -type d -name "$ID" 2>/dev/null); do cat "$c/cgroup.procs"; done
	pgrep -f -- "--root $ROOT" | grep -vx "$$" || true
}

none_left() { [ -z "$(ours)" ]; }

nothing_left() {
	wait_for none_left || return 1
	[ ! -e "$ROOT/$ID" ] || { ls -la "$ROOT/$ID"; return 1; }
	if grep -F " $TMP/" /proc/self/mountinfo; then return 1; fi
	if find /sys/fs/cgroup -type d -name "$ID*" 2>/dev/null | grep .; then return 1; fi
}

# The binary itself: a script around it would be the first to meet the fault.
runc_command=("$RUNC")
[ -z "${RUNC_TEST_BINARY:-}" ] || runc_command=("$RUNC_TEST_BINARY" --systemd-cgroup)

# with_fault EXPRESSION COMMAND...: under strace with that injection. The tracer
# stays beside (-D) until the last of the traced has ended. $hung is 1 when the
# command had to be killed.
with_fault() {
	local inject=$1 limit=30 began=$SECONDS
	shift
	status=0
	timeout -s KILL $limit strace -D -f -qq -o "$TMP/strace" -e "inject=$inject" \
		"${runc_command[@]}" --root "$ROOT" "$@" </dev/null >"$TMP/out" 2>&1 3>&- || status=$?
	output=$(cat "$TMP/out")
	hung=$((SECONDS - began >= limit))
} 2>/dev/null

# removed WHAT: delete --force leaves nothing, whatever had happened.
removed() {
	run timeout -s KILL 30 "$RUNC" --root "$ROOT" delete --force "$ID"
	[ "$status" -eq 0 ] || { echo "$1: delete: $output"; return 1; }
	nothing_left || { echo "$1: left"; return 1; }
}

injected() { grep -q INJECTED "$TMP/strace"; }

# strace_calls FILE: the thread and the name of each call in what strace -f wrote.
strace_calls() { sed -nE 's/^([0-9]+) +([a-z0-9_]+)\(.*/\1 \2/p' "$1"; }
