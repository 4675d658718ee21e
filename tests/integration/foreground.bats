#!/usr/bin/env bats
# run and exec in the foreground: signals, exit statuses and stdio between the
# caller and the process.

load helpers

# foreground ARGUMENTS...: in the background of this shell, $RUNNER its pid,
# with its output in $TMP/out.
foreground() {
	"$RUNC" --root "$ROOT" "$@" </dev/null >"$TMP/out" 2>&1 3>&- &
	RUNNER=$!
}

# ended: waits for it; its exit status is $status.
ended() {
	status=0
	wait "$RUNNER" || status=$?
}

said() { grep -q "$1" "$TMP/out"; }

reaches() { # SIGNAL
	sh_args "trap 'echo got $1; exit 5' $1; echo up; while :; do sleep 0.1; done"
	foreground run "$ID"
	wait_for said up
	kill "-$1" "$RUNNER"
	ended
	[ "$status" -eq 5 ]
	said "got $1"
}

@test "SIGTERM to run reaches the process" { reaches TERM; }

@test "SIGINT to run reaches the process" { reaches INT; }

@test "SIGHUP to run reaches the process" { reaches HUP; }

@test "SIGUSR1 to run reaches the process" { reaches USR1; }

@test "SIGQUIT to run reaches the process" { reaches QUIT; }

@test "SIGCONT to run reaches the process" { reaches CONT; }

@test "signals sent one after the other all reach the process" {
	sh_args 'trap "echo one" USR1; trap "echo two" USR2; trap "echo end; exit 0" TERM; echo up; while :; do sleep 0.05; done'
	foreground run "$ID"
	wait_for said up
	kill -USR1 "$RUNNER"
	wait_for said one
	kill -USR2 "$RUNNER"
	wait_for said two
	kill -TERM "$RUNNER"
	ended
	[ "$status" -eq 0 ]
	said end
}

@test "SIGTERM to exec reaches its process, and no other" {
	sh_args 'trap "echo init-got" TERM; while :; do sleep 0.1; done'
	detached run -d "$ID"
	expect_ok
	foreground exec "$ID" sh -c 'trap "echo got; exit 6" TERM; echo up; while :; do sleep 0.1; done'
	wait_for said up
	kill -TERM "$RUNNER"
	ended
	[ "$status" -eq 6 ]
	said got
	state_is running
}

@test "a signal that comes before the process is there is not lost" {
	requires root
	# The hook holds the start up while the signal comes.
	sh_args 'trap "echo got; exit 5" USR1; i=0; while [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done'
	update_config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", $s]}]' \
		--arg s "touch $TMP/inhook; sleep 1"
	foreground run "$ID"
	wait_for test -e "$TMP/inhook"
	kill -USR1 "$RUNNER"
	ended
	# The process may not have set its trap yet; pid 1 then ignores it. What
	# counts is that the runtime did not end of it and removed the container.
	[ "$status" -eq 5 ] || [ "$status" -eq 0 ]
	[ ! -e "$ROOT/$ID" ]
}

@test "run exits with 128+N when signal N ended the process" {
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	local s
	for s in 15 9 6; do
		sh_args "kill -$s \$\$; sleep 10"
		runc run "$ID-$s"
		[ "$status" -eq $((128 + s)) ]
	done
}

@test "kill of a container makes its run exit with 128+N" {
	args sleep 1000
	foreground run "$ID"
	wait_for state_is running
	runc kill "$ID" KILL
	expect_ok
	ended
	[ "$status" -eq 137 ]
	[ ! -e "$ROOT/$ID" ]
}

@test "exec exits with its process's status, or 128+N" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" sh -c 'exit 42'
	[ "$status" -eq 42 ]
	runc exec "$ID" sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	runc exec "$ID" sh -c 'kill -15 $$; sleep 10'
	[ "$status" -eq 143 ]
}

@test "exec notices that its container is killed" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	foreground exec "$ID" sh -c 'echo up; sleep 1000'
	wait_for said up
	runc kill "$ID" KILL
	expect_ok
	ended
	[ "$status" -eq 137 ]
}

