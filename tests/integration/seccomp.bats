#!/usr/bin/env bats
# linux.seccomp: each action, conditions, flags, the listener.
# shellcheck disable=SC2016 # jq's variables
# shellcheck disable=SC2030,SC2031 # bats runs each test in a subshell

load helpers

setup_file() {
	# An absolute path: the tests change directory.
	cc -O -static -o "$BATS_FILE_TMPDIR/syscall" "$BATS_TEST_DIRNAME/syscall.c"
}

setup() {
	setup_bundle
	cp "$BATS_FILE_TMPDIR/syscall" "$BUNDLE/rootfs/bin/"
	update_config '.root.readonly = false'
	[ "$(uname -m)" = x86_64 ] || skip "the numbers here are those of x86_64"
}

# teardown of the agent, too.
teardown_agent() {
	[ -z "${AGENT_PID:-}" ] || kill "$AGENT_PID" 2>/dev/null || true
}

# rule JSON: all is allowed but for this.
rule() { update_config ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [$1]}"; }

# engines_profile EXPRESSION: the default profile of engines, changed by jq.
engines_profile() {
	update_config ".linux.seccomp = (\$p[0] | $1)" --slurpfile p "$TOP/libcontainer/seccomp/testdata/default.json"
}

mkdir_does() { rule "{names: [\"mkdir\", \"mkdirat\"], action: \"SCMP_ACT_$1\" ${2:-}}"; }

says() {
	runc run "$ID"
	[ "$output" = "$1" ] || { echo "says '$output', not '$1'"; return 1; }
}

@test "ERRNO without a number is EPERM" {
	mkdir_does ERRNO
	args syscall 83 0
	says "error 1 Operation not permitted"
}

@test "ERRNO with errnoRet" {
	mkdir_does ERRNO ', errnoRet: 28'
	args syscall 83 0
	says "error 28 No space left on device"
}

@test "default ERRNO with defaultErrnoRet" {
	engines_profile '.defaultErrnoRet = 28 | .syscalls |= map(.names -= ["sync"])'
	args syscall 162
	says "error 28 No space left on device"
}

@test "KILL, KILL_THREAD, KILL_PROCESS and TRAP end in SIGSYS" {
	local a
	for a in KILL KILL_THREAD KILL_PROCESS TRAP; do
		mkdir_does $a
		args syscall 83 0
		runc run "$ID"
		[ "$status" -eq $((128 + 31)) ] || { echo "$a: $status $output"; return 1; }
	done
}

@test "KILL_THREAD and KILL_PROCESS as seen by a parent in the container" {
	mkdir_does KILL_PROCESS
	sh_args 'mkdir /tmp/x; echo $?'
	runc run "$ID"
	[[ ${lines[*]} == *159* ]]
}

@test "TRACE without a tracer is ENOSYS" {
	mkdir_does TRACE
	args syscall 83 0
	says "error 38 Function not implemented"
}

@test "LOG lets it through" {
	mkdir_does LOG
	args syscall 83 0
	says "error 14 Bad address"
}

@test "a default of LOG" {
	update_config '.linux.seccomp = {defaultAction: "SCMP_ACT_LOG", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_ERRNO"}]}'
	args syscall 83 0
	says "error 1 Operation not permitted"
	args sh -c 'echo hello'
	says hello
}

@test "ALLOW under a default of ERRNO: engines' default profile" {
	engines_profile .
	# shellcheck disable=SC2016
	sh_args 'mkdir /tmp/x && ls / >/dev/null && grep -q "Seccomp:.2" /proc/self/status && echo "$(uname)"; mount -t tmpfs none /mnt || echo denied'
	runc run "$ID"
	[[ $output == *Linux*denied* ]] || { echo "$output"; return 1; }
}

@test "no_new_privs or not, privileged or not: one filter is in place" {
	mkdir_does ERRNO
	args sh -c 'grep Seccomp /proc/self/status'
	local nnp caps
	for nnp in true false; do
		for caps in '[]' '["CAP_SYS_ADMIN"]'; do
			update_config ".process.noNewPrivileges = $nnp | .process.capabilities = {bounding: $caps, permitted: $caps, effective: $caps}"
			runc run "$ID"
			expect_ok
			[[ $output == *Seccomp:*2*Seccomp_filters:*1* ]] || { echo "$nnp $caps: $output"; return 1; }
		done
	done
}

