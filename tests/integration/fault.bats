#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2044 # what jq, hooks and find are given
# A step of create or of init fails, or the runtime is killed at it: delete
# --force then leaves nothing.

load fault

setup() {
	requires root
	may_trace
	setup_bundle
	args sleep 1000
	# One feature of each kind, so that there is something to undo.
	update_config '.linux.maskedPaths += ["/sys"] | .hostname = "fault" | .root.readonly = true
		| .process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
		| .mounts += [{"destination": "/mnt", "type": "bind", "source": "/tmp", "options": ["bind", "ro"]}]'
}

# fails SYSCALL N...: an error of each N-th one. Either create fails and has
# removed all by itself, or it could do without that call and the container is
# as good as any.
fails() {
	local call=$1 n
	shift
	for n; do
		with_fault "$call:error=ENOSPC:when=$n" create "$ID"
		if [ "$status" -eq 0 ]; then
			state_is created || { echo "$call $n: create succeeded: $output"; return 1; }
		else
			# Go ends a program whose own wake-up by an eventfd fails.
			if [[ $output == *"netpollBreak write failed"* ]]; then
				removed "$call $n" || return 1
				continue
			fi
			[ "$status" -eq 1 ] || { echo "$call $n: status $status: $output"; return 1; }
			# Each thread has its N-th call: the undoing can fail too, and says so.
			[[ $output == *"afterwards, unable"* ]] || nothing_left || { echo "$call $n: left after: $output"; return 1; }
		fi
		removed "$call $n" || return 1
		injected || break
	done
}

# killed SYSCALL N...: likewise, whoever does the N-th one (the runtime, or
# init) is killed there.
killed() {
	local call=$1 n
	shift
	for n; do
		with_fault "$call:signal=KILL:when=$n" create "$ID"
		removed "$call $n" || return 1
	done
}

@test "an error of clone" { fails clone3 1 2; }

@test "an error of making a folder" { fails mkdirat 1 2 3 4 5 8 12 16 20 24; }

@test "an error of opening" { fails openat2 1 2 3 4 5 6 8 10 15 20 25 30 40 50; }

@test "an error of opening by path" { fails openat 1 2 3 5 8 10 15 20 25 30 40; }

@test "an error of attaching a mount" { fails move_mount 1 2 3 4 5 6 7 8 9 10 12 14 16; }

@test "an error of making a mount" { fails fsmount 1 2 3 4 5 6; }

@test "an error of cloning a mount" { fails open_tree 1 2 3 4 5 6 7 8; }

@test "an error of mount attributes" { fails mount_setattr 1 2 3 4 5 6 7 8; }

@test "an error of mount" { fails mount 1 2 3 4 5; }

@test "an error of pivot_root" { fails pivot_root 1; }

@test "an error of umount" { fails umount2 1 2 3; }

@test "an error of a message between runtime and init" { fails sendmsg 1 2 3 4 5 6; }

@test "an error of receiving a message" {
	requires cgroupfs # the D-Bus library panics at it
	fails recvmsg 1 2 3 4 5 6
}

@test "an error of renaming" { fails renameat 1 2; }

@test "an error of the host name" { fails sethostname 1; }

@test "an error of capabilities" { fails capset 1 2; }

@test "an error of a limit" { fails prlimit64 1 2 3 4 5 6; }

@test "an error of a file's mode" { fails fchmodat 1 2 3; }

@test "an error of a node" { fails mknodat 1 2 3 4 7; }

@test "an error of a symlink" { fails symlinkat 1 2 3 4; }

@test "an error of writing" { fails write 1 2 3 4 5 6 8 10 12 15 20 25 30; }

@test "an error of the session" { fails setsid 1; }

@test "an error of the keyring" { fails keyctl 1 2 3; }

@test "a kill at clone" { killed clone3 1; }

@test "a kill at making a folder" { killed mkdirat 1 2 3 4 5 8 12 16 20; }

@test "a kill at opening" { killed openat2 1 2 3 4 5 6 8 10 15 20 30 40; }

@test "a kill at attaching a mount" { killed move_mount 1 2 3 5 8 12; }

@test "a kill at pivot_root" { killed pivot_root 1; }

@test "a kill at a message" { killed sendmsg 1 2 3 4 5; }

@test "a kill at receiving" { killed recvmsg 1 2 3 4 5; }

@test "a kill at renaming" { killed renameat 1 2; }

@test "a kill at the host name" { killed sethostname 1; }

@test "a kill at capabilities" { killed capset 1; }

@test "a kill at writing" { killed write 1 2 3 4 6 8 10 12 15 20; }

# hook KIND SCRIPT
hook() {
	update_config '.hooks = {($k): [{path: "/bin/sh", args: ["sh", "-c", $s], env: ["PATH=/usr/bin:/bin"]}]}' --arg k "$1" --arg s "$2"
}

@test "a signal during a hook ends the hook, and the start is undone" {
	requires root
	local sig kind pid
	for sig in TERM INT HUP; do
		for kind in createRuntime createContainer; do
			rm -f "$TMP/hook"
			hook $kind "echo \$\$ >$TMP/hook; exec sleep 1000"
			# By way of env: a shell's background job would ignore INT.
			env --default-signal=INT "${runc_command[@]}" --root "$ROOT" create "$ID" </dev/null >"$TMP/out" 2>&1 3>&- &
			pid=$!
			wait_for test -s "$TMP/hook"
			kill -$sig $pid
			status=0
			wait $pid || status=$?
			[ "$status" -eq 1 ] || { echo "$sig: status $status"; cat "$TMP/out"; return 1; }
			grep -q "interrupted by SIG$sig" "$TMP/out" || { cat "$TMP/out"; return 1; }
			[ ! -e "$ROOT/$ID" ]
			# As the hook saw itself, which in createContainer is another number.
			[ $kind != createRuntime ] || [ ! -e "/proc/$(cat "$TMP/hook")" ] || { echo "the hook still runs"; return 1; }
		done
	done
}
