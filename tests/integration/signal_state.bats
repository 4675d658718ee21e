#!/usr/bin/env bats
# What of the caller's ignored and blocked signals a process in the container has.
# shellcheck disable=SC2016,SC2154 # scripts expand in the container; bats sets status and output

load helpers

# with_signals COMMAND...: by a caller that ignores every signal that it can, and
# blocks some.
with_signals() {
	run timeout -s KILL 20 python3 -c '
import os, signal, sys
for s in range(1, signal.SIGRTMIN):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP])
os.execvp(sys.argv[1], sys.argv[1:])' "$@" </dev/null
	expect_ok
	# Signal 32 is the C library's own: python lets nobody change what it inherits.
	output=${output/SigIgn:$'\t'0000000080000000/SigIgn:$'\t'0000000000000000}
}

setup() {
	command -v python3 >/dev/null || skip "needs python3"
	setup_bundle
	args grep -E '^Sig(Pnd|Blk|Ign)' /proc/self/status
	# No signal is ignored. The blocked ones stay blocked, as with runc.
	EXPECTED=$'SigPnd:\t0000000000000000\nSigBlk:\t0000000000080a00\nSigIgn:\t0000000000000000'
}

@test "a container's process ignores no signal that the caller ignores" {
	local way
	for way in stub go relay; do
		_RUNC_TEST_INIT=${way#stub} with_signals "$RUNC" --root "$ROOT" run "$ID"
		[ "$output" = "$EXPECTED" ] || { echo "$way: $output"; return 1; }
	done
}

@test "nor does one of exec" {
	local way
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	for way in stub go relay; do
		_RUNC_TEST_INIT=${way#stub} with_signals "$RUNC" --root "$ROOT" exec "$ID" grep -E '^Sig(Pnd|Blk|Ign)' /proc/self/status
		[ "$output" = "$EXPECTED" ] || { echo "$way: $output"; return 1; }
	done
}

@test "that is as runc has it" {
	requires root cgroupfs
	local other=/usr/sbin/runc
	[ -x $other ] && ! cmp -s $other "$RUNC" || skip "needs Debian's runc"
	update_config '.ociVersion = "1.0.2"'
	with_signals $other --root "$ROOT" run "$ID"
	[ "$output" = "$EXPECTED" ] || { echo "$output"; return 1; }
}
