#!/usr/bin/env bats
# Terminals of containers that stay: the master goes to whoever serves the
# console socket.

load helpers

RECVTTY=${RECVTTY:-$TOP/recvtty}

setup() {
	setup_bundle
	[ -x "$RECVTTY" ] || skip "needs recvtty (make tools)"
	update_config '.process.terminal = true'
	SOCK=$TMP/console.sock
}

# serve MODE: recvtty in the background; what comes out of a single terminal
# is in $TMP/tty.
serve() {
	[ -p "$TMP/typed" ] || mkfifo "$TMP/typed"
	# Opened for both, so that the open does not wait and no end is seen.
	"$RECVTTY" --mode "$1" --pid-file "$TMP/recvtty.pid" "$SOCK" <>"$TMP/typed" >"$TMP/tty" 2>&1 3>&- &
	SERVERS+=" $!"
	wait_for test -S "$SOCK"
}

stop_serving() {
	local p
	for p in ${SERVERS:-}; do
		kill "$p" 2>/dev/null || true
		wait "$p" 2>/dev/null || true
	done
	SERVERS=
}

# The test's own teardown, and then that of all.
teardown() {
	stop_serving
	common_teardown
}

said() { grep -q "$1" "$TMP/tty"; }

@test "run -d sends the terminal to the console socket" {
	serve single
	sh_args 'tty; sleep 1000'
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	wait_for said /dev/pts/0
}

@test "create sends the terminal, start's process speaks there" {
	serve single
	sh_args 'echo spoken; sleep 1000'
	detached create --console-socket "$SOCK" "$ID"
	expect_ok
	[ ! -s "$TMP/tty" ]
	runc start "$ID"
	expect_ok
	wait_for said spoken
}

@test "a relative console socket is the caller's, not the bundle's" {
	serve single
	sh_args 'echo spoken; sleep 1000'
	cd "$TMP"
	detached run -d --bundle "$BUNDLE" --console-socket console.sock "$ID"
	expect_ok
	wait_for said spoken
}

@test "what is typed into the terminal reaches the process" {
	serve single
	sh_args 'read line; echo "got $line"; sleep 1000'
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	echo word >"$TMP/typed"
	wait_for said "got word"
}

@test "an exec'd process gets a terminal by a console socket" {
	update_config '.process.terminal = false'
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	serve single
	detached exec -d -t --console-socket "$SOCK" --pid-file "$TMP/pid" "$ID" sh -c 'tty; echo spoken >/dev/tty; sleep 1000'
	expect_ok
	wait_for said spoken
	said /dev/pts/0
	[ "$(readlink "/proc/$(cat "$TMP/pid")/fd/0")" = /dev/pts/0 ]
}

@test "an exec'd process's terminal is not the container's console" {
	serve null
	args sleep 1000
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	SOCK=$TMP/second.sock
	serve single
	detached exec -d -t --console-socket "$SOCK" "$ID" sh -c \
		'tty; test /dev/console -ef /dev/pts/0 && echo console-is-inits; sleep 1000'
	expect_ok
	wait_for said console-is-inits
	said /dev/pts/1
}

@test "one server takes the terminals of many containers" {
	serve null
	sh_args 'yes; sleep 1000'
	detached run -d --console-socket "$SOCK" "$ID-1"
	expect_ok
	detached run -d --console-socket "$SOCK" "$ID-2"
	expect_ok
	detached exec -d -t --console-socket "$SOCK" "$ID-2" sh -c 'yes | head -100000; echo through >/tmp/through; sleep 1000'
	[ "$status" -eq 0 ]
}

@test "the process is not held up by a terminal that is read and dropped" {
	serve null
	update_config '.root.readonly = false'
	sh_args 'yes | head -100000; echo >/tmp/through; sleep 1000'
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	wait_for test -e rootfs/tmp/through
}

@test "/dev/console is the terminal" {
	serve single
	sh_args 'test /dev/console -ef /dev/pts/0 && echo same; sleep 1000'
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	wait_for said same
}

@test "the terminal has the size that the configuration asks for" {
	serve single
	update_config '.process.consoleSize = {"height": 22, "width": 77}'
	sh_args 'stty size; sleep 1000'
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	wait_for said '22 77'
}

@test "an exec'd process's terminal has the size of its process.json" {
	update_config '.process.terminal = false'
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	serve single
	jq '.process | .terminal = true | .consoleSize = {"height": 11, "width": 66} | .args = ["sh", "-c", "stty size; sleep 1000"]' \
		config.json >"$TMP/process.json"
	detached exec -d --console-socket "$SOCK" -p "$TMP/process.json" "$ID"
	expect_ok
	wait_for said '11 66'
}

@test "the terminal controls the process: leader of a session, in the foreground" {
	serve single
	# Field 6 is the session, 7 the terminal, 8 its foreground group.
	sh_args 'awk "{print \"session\", \$6, \"tty\", \$7 != 0, \"foreground\", \$8}" /proc/1/stat; sleep 1000'
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	wait_for said 'session 1 tty 1 foreground 1'
}

