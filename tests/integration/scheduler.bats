#!/usr/bin/env bats

load helpers

# stat_fields shows fields of the process's own /proc/PID/stat: 19 is nice, 41
# the policy (proc_pid_stat(5)). Its name, without blanks, is field 2.
stat_fields() {
	# shellcheck disable=SC2016 # for awk
	args awk '{print $19, $41}' /proc/self/stat
}

@test "a process gets its scheduling policy and nice value" {
	stat_fields
	update_config '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 7}'
	runc run "$ID"
	expect_ok
	[ "$output" = "7 3" ]
}

@test "a process gets the idle policy" {
	stat_fields
	update_config '.process.scheduler = {"policy": "SCHED_IDLE"}'
	runc run "$ID"
	expect_ok
	[ "${output#* }" = 5 ]
}

@test "an exec'd process gets the container's scheduler" {
	update_config '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 7} | .process.args = ["sleep", "1000"]'
	detached run -d "$ID"
	expect_ok
	# shellcheck disable=SC2016 # for awk
	runc exec "$ID" awk '{print $19, $41}' /proc/self/stat
	expect_ok
	[ "$output" = "7 3" ]
}

@test "an unknown scheduling policy is refused" {
	update_config '.process.scheduler = {"policy": "SCHED_NOSUCH"}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"invalid scheduler policy: SCHED_NOSUCH"* ]]
}

@test "a scheduling policy that the kernel has not is refused by it" {
	update_config '.process.scheduler = {"policy": "SCHED_ISO"}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"error setting scheduler"*"invalid argument"* ]]
}

@test "a priority is only for real-time policies" {
	update_config '.process.scheduler = {"policy": "SCHED_OTHER", "priority": 5}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"scheduler.priority can only be specified for SchedFIFO or SchedRR policy"* ]]
}

@test "runtime, deadline and period are only for the deadline policy" {
	update_config '.process.scheduler = {"policy": "SCHED_OTHER", "runtime": 5}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"scheduler runtime/deadline/period can only be specified for SchedDeadline policy"* ]]
}

@test "a process gets its I/O priority" {
	ln -s busybox rootfs/bin/ionice
	update_config '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6} | .process.args = ["ionice", "-p", "1"]'
	runc run "$ID"
	expect_ok
	[[ $output == *"best-effort: prio 6"* ]]
}

@test "an unknown I/O class is refused" {
	update_config '.process.ioPriority = {"class": "x", "priority": 1}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'invalid ioPriority.Class: \"x\"'* ]]
}

@test "an I/O priority beyond the lowest is refused" {
	update_config '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 8}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"invalid ioPriority.Priority: 8"* ]]
}

@test "the caller's CPU affinity does not become the container's" {
	[ "$(nproc)" -gt 1 ] || skip "needs two CPUs"
	update_config '.process.args = ["grep", "^Cpus_allowed_list", "/proc/self/status"]'
	runc run "$ID"
	expect_ok
	all=$output
	# Children inherit it; so does the runtime. The test ends in a subshell.
	taskset -pc 0 "$BASHPID" >/dev/null
	runc run "$ID"
	expect_ok
	[ "$output" = "$all" ]
}

@test "an exec'd process gets the final CPU affinity" {
	[ "$(nproc)" -gt 1 ] || skip "needs two CPUs"
	update_config '.process.execCPUAffinity = {"initial": "0", "final": "1"} | .process.args = ["sleep", "1000"]'
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" grep '^Cpus_allowed_list' /proc/self/status
	expect_ok
	[ "$output" = $'Cpus_allowed_list:\t1' ]
}

@test "a process gets its memory policy" {
	[ -e /proc/self/numa_maps ] || skip "needs a kernel with NUMA"
	update_config '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
		| .process.args = ["sh", "-c", "head -n 1 /proc/self/numa_maps"]'
	runc run "$ID"
	expect_ok
	[[ $output == *" bind=static:0"* ]]
}

@test "an unknown memory policy is refused" {
	update_config '.linux.memoryPolicy = {"mode": "MPOL_X"}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'runc run failed: invalid memory policy mode \"MPOL_X\"'* ]]
}
