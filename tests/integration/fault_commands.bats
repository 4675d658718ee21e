#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031 # what jq is given; each test has its own status
# As fault.bats, for the other commands: a step fails or the runtime is killed
# at it. The container then is in one of its states, usable, and delete --force
# leaves nothing.

load fault

setup() {
	requires root
	may_trace
	setup_bundle
	args sleep 1000
}

# one_process: init is the only process in the container.
one_process() { [ "$(__runc ps --format json "$ID" | jq length)" = 1 ]; }

# unharmed WHAT: the container runs on and can be used as before.
unharmed() {
	state_is running || { echo "$1: $output"; return 1; }
	wait_for one_process || { echo "$1: $output"; __runc ps "$ID"; return 1; }
	runc exec "$ID" true
	[ "$status" -eq 0 ] || { echo "$1: exec then: $output"; return 1; }
}

# faults HOW CHECK SYSCALL N... -- COMMAND...: at each N-th call, then CHECK.
# HOW is an error's name, or KILL.
faults() {
	local how=$1 check=$2 call=$3 n ns=()
	shift 3
	while [ "$1" != -- ]; do
		ns+=("$1")
		shift
	done
	shift
	case $how in KILL) how=signal=KILL ;; *) how=error=$how ;; esac
	for n in "${ns[@]}"; do
		with_fault "$call:$how:when=$n" "$@"
		"$check" "$call $n" || return 1
	done
}

running() {
	detached run -d "$ID"
	expect_ok
}

@test "an error during exec: the container is as it was" {
	running
	local c
	for c in clone3 setns execveat openat2 memfd_create pwrite64; do
		faults ENOSPC unharmed $c 1 2 -- exec "$ID" true
	done
}

@test "a kill during exec leaves no process in the container" {
	running
	local c
	for c in openat2 write pwrite64 prlimit64; do
		faults KILL unharmed $c 1 2 3 9 -- exec "$ID" true
	done
}

@test "a kill during exec by way of init leaves no process in the container" {
	running
	jq '.process | .args = ["true"] | .scheduler = {"policy": "SCHED_OTHER"}' "$BUNDLE/config.json" >"$TMP/process.json"
	local c
	for c in openat2 write sendmsg recvmsg capset; do
		faults KILL unharmed $c 1 2 -- exec --process "$TMP/process.json" "$ID"
	done
}

# consistent WHAT: running or paused; update works.
consistent() {
	local s
	s=$(__runc state "$ID" | jq -r .status)
	case $s in
	running) ;;
	paused)
		runc resume "$ID"
		[ "$status" -eq 0 ] || { echo "$1: resume: $output"; return 1; }
		;;
	*)
		echo "$1: is $s: $output"
		return 1
		;;
	esac
	runc update --pids-limit 30 "$ID"
	[ "$status" -eq 0 ] || { echo "$1: update then: $output"; return 1; }
	unharmed "$1"
}

@test "an error or a kill during update: the container can be updated again" {
	requires_controller pids
	running
	local c
	for c in openat2 write renameat flock; do
		faults EIO consistent $c 1 2 -- update --pids-limit 20 "$ID"
		faults KILL consistent $c 1 2 -- update --pids-limit 20 "$ID"
	done
	runc delete --force "$ID"
	expect_ok
	nothing_left
}

@test "an error of renaming during update sets back what was" {
	requires_controller pids
	update_config '.linux.resources.pids.limit = 30'
	running
	with_fault renameat:error=EIO:when=1 update --pids-limit 20 "$ID"
	[ "$status" -eq 1 ]
	injected
	runc events --stats "$ID"
	[ "$(jq .data.pids.limit <<<"$output")" = 30 ]
	jq -e '.config.cgroups.pids_limit == 30' "$ROOT/$ID/state.json"
}

@test "an error or a kill during pause and resume" {
	requires_controller pids
	running
	local c
	for c in openat2 write; do
		faults EIO consistent $c 1 2 -- pause "$ID"
		faults KILL consistent $c 1 2 -- pause "$ID"
		__runc pause "$ID"
		faults EIO consistent $c 1 2 -- resume "$ID"
		__runc pause "$ID"
		faults KILL consistent $c 1 2 -- resume "$ID"
	done
}

# started WHAT: in some state, and what is left can be deleted.
started() {
	runc state "$ID"
	[ "$status" -eq 0 ] || { echo "$1: state: $output"; return 1; }
	removed "$1" || return 1
	detached create "$ID"
	expect_ok
}

@test "an error or a kill during start: the container can be deleted" {
	detached create "$ID"
	expect_ok
	local c
	for c in pidfd_open ppoll unlink unlinkat; do
		faults EIO started $c 1 -- start "$ID"
		faults KILL started $c 1 -- start "$ID"
	done
}

# deleted WHAT: a second one does it, whatever the first has done.
deleted() {
	removed "$1" || return 1
	detached create "$ID"
	expect_ok
}

@test "an error or a kill during delete: the next one does it" {
	detached create "$ID"
	expect_ok
	local c
	for c in rmdir unlinkat pidfd_open flock; do
		faults EIO deleted $c 1 2 -- delete "$ID"
		faults KILL deleted $c 1 2 8 -- delete "$ID"
		faults KILL deleted $c 1 3 -- delete --force "$ID"
	done
}

@test "an error or a kill during run" {
	args true
	local c
	for c in openat2 write rmdir unlinkat flock; do
		faults ENOSPC removed $c 1 2 -- run "$ID"
		faults KILL removed $c 1 2 4 -- run "$ID"
	done
}

@test "a kill while ids are mapped leaves no process" {
	requires userns
	update_config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chmod 755 "$TMP"
	local c
	for c in openat write; do
		faults KILL removed $c 1 2 3 4 6 8 -- create "$ID"
	done
}