@test "standard input reaches the process, and its end too" {
	args cat
	run bash -c 'echo from outside | "$@"' x "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = "from outside" ]
}

@test "standard input reaches an exec'd process, and its end too" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	run bash -c 'echo from outside | "$@"' x "$RUNC" --root "$ROOT" exec "$ID" cat
	expect_ok
	[ "$output" = "from outside" ]
}

@test "the end of the process does not wait for standard input to end" {
	args true
	run timeout 20 bash -c 'sleep 1000 | { "$@"; kill $(pgrep -P $$ -x sleep); }' x "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
}

@test "a closed standard input is none" {
	sh_args 'cat; echo end'
	run timeout 20 bash -c '"$@" <&-' x "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[[ $output == *end ]]
}

@test "a file as standard input and output" {
	args cat
	seq 100000 >"$TMP/in"
	__runc run "$ID" <"$TMP/in" >"$TMP/out"
	cmp "$TMP/in" "$TMP/out"
}

@test "standard output and error stay apart" {
	sh_args 'echo out; echo err >&2'
	__runc run "$ID" >"$TMP/o" 2>"$TMP/e"
	[ "$(cat "$TMP/o")" = out ]
	[ "$(cat "$TMP/e")" = err ]
}

@test "ten megabytes of output are complete" {
	sh_args 'yes 123456789abcdef | head -c 10485760'
	[ "$(__runc run "$ID" | wc -c)" = 10485760 ]
}

@test "ten megabytes go through an exec'd process both ways" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	head -c 10485760 /dev/urandom >"$TMP/in"
	__runc exec "$ID" cat <"$TMP/in" >"$TMP/out"
	cmp "$TMP/in" "$TMP/out"
}

@test "a reader who leaves does not hang run" {
	sh_args 'yes'
	run timeout 20 bash -c '"$@" | head -1' x "$RUNC" --root "$ROOT" run "$ID"
	[ "$status" -eq 0 ]
	[[ $output == y* ]]
	wait_for test ! -e "$ROOT/$ID"
}

@test "a reader who leaves does not hang exec" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	run timeout 20 bash -c '"$@" | head -1' x "$RUNC" --root "$ROOT" exec "$ID" yes
	[ "$status" -eq 0 ]
	[[ $output == y* ]]
}

# unread COMMAND...: its stderr is a pipe that nobody reads any more.
unread() {
	status=0
	"$@" 2> >(exec true) </dev/null || status=$?
}

@test "where nobody reads stderr, the status is still the process's, and the log has the error" {
	sh_args 'echo one >&2; sleep 0.1; echo two >&2 || true; exit 7'
	unread __runc run "$ID"
	[ "$status" = 7 ]
	status=0
	"$RUNC" --root "$ROOT" run "$ID" 2>&- </dev/null || status=$?
	[ "$status" = 7 ]
	args nosuch
	local how
	for how in unread "closed"; do
		rm -f "$TMP/log"
		if [ $how = unread ]; then
			unread "$RUNC" --root "$ROOT" --log "$TMP/log" run "$ID"
		else
			status=0
			"$RUNC" --root "$ROOT" --log "$TMP/log" run "$ID" 2>&- </dev/null || status=$?
		fi
		[ "$status" = 1 ]
		grep -q 'exec: \\"nosuch\\": executable file not found in $PATH' "$TMP/log"
		[ ! -e "$ROOT/$ID" ]
	done
}

@test "a child that keeps the output open does not hold up run" {
	# It dies with its pid namespace, and so does its end of the pipe.
	sh_args 'sleep 1000 & exit 3'
	run timeout 20 "$RUNC" --root "$ROOT" run "$ID"
	[ "$status" -eq 3 ]
}

@test "the process may open its standard output again, as any user" {
	update_config '.process.user = {"uid": 1000, "gid": 1000}'
	sh_args 'echo again >/proc/self/fd/1; echo error >/proc/self/fd/2'
	runc run "$ID"
	expect_ok
	[[ $output == *again* ]]
	[[ $output == *error* ]]
}

