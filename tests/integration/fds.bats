#!/usr/bin/env bats
# Which of the caller's open files a process gets.

load helpers

@test "the process has no fd but its stdio" {
	args ls /proc/self/fd
	run bash -c 'exec 5</; exec "$@"' x "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	# The fourth is ls's own.
	[ "$(wc -l <<<"$output")" = 4 ]
}

@test "a working directory on a leaked fd of the host is refused" {
	args pwd
	update_config '.process.cwd = "/proc/self/fd/7"'
	run bash -c 'exec 7</; exec "$@"' x "$RUNC" --root "$ROOT" run "$ID"
	[ "$status" -ne 0 ]
	[ ! -e "$ROOT/$ID" ]
}

@test "--preserve-fds passes the caller's fds on" {
	args cat /proc/self/fd/3
	echo kept >"$TMP/kept"
	run bash -c 'exec 3<"$0"; exec "$@"' "$TMP/kept" "$RUNC" --root "$ROOT" run --preserve-fds 1 "$ID"
	expect_ok
	[ "$output" = kept ]
}

@test "--preserve-fds passes no more than asked for" {
	args ls /proc/self/fd
	run bash -c 'exec 3</dev/null 4</dev/null 5</dev/null; exec "$@"' x "$RUNC" --root "$ROOT" run --preserve-fds 2 "$ID"
	expect_ok
	# 5 is ls's own.
	[ "$output" = $'0\n1\n2\n3\n4\n5' ]
}

# numbers_of COMMAND...: the fds that ls sees as its own, without that for the
# folder, which gets the first free number.
numbers_of() {
	run bash -c 'for n in 3 4 5 6 8 9; do eval "exec $n>&-"; done; exec 7<"$0" 10<"$0"; exec "$@"' "$TMP/kept" "$@"
	expect_ok
}

@test "--preserve-fds leaves closed fds closed and keeps the numbers of others" {
	echo kept >"$TMP/kept"
	# As ls has the lowest free number for the folder, that is 3.
	args ls /proc/self/fd
	# shellcheck disable=SC2154 # bats sets output
	numbers_of "$RUNC" --root "$ROOT" run --preserve-fds 5 "$ID"
	[ "$output" = $'0\n1\n2\n3\n7' ]
	numbers_of "$RUNC" --root "$ROOT" run --preserve-fds 8 "$ID"
	[ "$output" = $'0\n1\n10\n2\n3\n7' ]
	# All of them closed.
	numbers_of "$RUNC" --root "$ROOT" run --preserve-fds 4 "$ID"
	[ "$output" = $'0\n1\n2\n3' ]
	args cat /proc/self/fd/7
	numbers_of "$RUNC" --root "$ROOT" run --preserve-fds 5 "$ID"
	[ "$output" = kept ]
}

@test "--preserve-fds with closed ones, of create and of exec" {
	echo kept >"$TMP/kept"
	sh_args 'ls /proc/self/fd >/started; exec sleep 1000'
	update_config '.root.readonly = false'
	bash -c 'for n in 3 4 5 6 8 9; do eval "exec $n>&-"; done; exec 7<"$0"; exec "$@"' "$TMP/kept" \
		"$RUNC" --root "$ROOT" create --preserve-fds 5 "$ID" </dev/null >"$TMP/out" 2>&1
	runc start "$ID"
	expect_ok
	wait_for test -s rootfs/started
	[ "$(cat rootfs/started)" = $'0\n1\n2\n3\n7' ]
	numbers_of "$RUNC" --root "$ROOT" exec --preserve-fds 5 "$ID" ls /proc/self/fd
	[ "$output" = $'0\n1\n2\n3\n7' ]
	numbers_of "$RUNC" --root "$ROOT" exec --preserve-fds 4 "$ID" ls /proc/self/fd
	[ "$output" = $'0\n1\n2\n3' ]
	# The long way, which has files of its own at work.
	jq '.process | .args = ["ls", "/proc/self/fd"] | .ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4}' config.json >"$TMP/long.json"
	numbers_of "$RUNC" --root "$ROOT" exec -p "$TMP/long.json" --preserve-fds 5 "$ID"
	[ "$output" = $'0\n1\n2\n3\n7' ]
	numbers_of "$RUNC" --root "$ROOT" exec -p "$TMP/long.json" --preserve-fds 4 "$ID"
	[ "$output" = $'0\n1\n2\n3' ]
}

@test "sockets of LISTEN_FDS are passed on" {
	sh_args 'echo $LISTEN_FDS $LISTEN_PID; cat <&3'
	echo activated >"$TMP/f"
	run env -u LISTEN_PID LISTEN_FDS=1 bash -c 'exec 3<"$0"; exec "$@"' "$TMP/f" "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = "$(printf '1 1\nactivated')" ]
}