@test "the capability that loading the filter takes is gone once it is loaded" {
	local uid caps='{bounding: ["CAP_KILL", "CAP_SYS_ADMIN"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}'
	mkdir_does ERRNO
	for uid in 0 1000; do
		update_config ".process.noNewPrivileges = false | .process.user = {uid: $uid, gid: $uid} | .process.capabilities = $caps"
		detached create "$ID"
		expect_ok
		# In init already: exec would take it from most, but hooks come before.
		run grep -E '^Cap(Inh|Prm|Eff|Amb):' "/proc/$(init_pid)/status"
		[ "$(sort -u <<<"${output//Cap???:/}" | tr -d '[:space:]')" = 0000000000000020 ] || { echo "$uid: $output"; return 1; }
		runc delete --force "$ID"
		expect_ok
	done
}

@test "an ordinary user gets the filter without no_new_privs" {
	mkdir_does ERRNO
	update_config '.process.noNewPrivileges = false | .process.user = {uid: 1000, gid: 1000}'
	args syscall 83 0
	says "error 1 Operation not permitted"
}

@test "in a user namespace" {
	requires userns
	mkdir_does ERRNO
	update_config '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	local nnp
	for nnp in true false; do
		update_config ".process.noNewPrivileges = $nnp"
		args syscall 83 0
		says "error 1 Operation not permitted"
	done
}

@test "operators on an argument" {
	local op value valueTwo arg want
	# personality(2) takes any value; PER_LINUX is 0.
	while read -r op value valueTwo arg want; do
		rule "{names: [\"personality\"], action: \"SCMP_ACT_ERRNO\", errnoRet: 28,
			args: [{index: 0, op: \"SCMP_CMP_$op\", value: $value, valueTwo: $valueTwo}]}"
		args syscall 135 "$arg"
		runc run "$ID"
		[[ $output == $want* ]] || { echo "$op $value $valueTwo, called with $arg: $output"; return 1; }
	done <<-'END'
		EQ 8 0 8 error
		EQ 8 0 0 ok
		EQ 8 0 0x100000008 ok
		NE 8 0 8 ok
		NE 8 0 0 error
		LT 8 0 7 error
		LT 8 0 8 ok
		LE 8 0 8 error
		LE 8 0 9 ok
		GT 8 0 9 error
		GT 8 0 8 ok
		GE 8 0 8 error
		GE 8 0 7 ok
		GE 4294967296 0 4294967295 ok
		MASKED_EQ 12 8 9 error
		MASKED_EQ 12 8 12 ok
	END
}

@test "several arguments are joined by AND, the same one twice by OR" {
	rule '{names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 28,
		args: [{index: 0, op: "SCMP_CMP_EQ", value: 8}, {index: 1, op: "SCMP_CMP_EQ", value: 5}]}'
	args syscall 135 8 4
	says ok
	args syscall 135 8 5
	says "error 28 No space left on device"
	rule '{names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 28,
		args: [{index: 0, op: "SCMP_CMP_EQ", value: 8}, {index: 0, op: "SCMP_CMP_EQ", value: 5}]}'
	args syscall 135 8
	says "error 28 No space left on device"
}

@test "a syscall newer than the profile is ENOSYS, an old one not" {
	engines_profile '.defaultErrnoRet = 1'
	args syscall 999
	says "error 38 Function not implemented"
	update_config '.linux.seccomp.syscalls |= map(.names -= ["sync"])'
	args syscall 162
	says "error 1 Operation not permitted"
}

@test "names that no architecture knows are skipped" {
	rule '{names: ["no_such_syscall", "mkdir"], action: "SCMP_ACT_ERRNO"}'
	args syscall 83 0
	says "error 1 Operation not permitted"
}

@test "32-bit syscalls: killed unless named, then under the rules" {
	mkdir_does ERRNO ', errnoRet: 28'
	args syscall -32 39 0
	runc run "$ID"
	[ "$status" -eq 159 ]
	update_config '.linux.seccomp.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]'
	says "error 28 No space left on device"
	args syscall -32 20
	says ok
}

@test "32-bit socket calls behind socketcall" {
	rule '{names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 28}'
	update_config '.linux.seccomp.architectures = ["SCMP_ARCH_X86"]'
	args syscall -32 102 1 0
	says "error 28 No space left on device"
	args syscall -32 102 4 0
	says "error 14 Bad address"
}

@test "exec is under the filter of the container" {
	mkdir_does ERRNO
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" syscall 83 0
	[ "$output" = "error 1 Operation not permitted" ]
	runc delete --force "$ID"
}

@test "the state file keeps the profile" {
	mkdir_does ERRNO
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	jq -e '.config.seccomp | .default_action == 4 and (.syscalls | length) == 2 and .syscalls[0].name == "mkdir"' "$ROOT/$ID/state.json"
	runc delete --force "$ID"
}

@test "each flag" {
	local f
	for f in TSYNC SPEC_ALLOW LOG WAIT_KILLABLE_RECV; do
		mkdir_does ERRNO
		update_config ".linux.seccomp.flags = [\"SECCOMP_FILTER_FLAG_$f\"]"
		args syscall 83 0
		says "error 1 Operation not permitted" || { echo "$f"; return 1; }
	done
}

@test "without flags the filter does not turn speculation off" {
	grep -q Speculation_Store_Bypass /proc/self/status || skip "the kernel tells nothing of Speculation_Store_Bypass"
	grep -q 'Speculation_Store_Bypass:.*thread' /proc/self/status || skip "this machine has no Speculation_Store_Bypass to turn off"
	mkdir_does ERRNO
	args grep Speculation_Store_Bypass /proc/self/status
	runc run "$ID"
	[[ $output == *"thread vulnerable"* ]]
}

@test "a filter that is too large is refused in one line" {
	update_config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [range(3000) | {names: ["personality"], action: "SCMP_ACT_ERRNO", args: [{index: 0, op: "SCMP_CMP_EQ", value: (. * 65536)}]}]}'
	runc run "$ID"
	expect_error "linux.seccomp: the filter is too large"
	[ "${#lines[@]}" -eq 1 ]
}

@test "a filter that allows next to nothing ends in an error, not in a hang" {
	local nnp act
	for act in ERRNO KILL_PROCESS KILL_THREAD TRACE; do
		for nnp in true false; do
			update_config ".process.noNewPrivileges = $nnp | .linux.seccomp = {defaultAction: \"SCMP_ACT_$act\", syscalls: [{names: [\"getpid\", \"statx\"], action: \"SCMP_ACT_ALLOW\"}]}"
			run timeout -s KILL 20 "$RUNC" --root "$ROOT" run "$ID"
			[ "$status" -ne 0 ] && [ "$status" -ne 137 ] || { echo "$act $nnp: $status $output"; return 1; }
			[ ! -e "$ROOT/$ID" ] || { echo "$act $nnp leaves its folder"; return 1; }
		done
	done
}

# What the Go runtime, init and start may call after the filter is in place.
@test "a denied call that init may need: the container runs, or one error tells of the filter" {
	requires once
	local nnp act call
	args syscall 39
	for call in futex write close openat read mmap munmap madvise sigaltstack rt_sigprocmask rt_sigreturn tgkill epoll_pwait nanosleep getpid exit_group \
		sendmsg recvmsg sendto fcntl prctl capset setresuid setresgid setgroups chdir getcwd close_range faccessat2 newfstatat fstat; do
		for act in ERRNO KILL_PROCESS KILL_THREAD TRAP; do
			rule "{names: [\"$call\"], action: \"SCMP_ACT_$act\"}"
			for nnp in true false; do
				update_config ".process.noNewPrivileges = $nnp"
				run timeout -s KILL 20 "$RUNC" --root "$ROOT" run "$ID"
				[ "$status" -ne 137 ] && [[ $output != *goroutine* ]] && [ ! -e "$ROOT/$ID" ] || { echo "$act $call $nnp: $status $output"; return 1; }
				# 159: under way, the program itself was killed.
				[ "$status" -eq 0 ] || [ "$status" -eq 159 ] || [ "${#lines[@]}" -le 2 ] || { echo "$act $call $nnp: $status $output"; return 1; }
			done
		done
	done
}

@test "the Go runtime's own calls denied, all at once: create, start and exec go past it" {
	local nnp act
	echo '{"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/bin/true"], "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4}}' >"$TMP/process.json"
	for act in ERRNO KILL_THREAD TRAP; do
		rule "{names: [\"futex\", \"clone\", \"clone3\", \"sched_yield\", \"nanosleep\", \"madvise\", \"mmap\", \"munmap\", \"tgkill\", \"sigaltstack\", \"epoll_pwait\",
			\"rt_sigprocmask\", \"rt_sigreturn\", \"timer_create\", \"setresuid\", \"setresgid\", \"setgroups\", \"chdir\", \"getcwd\", \"faccessat2\", \"fcntl\"], action: \"SCMP_ACT_$act\"}"
		for nnp in true false; do
			update_config ".process.noNewPrivileges = $nnp"
			# A static program that needs none of them either.
			args syscall 34
			detached create "$ID"
			expect_ok
			runc start "$ID"
			[ "$status" -eq 0 ] && [ -z "$output" ] || { echo "start, $act $nnp: $status $output"; return 1; }
			wait_for state_is running
			# Its I/O priority is not set the short way; nor is it in user namespaces.
			jq --argjson n "$nnp" '.noNewPrivileges = $n | .args = ["/bin/syscall", "39"]' "$TMP/process.json" >"$TMP/p.json"
			run timeout -s KILL 20 "$RUNC" --root "$ROOT" exec --process "$TMP/p.json" "$ID"
			[ "$status" -eq 0 ] && [[ $output == ok* ]] && [ "${#lines[@]}" -eq 1 ] || { echo "exec, $act $nnp: $status $output"; return 1; }
			runc delete --force "$ID"
			expect_ok
		done
	done
}

@test "init needs no more calls than runc's: a filter without sendmsg, setresuid, faccessat2, close_range" {
	update_config '.process.noNewPrivileges = false'
	rule '{names: ["sendmsg", "recvmsg", "setresuid", "setresgid", "faccessat2", "close_range"], action: "SCMP_ACT_ERRNO"}'
	args echo hello
	says hello
}

@test "a filter that kills the thread that waits for start ends init, for start and delete to see" {
	local nnp
	rule '{names: ["futex"], action: "SCMP_ACT_KILL_THREAD"}'
	for nnp in true false; do
		update_config ".process.noNewPrivileges = $nnp"
		detached create "$ID"
		expect_ok
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" start "$ID"
		[ "$status" -ne 137 ] || { echo "start hangs"; return 1; }
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" delete --force "$ID"
		expect_ok
	done
}

@test "start says so when the filter has killed init" {
	rule '{names: ["openat"], action: "SCMP_ACT_KILL_PROCESS"}'
	update_config '.process.noNewPrivileges = true'
	detached create "$ID"
	expect_ok
	wait_for state_is stopped
	runc start "$ID"
	expect_error "cannot start a container that has stopped"
	[ "${#lines[@]}" -eq 1 ]
	runc delete "$ID"
	expect_ok
}

agent() {
	AGENT=$TMP/agent.sock
	"${SECCOMPAGENT:-$TOP/seccompagent}" -socketfile "$AGENT" -pid-file "$TMP/agent.pid" </dev/null >"$TMP/agent.log" 2>&1 3>&- &
	AGENT_PID=$!
	wait_for test -s "$TMP/agent.pid"
}

notify() {
	rule "{names: [$1], action: \"SCMP_ACT_NOTIFY\"}"
	update_config '.linux.seccomp.listenerPath = $p | .linux.seccomp.listenerMetadata = "meta"' --arg p "$TMP/agent.sock"
}

@test "NOTIFY: the agent answers for the process" {
	agent
	notify '"mkdir", "mkdirat", "chmod", "fchmod", "fchmodat"'
	sh_args 'mkdir /tmp/dir && ls /tmp; chmod 700 /bin/busybox'
	local nnp
	for nnp in true false; do
		update_config ".process.noNewPrivileges = $nnp"
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" run "$ID"
		teardown_on_failure "$([[ $output == *dir-meta*"No medium found"* ]] && echo fine)"
		rmdir "$BUNDLE/rootfs/tmp/dir-meta"
	done
	teardown_agent
}

# teardown_on_failure fine|: so that no agent is left.
teardown_on_failure() {
	[ "$1" = fine ] || { echo "$status: $output"; cat "$TMP/agent.log" || true; teardown_agent; return 1; }
}

@test "NOTIFY in exec" {
	agent
	notify '"mkdir", "mkdirat"'
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	run timeout -s KILL 20 "$RUNC" --root "$ROOT" exec "$ID" sh -c 'mkdir /tmp/dir; ls /tmp'
	teardown_on_failure "$([[ $output == dir-meta ]] && echo fine)"
	runc delete --force "$ID"
	teardown_agent
}

@test "NOTIFY for what init itself calls after the filter is in place" {
	agent
	notify '"openat", "close", "execve", "sendmsg", "recvmsg", "futex", "fcntl", "setresuid", "capset", "prctl", "newfstatat", "mmap", "read", "chdir"'
	args sh -c 'echo hello'
	local nnp
	for nnp in true false; do
		update_config ".process.noNewPrivileges = $nnp"
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" run "$ID"
		teardown_on_failure "$([[ $output == hello ]] && echo fine)"
	done
	teardown_agent
}

@test "NOTIFY with create and start, and every flag" {
	agent
	notify '"mkdir", "mkdirat"'
	update_config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'
	sh_args 'mkdir /tmp/dir; ls /tmp'
	detached create "$ID"
	teardown_on_failure "$([ "$status" -eq 0 ] && echo fine)"
	runc start "$ID"
	wait_for test -d "$BUNDLE/rootfs/tmp/dir-meta"
	wait_for state_is stopped
	runc delete "$ID"
	teardown_agent
}

# An agent that takes the listener and closes it at once.
closing_agent() {
	/usr/bin/python3 - "$TMP/agent.sock" <<-'END' 3>&- &
		import array, os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1]); s.listen()
		while True:
		    c, _ = s.accept()
		    _, anc, _, _ = c.recvmsg(65536, socket.CMSG_LEN(4))
		    for a in anc: os.close(array.array("i", a[2][:4])[0])
		    c.close()
	END
	AGENT_PID=$!
	wait_for test -S "$TMP/agent.sock"
}