no_zombies() { ! ps -o stat= --ppid "$RUNNER" | grep Z; }

@test "orphans of a container in the host's pid namespace are reaped" {
	requires root
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	# Each sleep's parent ends at once.
	sh_args 'for i in 1 2 3 4 5; do sh -c "sleep 0.2 &"; done; sleep 1; echo up; sleep 1000'
	foreground run "$ID"
	wait_for said up
	wait_for no_zombies
	kill -9 "$(init_pid)"
	ended
	[ "$status" -eq 137 ]
}

@test "orphans become children of run, unless --no-subreaper" {
	requires root
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	sh_args 'sh -c "sleep 1000 &"; echo up; sleep 1000'
	foreground run "$ID"
	wait_for said up
	wait_for pgrep -P "$RUNNER" -x sleep
	[ "$(pgrep -P "$RUNNER" | wc -l)" = 2 ]
	runc kill "$ID" KILL
	ended
	: >"$TMP/out"
	foreground run --no-subreaper "$ID"
	wait_for said up
	sleep 0.2
	[ "$(pgrep -P "$RUNNER" | wc -l)" = 1 ]
	runc kill "$ID" KILL
	ended
}

# receive NAME: takes one fd off the socket $TMP/NAME.sock, tells the payload
# and whether the fd is a pidfd, and of whom, to $TMP/NAME.got.
receive() {
	command -v python3 >/dev/null || skip "needs python3"
	cat >"$TMP/recv.py" <<-'PY'
		import socket, sys, os
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen(1)
		c, _ = s.accept()
		data, fds, flags, _ = socket.recv_fds(c, 4096, 10)
		pid = [l.split()[1] for l in open("/proc/self/fdinfo/%d" % fds[0]) if l.startswith("Pid:")]
		print(data.decode().rstrip("\0"), len(fds), *pid)
	PY
	python3 "$TMP/recv.py" "$TMP/$1.sock" >"$TMP/$1.got" 2>&1 3>&- &
	RECEIVER=$!
	wait_for test -S "$TMP/$1.sock"
}

@test "--pidfd-socket of run -d gets a pidfd of init" {
	args sleep 1000
	receive run
	detached run -d --pidfd-socket "$TMP/run.sock" "$ID"
	expect_ok
	wait "$RECEIVER"
	[ "$(cat "$TMP/run.got")" = "standard 1 $(init_pid)" ]
}

@test "--pidfd-socket of create gets a pidfd of init" {
	args sleep 1000
	receive create
	cd "$TMP"
	detached create --bundle "$BUNDLE" --pidfd-socket create.sock "$ID"
	expect_ok
	wait "$RECEIVER"
	[ "$(cat "$TMP/create.got")" = "standard 1 $(init_pid)" ]
}

@test "--pidfd-socket of exec gets a pidfd of the new process" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	receive exec
	detached exec -d --pidfd-socket "$TMP/exec.sock" --pid-file "$TMP/pid" "$ID" sleep 1000
	expect_ok
	wait "$RECEIVER"
	[ "$(cat "$TMP/exec.got")" = "setns 1 $(cat "$TMP/pid")" ]
}

@test "a pidfd socket that nobody serves is an error, and leaves nothing" {
	args sleep 1000
	runc create --pidfd-socket "$TMP/nosuch" "$ID"
	expect_error "runc create failed: "
	[ ! -e "$ROOT/$ID" ]
}

@test "the pid file of a foreground run names init" {
	args sleep 1000
	foreground run --pid-file "$TMP/pid" "$ID"
	wait_for test -s "$TMP/pid"
	[ "$(cat "$TMP/pid")" = "$(init_pid)" ]
	runc kill "$ID" KILL
	ended
}

@test "a pid file that cannot be written is an error, and leaves nothing" {
	args sleep 1000
	runc create --pid-file "$TMP/nosuch/pid" "$ID"
	expect_error "no such file or directory"
	[ ! -e "$ROOT/$ID" ]
	runc run -d --pid-file "$TMP/nosuch/pid" "$ID"
	expect_error "no such file or directory"
	[ ! -e "$ROOT/$ID" ]
}
