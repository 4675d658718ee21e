#!/usr/bin/env bats
# exec -t in the foreground: the caller's terminal, and what may become of it.
# shellcheck disable=SC2016,SC2154 # scripts expand in the container; bats sets status

load helpers

setup() {
	setup_bundle
	command -v python3 >/dev/null || skip "needs python3"
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	cat >"$TMP/terminal.py" <<-'PY'
		# terminal.py DEED COMMAND...: runs the command on a new terminal, does the
		# deed once the command has said "ready", and prints what the terminal
		# showed, how the command ended, and whether the terminal is as it was.
		import os, pty, select, signal, subprocess, sys, termios, time
		deed, argv = sys.argv[1], sys.argv[2:]
		master, slave = pty.openpty()
		before = termios.tcgetattr(slave)
		p = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, preexec_fn=lambda: (os.setsid(), __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0)))
		said, done, end = b"", False, time.time() + 20
		while time.time() < end:
		    if p.poll() is not None and not (master >= 0 and select.select([master], [], [], 0)[0]):
		        break
		    if master >= 0 and select.select([master], [], [], 0.05)[0]:
		        try:
		            said += os.read(master, 4096)
		        except OSError:
		            break
		    if b"ready" in said and not done:
		        done = True
		        assert deed == "hangup" or not termios.tcgetattr(slave)[3] & termios.ICANON, "not raw"
		        if deed.startswith("type:"):
		            os.write(master, deed[5:].encode().decode("unicode_escape").encode())
		        elif deed.startswith("signal:"):
		            p.send_signal(getattr(signal, deed[7:]))
		        elif deed.startswith("run:"):
		            subprocess.run(["sh", "-c", deed[4:]], check=True)
		        elif deed == "hangup":
		            # The last of the master closes the terminal.
		            os.close(slave)
		            os.close(master)
		            master = -1
		try:
		    code = p.wait(5)
		except subprocess.TimeoutExpired:
		    p.kill()
		    code = "never"
		print(said.decode(errors="replace").replace("\r", ""))
		print("ended", code)
		if master >= 0:
		    print("terminal", "restored" if termios.tcgetattr(slave) == before else "changed")
	PY
}

# on_terminal DEED EXEC-ARGUMENT...
on_terminal() {
	local deed=$1
	shift
	run timeout -s KILL 60 python3 "$TMP/terminal.py" "$deed" "$RUNC" --root "$ROOT" exec "$@"
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

# alone: init is the container's only process.
alone() { [ "$(__runc ps --format json "$ID" | jq length)" = 1 ]; }

@test "the terminal is restored when the process ends by itself" {
	on_terminal "type:\r" -t "$ID" sh -c 'echo ready; read -r x; exit 7'
	[[ $output == *"ended 7"*"terminal restored"* ]] || { echo "$output"; return 1; }
}

@test "the terminal is restored when a signal ends the process" {
	on_terminal "type:\r" -t "$ID" sh -c 'echo ready; read -r x; kill -9 $$'
	[[ $output == *"ended 137"*"terminal restored"* ]] || { echo "$output"; return 1; }
}

@test "the terminal is restored when a signal to exec ends the process" {
	local s
	for s in TERM HUP INT QUIT; do
		on_terminal "signal:SIG$s" -t "$ID" sh -c "trap 'exit 9' $s; echo ready; while :; do sleep 0.1; done"
		[[ $output == *"ended 9"*"terminal restored"* ]] || { echo "$s: $output"; return 1; }
	done
}

@test "the terminal is restored when the container is killed" {
	on_terminal "run:'$RUNC' --root '$ROOT' kill '$ID' KILL" -t "$ID" sh -c 'echo ready; sleep 1000'
	[[ $output == *"ended 137"*"terminal restored"* ]] || { echo "$output"; return 1; }
}

@test "the terminal is restored when exec fails after its process was started" {
	on_terminal none -t --pid-file "$TMP/nosuch/pid" "$ID" sleep 1000
	[[ $output == *"exec failed"*"ended 255"*"terminal restored"* ]] || { echo "$output"; return 1; }
	wait_for alone
}

@test "the keys for signals reach the process, not exec" {
	on_terminal 'type:\x03' -t "$ID" sh -c 'trap "exit 5" INT; echo ready; while :; do sleep 0.1; done'
	[[ $output == *"ended 5"*"terminal restored"* ]] || { echo "$output"; return 1; }
	on_terminal 'type:\x1a' -t "$ID" sh -c 'trap "exit 6" TSTP; echo ready; while :; do sleep 0.1; done'
	[[ $output == *"ended 6"*"terminal restored"* ]] || { echo "$output"; return 1; }
}

@test "a terminal that hangs up ends the process and exec" {
	on_terminal hangup -t "$ID" sh -c 'echo ready; read -r x; sleep 1000'
	[[ $output == *"ended "* && $output != *"ended never"* ]] || { echo "$output"; return 1; }
	wait_for alone
}

@test "a process without a terminal of its own leaves the caller's alone" {
	# It must not be raw, so there is nothing to be done once it is ready.
	on_terminal hangup "$ID" sh -c 'tty; echo ready; sleep 1000'
	[[ $output == *"not a tty"* && $output != *"ended never"* ]] || { echo "$output"; return 1; }
	wait_for alone
}

@test "exec -t whose caller has no terminal" {
	run bash -c 'printf "word\n" | timeout -s KILL 20 "$0" --root "$1" exec -t "$2" sh -c "read -r x; tty; echo got \$x"' "$RUNC" "$ROOT" "$ID"
	expect_ok
	[[ $output == *"/dev/pts/"*"got word"* ]] || { echo "$output"; return 1; }
}

@test "exec -t ends with its process when nobody reads any more" {
	run timeout -s KILL 20 bash -c '"$0" --root "$1" exec -t "$2" yes </dev/null | head -n 1; echo "${PIPESTATUS[0]}"' "$RUNC" "$ROOT" "$ID"
	[[ $output == *141 ]] || { echo "$output"; return 1; }
	wait_for alone
}

@test "the last words of a process are shown though it ends at once" {
	local i
	for i in {1..10}; do
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" exec -t "$ID" sh -c 'head -c 3000 /dev/zero | tr "\0" x; echo end' </dev/null
		expect_ok
		[[ ${#output} -ge 3003 && $output == *end* ]] || { echo "${#output}"; return 1; }
	done
}