@test "NOTIFY with an agent that closes the listener at once: the call is ENOSYS" {
	closing_agent
	notify '"mkdir", "read"'
	args syscall 83 0
	local nnp
	for nnp in true false; do
		update_config ".process.noNewPrivileges = $nnp"
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" run "$ID"
		teardown_on_failure "$([ "$output" = "error 38 Function not implemented" ] && echo fine)"
	done
	teardown_agent
}

@test "NOTIFY with such an agent, for what init needs: an error, no hang" {
	closing_agent
	local nnp call
	for call in close openat execve; do
		notify "\"$call\""
		for nnp in true false; do
			update_config ".process.noNewPrivileges = $nnp"
			run timeout -s KILL 20 "$RUNC" --root "$ROOT" run "$ID"
			teardown_on_failure "$([ "$status" -ne 0 ] && [ "$status" -ne 137 ] && [[ $output == *"linux.seccomp"* ]] && [[ $output != *goroutine* ]] && [ ! -e "$ROOT/$ID" ] && echo fine)"
		done
	done
	teardown_agent
}

@test "NOTIFY with an agent that keeps the listener: init has no copy of it" {
	agent
	notify '"mkdir"'
	args sleep 1000
	detached create "$ID"
	teardown_on_failure "$([ "$status" -eq 0 ] && echo fine)"
	# It waits for start, with no exec that could have closed it.
	run ls -l "/proc/$(init_pid)/fd"
	teardown_on_failure "$([[ $output == *" -> "* ]] && [[ $output != *seccomp* ]] && echo fine)"
	runc delete --force "$ID"
	teardown_agent
}