@test "LISTEN_FDS with our own pid" {
	sh_args 'echo $LISTEN_FDS $LISTEN_PID'
	run bash -c 'exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"' x "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = "1 1" ]
}

@test "LISTEN_FDS for another pid is not ours" {
	sh_args 'echo "${LISTEN_FDS:-none}"; ls /proc/self/fd'
	run bash -c 'exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=1; exec "$@"' x "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = $'none\n0\n1\n2\n3' ]
}

@test "fds to preserve come after those of LISTEN_FDS" {
	sh_args 'cat <&3; cat <&4'
	echo first >"$TMP/first"
	echo second >"$TMP/second"
	run env -u LISTEN_PID LISTEN_FDS=1 bash -c 'exec 3<"$0" 4<"$1"; shift; exec "$@"' \
		"$TMP/first" "$TMP/second" "$RUNC" --root "$ROOT" run --preserve-fds 1 "$ID"
	expect_ok
	[ "$output" = $'first\nsecond' ]
}

# only_its_own WHAT: the waiting init holds nothing of the host but its stdio and
# the handle of exec.fifo.
only_its_own() {
	local pid n
	pid=$(init_pid)
	for n in /proc/"$pid"/fd/*; do
		case $(readlink "$n") in
		/dev/null | /dev/pts/* | /null | anon_inode:* | pipe:* | socket:* | "$TMP"/* | "$ROOT/$ID/exec.fifo") ;;
		# The root of a procfs, whose process folders are those of the container.
		/) [ "$(stat -fLc %T "$n")" = proc ] && [ "$(stat -Lc %i "$n")" = 1 ] && [ ! -e "$n/sys" ] &&
			{ [ "$1" = "host pid" ] || [ ! -e "$n/$$" ]; } || { echo "$1: $n"; return 1; } ;;
		*) echo "$1: $n $(readlink "$n")"; return 1 ;;
		esac
	done
}

@test "init holds no fd of the runtime's while it waits for start" {
	local way what
	args sleep 1000
	cp config.json "$TMP/plain.json"
	for way in "" go relay; do
		export _RUNC_TEST_INIT=$way
		for what in plain "host pid" "no proc" hooks "read-only" mounts; do
			cp "$TMP/plain.json" config.json
			case $what in
			"host pid") update_config 'del(.linux.namespaces[] | select(.type == "pid"))' ;;
			"no proc") update_config 'del(.mounts[] | select(.destination == "/proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []' ;;
			hooks) update_config '.hooks = {createRuntime: [{path: "/bin/true"}], createContainer: [{path: "/bin/true"}], startContainer: [{path: "/bin/true"}]}' ;;
			read-only) update_config '.root.readonly = true' ;;
			mounts) update_config '.mounts += [{destination: "/mnt", type: "bind", source: "/tmp", options: ["rbind", "rslave"]},
				{destination: "/mnt2", type: "tmpfs", source: "tmpfs", options: ["ro", "tmpcopyup"]}]' ;;
			esac
			detached create "$ID"
			expect_ok
			only_its_own "$what"
			[ "$what" = plain ] || { runc delete --force "$ID"; expect_ok; continue; }
			local pid
			pid=$(init_pid)
			runc start "$ID"
			expect_ok
			wait_for sh -c "[ \"\$(ls /proc/$pid/fd | tr '\n' ' ')\" = '0 1 2 ' ]"
			runc delete --force "$ID"
			expect_ok
		done
	done
}

@test "init in a user namespace holds no fd of the runtime's while it waits for start" {
	requires root userns
	args sleep 1000
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings | .mounts += [{destination: "/mnt", type: "bind", source: "/usr", options: ["bind"]}]'
	local way
	for way in "" go relay; do
		export _RUNC_TEST_INIT=$way
		detached create "$ID"
		expect_ok
		only_its_own userns
		runc delete --force "$ID"
		expect_ok
	done
}

@test "stdio that is the null device is the container's own" {
	args sleep 1000
	local way pid n
	for way in "" go; do
		_RUNC_TEST_INIT=$way __runc create "$ID" </dev/null >/dev/null 2>&1 3>&-
		pid=$(init_pid)
		for n in 0 1 2; do
			[ "$(stat -Lc %t:%T "/proc/$pid/fd/$n")" = 1:3 ]
			[ "$(stat -Lc %d:%i "/proc/$pid/fd/$n")" = "$(stat -Lc %d:%i "/proc/$pid/root/dev/null")" ]
		done
		runc delete --force "$ID"
		expect_ok
	done
}
