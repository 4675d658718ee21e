#!/usr/bin/env bats

load helpers

# A service manager's side: prints what comes on the socket, and closes the fds
# that come with it, as a barrier wants.
manager() {
	python3 - "$1" <<'P' >"$TMP/notified" 3>&- &
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(10)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds:
        os.close(fd)
    print(data.decode().strip(), flush=True)
    if data.startswith(b"BARRIER"):
        break
P
	MANAGER=$!
	wait_for test -S "$1"
}

@test "READY=1 of a container reaches the service manager, with init's pid" {
	command -v python3 >/dev/null || skip "needs python3"
	manager "$TMP/host.sock"
	# busybox has no client for datagram sockets of AF_UNIX: the test speaks
	# from outside into the socket that the container sees.
	args sleep 1000
	NOTIFY_SOCKET=$TMP/host.sock detached create "$ID"
	expect_ok
	NOTIFY_SOCKET=$TMP/host.sock "$RUNC" --root "$ROOT" start "$ID" 3>&- &
	local start=$!
	wait_for test -S "$ROOT/$ID/notify/notify.sock"
	runc exec "$ID" sh -c 'test -S /run/notify/notify.sock'
	expect_ok
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"STATUS=x\nREADY=1", sys.argv[1])' "$ROOT/$ID/notify/notify.sock"
	wait "$start"
	wait "$MANAGER"
	run cat "$TMP/notified"
	[ "${lines[0]}" = READY=1 ]
	[ "${lines[1]}" = "MAINPID=$(init_pid)" ]
	[ "${lines[2]}" = BARRIER=1 ]
}

@test "start does not wait for the readiness of a container that died" {
	args true
	NOTIFY_SOCKET=$TMP/nobody.sock detached create "$ID"
	expect_ok
	NOTIFY_SOCKET=$TMP/nobody.sock run timeout 10 "$RUNC" --root "$ROOT" start "$ID"
	expect_ok
}