# An agent that takes the listener and never answers.
silent_agent() {
	/usr/bin/python3 - "$TMP/agent.sock" "$TMP/taken" <<-'END' 3>&- &
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1]); s.listen()
		kept = []
		while True:
		    c, _ = s.accept()
		    kept.append(c.recvmsg(65536, socket.CMSG_LEN(4)))
		    open(sys.argv[2], "a").write("x")
	END
	AGENT_PID=$!
	wait_for test -S "$TMP/agent.sock"
}

@test "NOTIFY with an agent that never answers: what waits for it can be killed" {
	silent_agent
	notify '"mkdir", "openat", "execve"'
	args sleep 1000
	local nnp
	# Here init waits for the answer itself, be it before start or after.
	for nnp in true false; do
		update_config ".process.noNewPrivileges = $nnp"
		detached create "$ID"
		teardown_on_failure "$([ "$status" -eq 0 ] && echo fine)"
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" kill "$ID" KILL
		teardown_on_failure "$([ "$status" -eq 0 ] && echo fine)"
		wait_for state_is stopped
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" delete "$ID"
		teardown_on_failure "$([ "$status" -eq 0 ] && echo fine)"
	done
	notify '"mkdir"'
	args syscall 83 0
	detached run -d "$ID"
	wait_for test -s "$TMP/taken"
	run timeout -s KILL 20 "$RUNC" --root "$ROOT" delete --force "$ID"
	teardown_on_failure "$([ "$status" -eq 0 ] && [ ! -e "$ROOT/$ID" ] && echo fine)"
	teardown_agent
}