@test "the interrupt character ends the process in the foreground" {
	serve single
	sh_args 'trap "echo interrupted; exit 0" INT; echo up; while :; do sleep 0.1; done'
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	wait_for said up
	printf '\003' >"$TMP/typed"
	wait_for said interrupted
	wait_for state_is stopped
}

@test "the first process outlives its terminal's master" {
	serve single
	args sleep 1000
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	state_is running
	stop_serving
	# pid 1 of a namespace has no default action for SIGHUP.
	state_is running
}

@test "in a user namespace the terminal is root's of the container" {
	requires root userns
	serve single
	chown 100000:100000 rootfs rootfs/*
	update_config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	sh_args 'stat -c "owner %u" /dev/pts/0; test /dev/console -ef /dev/pts/0 && echo same; sleep 1000'
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	wait_for said 'owner 0'
	wait_for said same
}

@test "the payload of the message is the terminal's name" {
	command -v python3 >/dev/null || skip "needs python3"
	cat >"$TMP/recv.py" <<-'PY'
		import socket, sys, os
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
		c, _ = s.accept()
		data, fds, flags, _ = socket.recv_fds(c, 4096, 10)
		print(data.decode().rstrip("\0"), len(fds), os.isatty(fds[0]), flush=True)
		# Closing the master now would hang up on init.
		s.accept()
	PY
	python3 "$TMP/recv.py" "$SOCK" >"$TMP/got" 2>&1 3>&- &
	SERVERS=$!
	wait_for test -S "$SOCK"
	args sleep 1000
	detached run -d --console-socket "$SOCK" "$ID"
	expect_ok
	wait_for test -s "$TMP/got"
	grep -q '^/dev/pts/ptmx 1 True$' "$TMP/got" || grep -q '^/dev/pts/0 1 True$' "$TMP/got" || { cat "$TMP/got"; false; }
}

@test "a console socket that does not exist is an error, and leaves nothing" {
	args sleep 1000
	runc create --console-socket "$TMP/nosuch" "$ID"
	expect_error "runc create failed: "
	expect_error "no such file or directory"
	[ ! -e "$ROOT/$ID" ]
	runc run -d --console-socket "$TMP/nosuch" "$ID"
	expect_error "runc run failed: "
	[ ! -e "$ROOT/$ID" ]
}

@test "a console socket that nobody serves is an error, and leaves nothing" {
	args sleep 1000
	serve single
	kill -9 $SERVERS
	wait $SERVERS || true
	[ -S "$SOCK" ]
	runc create --console-socket "$SOCK" "$ID"
	expect_error "connection refused"
	[ ! -e "$ROOT/$ID" ]
}

# serve_badly HOW PATH: a server that takes one connection and closes it before
# it has read anything, or that closes what it got. $TMP/closed says that it has.
serve_badly() {
	command -v python3 >/dev/null || skip "needs python3"
	cat >"$TMP/bad.py" <<-'PY'
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[2]); s.listen(1)
		c, _ = s.accept()
		if sys.argv[1] == "after":
		    for fd in socket.recv_fds(c, 4096, 10)[1]: os.close(fd)
		c.close(); s.close()
		open(sys.argv[3], "w")
	PY
	rm -f "$2" "$TMP/closed"
	python3 "$TMP/bad.py" "$1" "$2" "$TMP/closed" >"$TMP/bad.out" 2>&1 3>&- &
	SERVERS+=" $!"
	wait_for test -S "$2"
}

# await_closed: init goes on once the server has closed the connection.
# shellcheck disable=SC2016 # jq's variable
await_closed() {
	update_config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", $s], timeout: 20}]' \
		--arg s "while ! [ -e $TMP/closed ]; do sleep 0.02; done"
}

# exec_badly ARGUMENTS...: until the server was faster.
exec_badly() {
	local i
	for ((i = 0; i < 50; i++)); do
		serve_badly before "$SOCK"
		detached exec -d "$@" "$ID" sleep 1000
		[ "$status" = 0 ] || break
		__runc exec "$ID" sh -c 'kill -9 $(ps | grep -v "^ *1 " | sed -n "s/^ *\([0-9]*\) .*sleep 1000/\1/p")' || true
	done
	[ "$status" = 255 ]
}

@test "a receiver that closes the console socket early is an error that names it, and leaves nothing" {
	local command
	args sleep 1000
	for command in create "run -d"; do
		await_closed
		serve_badly before "$SOCK"
		# shellcheck disable=SC2086 # words
		detached $command --console-socket "$SOCK" "$ID"
		expect_error "console socket: send fd"
		expect_error "(--console-socket $SOCK)"
		[ ! -e "$ROOT/$ID" ]
		# What it closes hangs up on init, or on the user's process.
		update_config 'del(.hooks)'
		serve_badly after "$SOCK"
		# shellcheck disable=SC2086 # words
		detached $command --console-socket "$SOCK" "$ID"
		if [ "$status" = 0 ]; then
			__runc delete --force "$ID"
		else
			# It closes before init takes the terminal, or after.
			if [[ $output != *"attach terminal: "*"input/output error"* ]]; then
				expect_error "console socket: init has ended with its terminal"
				expect_error "(--console-socket $SOCK)"
			fi
			[ ! -e "$ROOT/$ID" ]
		fi
	done
	update_config '.process.terminal = false'
	detached run -d "$ID"
	expect_ok
	exec_badly -t --console-socket "$SOCK"
	expect_error "console socket: send fd"
	expect_error "the receiver has closed the connection: sendmsg: broken pipe (--console-socket $SOCK)"
}

@test "a receiver that closes the pidfd socket early is an error that names it, and leaves nothing" {
	update_config '.process.terminal = false'
	args sleep 1000
	await_closed
	local command
	for command in create "run -d"; do
		serve_badly before "$SOCK"
		# shellcheck disable=SC2086 # words
		detached $command --pidfd-socket "$SOCK" "$ID"
		expect_error "pidfd socket: send fd standard: the receiver has closed the connection: sendmsg: broken pipe (--pidfd-socket $SOCK)"
		[ ! -e "$ROOT/$ID" ]
	done
	update_config 'del(.hooks)'
	detached run -d "$ID"
	expect_ok
	exec_badly --pidfd-socket "$SOCK"
	expect_error "pidfd socket: send fd setns: the receiver has closed the connection: sendmsg: broken pipe (--pidfd-socket $SOCK)"
}

@test "a console socket that is no socket is an error" {
	args sleep 1000
	echo >"$TMP/file"
	runc create --console-socket "$TMP/file" "$ID"
	expect_error "connection refused"
	[ ! -e "$ROOT/$ID" ]
}

@test "a console socket in the foreground is refused" {
	args true
	runc run --console-socket "$SOCK" "$ID"
	expect_error "runc run failed: cannot use console socket if runc will not detach or allocate tty"
}

@test "a console socket without a terminal is refused by create, run and exec" {
	update_config '.process.terminal = false'
	args sleep 1000
	runc create --console-socket "$SOCK" "$ID"
	expect_error "runc create failed: cannot use console socket if runc will not detach or allocate tty"
	runc run --console-socket "$SOCK" "$ID"
	expect_error "runc run failed: cannot use console socket if runc will not detach or allocate tty"
	detached run -d "$ID"
	expect_ok
	runc exec --console-socket "$SOCK" "$ID" true
	[ "$status" -eq 255 ]
	expect_error "exec failed: cannot use console socket if runc will not detach or allocate tty"
	runc exec -d --console-socket "$SOCK" "$ID" true
	[ "$status" -eq 255 ]
	expect_error "exec failed: cannot use console socket if runc will not detach or allocate tty"
}

@test "exec -d -t without a console socket is refused" {
	update_config '.process.terminal = false'
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc exec -d -t "$ID" sh
	[ "$status" -eq 255 ]
	expect_error "exec failed: cannot allocate tty if runc will detach without setting console socket"
}

@test "the caller's terminal is given back as it was, after run and exec" {
	command -v script >/dev/null || skip "needs script(1)"
	sh_args 'exit 0'
	cat >"$TMP/look" <<-EOF
		before=\$(stty -g)
		'$RUNC' --root '$ROOT' run '$ID'
		[ "\$(stty -g)" = "\$before" ] && echo run-gave-back
		'$RUNC' --root '$ROOT' exec -t '$ID-2' true
		[ "\$(stty -g)" = "\$before" ] && echo exec-gave-back
		'$RUNC' --root '$ROOT' exec -t '$ID-2' nosuch
		[ "\$(stty -g)" = "\$before" ] && echo failure-gave-back
	EOF
	# The second container for exec.
	serve null
	mkdir "$TMP/b2"
	jq '.process.args = ["sleep", "1000"] | .root.path = $r' --arg r "$BUNDLE/rootfs" config.json >"$TMP/b2/config.json"
	detached run -d -b "$TMP/b2" --console-socket "$SOCK" "$ID-2"
	expect_ok
	run script --quiet --return --command "sh '$TMP/look'" /dev/null </dev/null
	[[ $output == *run-gave-back* ]]
	[[ $output == *exec-gave-back* ]]
	[[ $output == *failure-gave-back* ]]
}

@test "in the foreground a change of the caller's window reaches the process" {
	command -v python3 >/dev/null || skip "needs python3"
	sh_args 'trap "stty size" WINCH; echo up; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.1; done'
	cat >"$TMP/resize.py" <<-'PY'
		import os, pty, sys, fcntl, termios, struct, signal
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], sys.argv[1:])
		got = b""
		done = False
		while True:
		    try:
		        b = os.read(fd, 4096)
		    except OSError:
		        break
		    if not b:
		        break
		    got += b
		    if b"up" in got and not done:
		        done = True
		        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 111, 0, 0))
		os.waitpid(pid, 0)
		print(got.decode())
	PY
	run timeout 20 python3 "$TMP/resize.py" "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[[ $output == *"44 111"* ]]
}
