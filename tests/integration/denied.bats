#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031 # what jq is given; each test has its own environment
# System calls that an old kernel does not have (ENOSYS), or that a seccomp
# profile around the runtime forbids (EPERM): the command works without, or says
# which call it was. docs/requirements.md has the table.

load helpers

setup_file() {
	cc -O -static -o "$BATS_FILE_TMPDIR/deny" "$BATS_TEST_DIRNAME/deny.c"
}

setup() {
	requires root
	setup_bundle
	args sleep 1000
}

teardown() { common_teardown; }

# denied ERRNO CALLS ARGUMENTS...: the runtime without these calls. Nothing may
# hang.
denied() {
	local errno=$1 calls=$2
	shift 2
	status=0
	timeout -s KILL 20 "$BATS_FILE_TMPDIR/deny" "$errno" "$calls" "$RUNC" --root "$ROOT" "$@" \
		</dev/null >"$TMP/out" 2>&1 3>&- || status=$?
	output=$(cat "$TMP/out")
}

# outcome CELL CALL LINUX: what the table has for the command.
outcome() {
	case $1 in
	works) [ "$status" -eq 0 ] || { echo "without $2: status $status: $output"; return 1; } ;;
	"says so")
		case $status in 1 | 255) ;; *) echo "without $2: status $status: $output"; return 1 ;; esac
		[[ $output == *"the system call $2 is refused: by a kernel before Linux $3"* ]] || { echo "does not name $2: $output"; return 1; }
		[ "$(grep -c level=error <<<"$output")" = 1 ] || { echo "more than a line: $output"; return 1; }
		;;
	*) echo "the table says '$1' of $2"; return 1 ;;
	esac
}

nothing_left() {
	[ ! -e "$ROOT/$ID" ] || { ls -la "$ROOT/$ID"; return 1; }
	if find /sys/fs/cgroup -type d -name "$ID*" 2>/dev/null | grep .; then return 1; fi
}

# commands ERRNO CALLS CALL LINUX CREATE START EXEC KILL: each command with its
# outcome, for a container that is in the right state.
commands() {
	local errno=$1 calls=$2 call=$3 linux=$4
	denied "$errno" "$calls" create "$ID"
	outcome "$5" "$call" "$linux" || return 1
	[ "$5" != works ] || { state_is created && __runc delete --force "$ID"; } || return 1
	nothing_left || return 1
	args true
	denied "$errno" "$calls" run "$ID"
	outcome "$5" "$call" "$linux" || return 1
	nothing_left || return 1
	args sleep 1000

	detached create "$ID" && expect_ok || return 1
	denied "$errno" "$calls" start "$ID"
	outcome "$6" "$call" "$linux" || return 1
	[ "$6" = works ] || detached start "$ID"
	state_is running || return 1
	denied "$errno" "$calls" exec "$ID" id -u
	outcome "$7" "$call" "$linux" || return 1
	# The library for cgroups may log a warning before.
	[ "$7" != works ] || [ "${output##*$'\n'}" = 0 ] || { echo "exec without $call: $output"; return 1; }
	denied "$errno" "$calls" state "$ID"
	outcome works "$call" "$linux" || return 1
	denied "$errno" "$calls" kill "$ID" KILL
	outcome "$8" "$call" "$linux" || return 1
	wait_for state_is stopped || return 1
	denied "$errno" "$calls" delete "$ID"
	outcome "$8" "$call" "$linux" || return 1
	nothing_left || return 1

	detached run -d "$ID" && expect_ok || return 1
	denied "$errno" "$calls" delete --force "$ID"
	outcome "$8" "$call" "$linux" || return 1
	nothing_left
}

# table ERRNO: each line of the table.
table() {
	local n=0 call linux create start exec kill
	while IFS='|' read -r _ call linux create start exec kill _; do
		call=${call//[\` ]/}
		n=$((n + 1))
		commands "$1" "$call" "$call" "${linux// /}" "$(xargs <<<"$create")" "$(xargs <<<"$start")" \
			"$(xargs <<<"$exec")" "$(xargs <<<"$kill")" || return 1
	done < <(grep '^| `' "$TOP/docs/requirements.md")
	[ "$n" -eq 15 ]
}

@test "a kernel without one of the newer system calls" { table ENOSYS; }

@test "a seccomp profile that forbids one of the newer system calls" { table EPERM; }

@test "without any call that is newer than Linux 5.4" {
	local e
	for e in ENOSYS EPERM; do
		commands $e openat2,pidfd_getfd,faccessat2,close_range,mount_setattr openat2 5.6 "says so" works works works
		# The others alone.
		commands $e pidfd_getfd,faccessat2,close_range,mount_setattr - - works works works works
	done
}

@test "a container can be killed and removed without any pidfd" {
	local e
	for e in ENOSYS EPERM; do
		commands $e pidfd_open,pidfd_send_signal pidfd_open 5.3 "says so" "says so" "says so" works
	done
}

@test "without close_range no file of the caller's gets into a container" {
	local e way
	exec 9</etc 77</etc
	for way in "" init relay; do
		export _RUNC_TEST_INIT=$way
		for e in ENOSYS EPERM; do
			sh_args 'ls /proc/self/fd'
			denied $e close_range run "$ID"
			# 3 is the folder that ls reads.
			[ "$(xargs <<<"$output")" = "0 1 2 3" ] || { echo "run: $output"; return 1; }
			args sleep 1000
			detached run -d "$ID"
			expect_ok
			denied $e close_range exec "$ID" ls /proc/self/fd
			[ "$(xargs <<<"$output")" = "0 1 2 3" ] || { echo "exec: $output"; return 1; }
			__runc delete --force "$ID"
		done
	done
}

@test "without openat2 the home of a user is found" {
	echo 'me:x:1000:1000:me:/home/me:/bin/sh' >>rootfs/etc/passwd
	local way
	detached run -d "$ID"
	expect_ok
	for way in "" init; do
		export _RUNC_TEST_INIT=$way
		denied ENOSYS openat2 exec --user 1000 "$ID" env
		[[ $output == *HOME=/home/me* ]] || { echo "$output"; return 1; }
	done
}

@test "without mount_setattr the attributes of mounts are as they should be" {
	local e
	update_config '.process.args = ["cat", "/proc/self/mountinfo"] | .root.readonly = true
		| .mounts += [{"destination": "/mnt", "type": "bind", "source": "/tmp", "options": ["bind", "ro", "nodev"]}]'
	for e in ENOSYS EPERM; do
		denied $e mount_setattr run "$ID"
		[ "$status" -eq 0 ]
		grep -E ' / / ro,| /[^ ]* / ro,' <<<"$output"
		grep -E ' /mnt ro,(nosuid,)?nodev' <<<"$output"
	done
}

@test "without mount_setattr recursive attributes say so" {
	update_config '.mounts += [{"destination": "/mnt", "type": "bind", "source": "/tmp", "options": ["rbind", "rro"]}]'
	denied EPERM mount_setattr run "$ID"
	outcome "says so" mount_setattr 5.12
	nothing_left
}