@test "NOTIFY with an agent that never answers: start waits for it, and can be given up" {
	silent_agent
	notify '"openat"'
	args sleep 1000
	update_config '.process.noNewPrivileges = true'
	detached create "$ID"
	teardown_on_failure "$([ "$status" -eq 0 ] && echo fine)"
	"$RUNC" --root "$ROOT" start "$ID" >"$TMP/start" 2>&1 3>&- &
	local start=$!
	run timeout -s KILL 20 "$RUNC" --root "$ROOT" delete --force "$ID"
	teardown_on_failure "$([ "$status" -eq 0 ] && echo fine)"
	local code=0
	wait $start || code=$?
	teardown_on_failure "$([ "$code" -eq 1 ] && [ "$(wc -l <"$TMP/start")" -eq 1 ] && echo fine)"
	teardown_agent
}

@test "NOTIFY without an agent fails in one line" {
	notify '"mkdir"'
	runc run "$ID"
	expect_error "linux.seccomp.listenerPath"
	expect_error "failed to connect with seccomp agent"
	[ "${#lines[@]}" -eq 1 ]
}

@test "NOTIFY without listenerPath is refused" {
	rule '{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}'
	runc run "$ID"
	expect_error "linux.seccomp.listenerPath"
}

@test "what the agent is told" {
	notify '"mkdir"'
	update_config '.annotations = {"a": "b"}'
	python=$(command -v python3)
	"$python" - "$TMP/agent.sock" "$TMP/told" <<-'END' 3>&- &
		import array, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1]); s.listen()
		c, _ = s.accept()
		text, anc, _, _ = c.recvmsg(65536, socket.CMSG_LEN(4))
		n = sum(len(a[2]) // 4 for a in anc)
		open(sys.argv[2], "wb").write(text)
		assert n == 1, n
		c.close()
	END
	AGENT_PID=$!
	wait_for test -S "$TMP/agent.sock"
	runc run "$ID"
	expect_ok
	wait $AGENT_PID
	jq -e --arg id "$ID" --arg b "$BUNDLE" '.fds == ["seccompFd"] and .pid > 1 and .metadata == "meta" and (.ociVersion | type) == "string"
		and .state.id == $id and .state.status == "creating" and .state.pid == .pid and .state.bundle == $b and .state.annotations.a == "b"' "$TMP/told"
}

@test "a filter that ends init at the last moment is said to, by run and by start, and nothing is left" {
	# With no_new_privs it is loaded when create has told that all is well.
	local action
	for action in KILL_PROCESS KILL TRAP; do
		rule "{names: [\"openat\"], action: \"SCMP_ACT_$action\"}"
		update_config '.process.noNewPrivileges = true'
		runc run "$ID"
		expect_error "seccomp filter"
		detached create "$ID"
		expect_ok
		# It may be gone by now, or go just then.
		runc start "$ID"
		[ "$status" -eq 1 ]
		[[ $output == *"seccomp filter"* || $output == *"container that has stopped"* ]] || { echo "$output"; return 1; }
		runc delete "$ID"
		expect_ok
	done
	rule '{names: ["futex"], action: "SCMP_ACT_ERRNO"}'
	runc run "$ID"
	[[ $output != *"already running"* && $output != *goroutine* ]] || { echo "$output"; return 1; }
}
