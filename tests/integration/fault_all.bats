#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # each test has its own variables; fault.bash has runc_command
# Each system call of a command fails, or the runtime is killed at it: the command
# ends, and delete --force then leaves nothing. A sample of the calls by default;
# all of them, which takes hours, with FAULT_ALL=1.

load fault

setup() {
	requires root
	may_trace
	setup_bundle
	args sleep 1000
}

teardown() { common_teardown; }

# go_runtime: calls that Go's runtime makes for itself. Go ends a program in which
# they fail. Of close(2), Linux closes the file even if the call fails; where
# strace has it fail, the file stays open, also the one by which Go's fork waits
# for its child.
go_runtime='mmap|munmap|mprotect|brk|futex|madvise|rt_sig.*|sigaltstack|arch_prctl|sched_yield|sched_getaffinity|exit|exit_group'
go_runtime+='|set_tid_address|set_robust_list|rseq|gettid|getpid|tgkill|nanosleep|epoll_.*|eventfd2|uname|timer_.*|setitimer'
go_runtime+='|getrandom|clone|execve|restart_syscall|close'

# places HOW COMMAND...: the calls of a command, each with a number, one a line.
places() {
	local how=$1 not=$go_runtime
	shift
	[ "$how" != KILL ] || not='exit|exit_group|execve'
	# The D-Bus library waits for ever, or panics, when its socket fails. On v1, the
	# cgroups library freezes init while it tells systemd of its limits; it only
	# logs that init could not be thawed.
	[ "${RUNC_TEST_DRIVER:-cgroupfs}" != systemd ] || not+='|recvmsg|sendmsg|openat2'
	with_fault getppid:error=EIO "$@"
	[ "$status" -eq 0 ] || { echo "$*: $output" >&2; return 1; }
	# The call of that number of one thread, for the thread that makes most.
	strace_calls "$TMP/strace" | grep -vxE "[0-9]+ ($not)" | sort | uniq -c | sort -k3,3 -k1,1rn |
		awk '$3 != was { was = $3; for (n = 1; n <= $1; n++) print $3, n }'
}

# sample N: so many lines, from all parts of the input. All with FAULT_ALL.
sample() {
	if [ -n "${FAULT_ALL:-}" ]; then
		cat
	else
		awk -v want="$1" '{ line[NR] = $0 } END { for (i = 0; i < want && i < NR; i++) print line[int(i * NR / want) + 1] }'
	fi
}

# every HOW N PREPARE CHECK COMMAND...: PREPARE before each call, CHECK after.
every() {
	local how=$1 n=$2 prepare=$3 check=$4 call number inject list
	shift 4
	$prepare
	list=$(places "$how" "$@") || return 1
	list=$(sample "$n" <<<"$list")
	removed "without a fault" || return 1
	while read -r call number; do
		$prepare
		inject=$call:error=$how:when=$number
		[ "$how" != KILL ] || inject=$call:signal=KILL:when=$number
		with_fault "$inject" "$@"
		# shellcheck disable=SC2154 # with_fault sets it
		[ "$hung" = 0 ] || { echo "$inject: hangs: $output"; return 1; }
		$check "$inject" || return 1
		removed "$inject" || return 1
	done <<<"$list"
}

made() { detached create "$ID" && expect_ok; }
running() { detached run -d "$ID" && expect_ok; }

# undone WHAT: a start that failed has removed all by itself.
undone() {
	[ "$status" -ne 0 ] || return 0
	# Each thread has its N-th call: the undoing can fail too, and says so.
	[[ $output == *"unable to"* ]] || nothing_left || { echo "$1: left after: $output"; return 1; }
}

# alone WHAT: exec has left no process in the container.
one_process() { [ "$(__runc ps --format json "$ID" | jq length)" = 1 ]; }
alone() { wait_for one_process || { echo "$1: $output"; __runc ps "$ID"; return 1; }; }

@test "errors of create" { every ENOMEM 10 true undone create "$ID"; }
@test "errors of create, EIO" { every EIO 10 true undone create "$ID"; }
@test "errors of create, EPERM" { every EPERM 10 true undone create "$ID"; }

@test "errors of run" {
	args true
	every ENOMEM 10 true true run "$ID"
	every EPERM 10 true true run "$ID"
}

@test "errors of start" {
	every ENOMEM 7 made true start "$ID"
	every EPERM 7 made true start "$ID"
}

@test "errors of exec" {
	every ENOMEM 10 running alone exec "$ID" true
	every EPERM 10 running alone exec "$ID" true
}

@test "errors of delete" {
	every ENOMEM 7 made true delete "$ID"
	every EIO 7 running true delete --force "$ID"
}

@test "kills of create" { every KILL 10 true true create "$ID"; }

@test "kills of run" {
	args true
	every KILL 10 true true run "$ID"
}

@test "kills of start" { every KILL 7 made true start "$ID"; }

@test "kills of exec" { every KILL 10 running alone exec "$ID" true; }

@test "kills of delete" {
	every KILL 7 made true delete "$ID"
	every KILL 7 running true delete --force "$ID"
}

@test "a process that was to make the next one is killed: the command ends" {
	running
	with_fault write:signal=KILL:when=1 exec "$ID" true
	[ "$hung" = 0 ]
	alone "the first write"
	removed "the first write"
	with_fault write:signal=KILL:when=1 create "$ID"
	[ "$hung" = 0 ]
	removed "the first write"
}

@test "run ends, and heeds signals, where waitid is denied" {
	local n pid
	cc -O -static -o "$TMP/deny" "$BATS_TEST_DIRNAME/deny.c"
	args sh -c 'exit 7'
	for n in ENOSYS EPERM; do
		status=0
		timeout -s KILL 20 "$TMP/deny" $n waitid "${runc_command[@]}" --root "$ROOT" run "$ID" </dev/null >"$TMP/out" 2>&1 3>&- || status=$?
		[ "$status" -eq 7 ] || { cat "$TMP/out"; return 1; }
	done
	update_config '.root.readonly = false'
	sh_args 'trap "exit 9" TERM; echo >/ready; while :; do sleep 0.1; done'
	"$TMP/deny" ENOSYS waitid "${runc_command[@]}" --root "$ROOT" run "$ID" </dev/null >"$TMP/out" 2>&1 3>&- &
	pid=$!
	wait_for test -e rootfs/ready
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 9 ] || { cat "$TMP/out"; return 1; }
}
