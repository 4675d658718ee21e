#!/usr/bin/env bats
# NOTIFY_SOCKET, beside the plain case of notify_socket.bats: run -d, words
# other than READY, and the end of the container.

load helpers

setup() {
	command -v python3 >/dev/null || skip "needs python3"
	setup_bundle
	HOST=$TMP/host.sock
	# The service manager: a line for each message; fds that come along are
	# closed, which is what a barrier waits for.
	cat >"$TMP/manager.py" <<-'PY'
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		while True:
		    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
		    print(data.decode().strip(), flush=True)
		    for fd in fds:
		        os.close(fd)
	PY
	python3 "$TMP/manager.py" "$HOST" >"$TMP/notified" 2>&1 3>&- &
	MANAGER=$!
	wait_for test -S "$HOST"
	args sleep 1000
}

teardown() {
	if [ -n "${MANAGER:-}" ]; then
		kill "$MANAGER" 2>/dev/null || true
		wait "$MANAGER" 2>/dev/null || true
	fi
	common_teardown
}

# say WORDS: into the container's socket, from outside; busybox cannot.
say() {
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[2].encode(), sys.argv[1])' \
		"$ROOT/$ID/notify/notify.sock" "$1"
}

notified() { grep -qx "$1" "$TMP/notified"; }

# begin ARGUMENTS...: the runtime in the background, $RUNNER its pid.
begin() {
	NOTIFY_SOCKET=$HOST "$RUNC" --root "$ROOT" "$@" </dev/null >"$TMP/out" 2>&1 3>&- &
	RUNNER=$!
	wait_for test -S "$ROOT/$ID/notify/notify.sock"
}

@test "run -d returns when the container is ready, which the manager hears" {
	begin run -d "$ID"
	say READY=1
	wait "$RUNNER"
	notified READY=1
	notified "MAINPID=$(init_pid)"
	notified BARRIER=1
}

@test "run -d waits until the container is ready" {
	begin run -d "$ID"
	sleep 0.3
	kill -0 "$RUNNER"
	say STATUS=starting
	sleep 0.3
	kill -0 "$RUNNER"
	[ ! -s "$TMP/notified" ]
	say READY=1
	wait "$RUNNER"
}

@test "run in the foreground forwards READY too" {
	begin run "$ID"
	say READY=1
	wait_for notified BARRIER=1
	notified "MAINPID=$(init_pid)"
	kill -0 "$RUNNER"
	runc kill "$ID" KILL
	wait "$RUNNER" || [ $? -eq 137 ]
}

@test "READY among other words" {
	begin run -d "$ID"
	say $'STATUS=x\nREADY=1\nERRNO=0'
	wait "$RUNNER"
	notified READY=1
}

@test "run -d returns when the container dies before it was ready" {
	begin run -d "$ID"
	wait_for state_is running
	runc kill "$ID" KILL
	expect_ok
	wait "$RUNNER"
	[ ! -s "$TMP/notified" ]
}

@test "READY is heard of a container that has ended just after it" {
	begin run -d "$ID"
	wait_for state_is running
	kill -STOP "$RUNNER"
	say READY=1
	runc kill "$ID" KILL
	expect_ok
	wait_for state_is stopped
	kill -CONT "$RUNNER"
	wait "$RUNNER"
	notified READY=1
}

@test "the container sees the socket, and cannot change its folder" {
	begin run -d "$ID"
	runc exec "$ID" sh -c 'stat -c %a /run/notify/notify.sock; touch /run/notify/x 2>&1; ls /run/notify'
	expect_ok
	[ "${lines[0]}" = 777 ]
	[[ ${lines[1]} == *"Read-only file system"* ]]
	[ "${lines[2]}" = notify.sock ]
	say READY=1
	wait "$RUNNER"
}

variable() { tr '\0' '\n' <"/proc/$(init_pid)/environ" | grep '^NOTIFY_SOCKET='; }

@test "the container is told of its own socket, not the host's" {
	begin run -d "$ID"
	[ "$(variable)" = NOTIFY_SOCKET=/run/notify/notify.sock ]
	say READY=1
	wait "$RUNNER"
}

@test "start with NOTIFY_SOCKET of a container created without" {
	detached create "$ID"
	expect_ok
	NOTIFY_SOCKET=$HOST runc start "$ID"
	expect_ok
	[ ! -s "$TMP/notified" ]
}

@test "without NOTIFY_SOCKET there is no folder and no variable" {
	detached run -d "$ID"
	expect_ok
	[ ! -e "$ROOT/$ID/notify" ]
	[ -z "$(variable)" ]
}
