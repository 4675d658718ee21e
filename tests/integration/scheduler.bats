#!/usr/bin/env bats

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

# stat_fields shows fields of the process's own /proc/PID/stat: 19 is nice, 41
# the policy (proc_pid_stat(5)). Its name, without blanks, is field 2.
stat_fields() {
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

@test "an affinity that the kernel refuses is named once" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	local when
	for when in initial final; do
		jq '.process | .args = ["true"] | .execCPUAffinity = {($when): "8000"}' --arg when $when config.json >"$TMP/process.json"
		runc exec -p "$TMP/process.json" "$ID"
		[ "$status" -eq 255 ]
		expect_error "error setting $when CPU affinity: sched_setaffinity: invalid argument"
		[ "$(grep -o "error setting" <<<"$output" | wc -l)" = 1 ]
	done
}

@test "CPUs and nodes beyond 1024 are taken" {
	[ "$(nproc)" -gt 1 ] || skip "needs two CPUs"
	update_config '.process.execCPUAffinity = {"initial": "0,5000", "final": "1,2000-2047,8191"} | .process.args = ["sleep", "1000"]'
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" grep '^Cpus_allowed_list' /proc/self/status
	expect_ok
	[ "$output" = $'Cpus_allowed_list:\t1' ]
	runc delete --force "$ID"
	# The kernel has no such node, and says so; the list itself is good.
	update_config 'del(.process.execCPUAffinity) | .linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0,4000"} | .process.args = ["true"]'
	runc run "$ID"
	[ "$status" -eq 0 ] || expect_error "mode MPOL_BIND with 2 nodes"
}

@test "a memory policy with the wrong number of nodes is refused" {
	update_config '.linux.memoryPolicy = {"mode": "MPOL_DEFAULT", "nodes": "0-7"}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	expect_error "mode requires 0 nodes but got 8"
	update_config '.linux.memoryPolicy = {"mode": "MPOL_BIND"}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	expect_error "mode requires at least 1 node but got 0"
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

@test "each scheduling policy, and what it needs, reaches the process" {
	requires root
	local policy number
	while read -r policy number; do
		update_config ".process.scheduler = $policy"
		# Fields 19 and 41 of proc_pid_stat(5), after the name in brackets.
		args awk '{ sub(/.*\) /, ""); print $39, $17 }' /proc/self/stat
		runc run "$ID"
		expect_ok
		[ "$output" = "$number" ] || { echo "$policy: $output"; return 1; }
	done <<-'END'
		{"policy":"SCHED_OTHER","nice":-7} 0 -7
		{"policy":"SCHED_OTHER","nice":19,"flags":["SCHED_FLAG_RESET_ON_FORK"]} 0 19
		{"policy":"SCHED_BATCH","nice":4} 3 4
		{"policy":"SCHED_IDLE"} 5 0
	END
}

@test "a deadline is given to the process" {
	requires root
	command -v chrt >/dev/null || skip "needs chrt"
	update_config '.process.scheduler = {"policy":"SCHED_DEADLINE","runtime":2000000,"deadline":10000000,"period":20000000,"flags":["SCHED_FLAG_RESET_ON_FORK"]}'
	args sleep 100
	detached run -d "$ID"
	[[ $output != *"Device or resource busy"* && $output != *"device or resource busy"* ]] || skip "the kernel has no deadline bandwidth to spare"
	expect_ok
	run chrt -p "$(init_pid)"
	[[ $output == *SCHED_DEADLINE*2000000/10000000/20000000* ]] || { echo "$output"; return 1; }
}

@test "a wrong policy or flag is refused before anything is made" {
	local s words
	while read -r s words; do
		update_config ".process.scheduler = $s"
		runc create "$ID"
		expect_error "$words"
		[ ! -e "$ROOT" ] || [ -z "$(ls "$ROOT")" ]
	done <<-'END'
		{"policy":"SCHED_X"} invalid scheduler policy: SCHED_X (config.json: process.scheduler.policy)
		{"policy":"SCHED_OTHER","flags":["X"]} invalid scheduler flag: X (config.json: process.scheduler.flags[0])
	END
}

@test "each I/O priority reaches the process" {
	requires root
	command -v ionice >/dev/null || skip "needs ionice"
	local class said
	args sleep 100
	while read -r class said; do
		update_config ".process.ioPriority = $class"
		detached run -d "$ID"
		expect_ok
		[ "$(ionice -p "$(init_pid)")" = "$said" ] || { ionice -p "$(init_pid)"; return 1; }
		runc delete --force "$ID"
	done <<-'END'
		{"class":"IOPRIO_CLASS_RT","priority":0} realtime: prio 0
		{"class":"IOPRIO_CLASS_BE","priority":7} best-effort: prio 7
		{"class":"IOPRIO_CLASS_IDLE","priority":0} idle
	END
}

@test "each memory policy, and each flag, reaches the process" {
	[ -e /proc/self/numa_maps ] || skip "needs a kernel with NUMA"
	local policy said
	args awk '{ print $2; exit }' /proc/self/numa_maps
	while read -r policy said; do
		update_config ".linux.memoryPolicy = $policy"
		runc run "$ID"
		# From Linux 5.15 and 6.9.
		if [[ $policy == *_MANY* || $policy == *WEIGHTED* ]] && [[ $output == *"set_mempolicy: invalid argument"* ]]; then continue; fi
		expect_ok
		# shellcheck disable=SC2053 # a pattern
		[[ $output == $said ]] || { echo "$policy: $output"; return 1; }
	done <<-'END'
		{"mode":"MPOL_DEFAULT"} default
		{"mode":"MPOL_LOCAL"} local
		{"mode":"MPOL_BIND","nodes":"0"} bind:0
		{"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_RELATIVE_NODES"]} bind=relative:0
		{"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_NUMA_BALANCING"]} bind=balancing:0
		{"mode":"MPOL_PREFERRED","nodes":"0"} prefer:0
		{"mode":"MPOL_PREFERRED","nodes":"0","flags":["MPOL_F_STATIC_NODES"]} prefer=static:0
		{"mode":"MPOL_PREFERRED_MANY","nodes":"0"} prefer*
		{"mode":"MPOL_INTERLEAVE","nodes":"0"} interleave:0
		{"mode":"MPOL_WEIGHTED_INTERLEAVE","nodes":"0"} weighted*
	END
}

@test "a memory policy that the kernel refuses is an error that names it" {
	[ -e /proc/self/numa_maps ] || skip "needs a kernel with NUMA"
	local policy
	for policy in '{"mode":"MPOL_BIND","nodes":"900"}' '{"mode":"MPOL_LOCAL","flags":["MPOL_F_STATIC_NODES"]}'; do
		update_config ".linux.memoryPolicy = $policy"
		runc run "$ID"
		expect_error "set_mempolicy: invalid argument (config.json: linux.memoryPolicy)"
	done
}
