#!/usr/bin/env bats
# Limits of linux.resources on cgroup v1: what is written, and that it holds.

load helpers

setup() {
	requires root v1
	setup_bundle
	name_cgroup "$ID"
}

# limit CONTROLLER FILE: the container's value.
limit() { cat "$(cgroup_v1 "$1")/$2"; }

# is CONTROLLER FILE VALUE
is() {
	local v
	v=$(limit "$1" "$2")
	[ "$v" = "$3" ] || { echo "$2 is $v, not $3"; return 1; }
}

# created RESOURCES: a container with these limits, not started.
created() {
	update_config '.linux.resources = $r' --argjson r "$1"
	detached create "$ID"
}

@test "cpu: shares, quota, period and burst" {
	created '{"cpu": {"shares": 512, "quota": 30000, "period": 60000, "burst": 5000}}'
	expect_ok
	is cpu cpu.shares 512
	is cpu cpu.cfs_quota_us 30000
	is cpu cpu.cfs_period_us 60000
	is cpu cpu.cfs_burst_us 5000
}

@test "cpu: idle" {
	created '{"cpu": {"idle": 1}}'
	expect_ok
	is cpu cpu.idle 1
}

@test "cpu: a quota of -1 is none" {
	created '{"cpu": {"quota": -1}}'
	expect_ok
	is cpu cpu.cfs_quota_us -1
}

@test "cpu: cpus and mems" {
	created '{"cpu": {"cpus": "0", "mems": "0"}}'
	expect_ok
	is cpuset cpuset.cpus 0
	is cpuset cpuset.mems 0
	grep -qx 'Cpus_allowed_list:	0' "/proc/$(init_pid)/status"
}

@test "cpu: shares that the kernel does not take are refused" {
	requires cgroupfs # systemd has words of its own for it
	created '{"cpu": {"shares": 1}}'
	expect_error "the minimum allowed cpu-shares is 2"
}

@test "cpu: a processor that is not there is refused" {
	created '{"cpu": {"cpus": "4000"}}'
	expect_error cpuset.cpus
}

@test "cpu: the quota holds" {
	update_config '.linux.resources = {"cpu": {"quota": 10000, "period": 100000}}'
	sh_args 'while :; do :; done'
	detached run -d "$ID"
	expect_ok
	local before after
	before=$(cat "$(cgroup_v1 cpuacct)/cpuacct.usage")
	sleep 2
	after=$(cat "$(cgroup_v1 cpuacct)/cpuacct.usage")
	# A tenth of two seconds, in ns.
	[ $((after - before)) -gt 20000000 ]
	[ $((after - before)) -lt 600000000 ]
}

@test "memory: limit, reservation, swap and swappiness" {
	created '{"memory": {"limit": 33554432, "reservation": 16777216, "swap": 50331648, "swappiness": 20}}'
	expect_ok
	is memory memory.limit_in_bytes 33554432
	is memory memory.soft_limit_in_bytes 16777216
	is memory memory.memsw.limit_in_bytes 50331648
	is memory memory.swappiness 20
}

@test "memory: disableOOMKiller" {
	created '{"memory": {"limit": 33554432, "disableOOMKiller": true}}'
	expect_ok
	limit memory memory.oom_control | grep -qx 'oom_kill_disable 1'
}

@test "memory: a swappiness above 100 is refused" {
	created '{"memory": {"swappiness": 101}}'
	expect_error "invalid memory swappiness value: 101 (valid range is 0-100)"
}

@test "memory: a swap below the limit is refused" {
	created '{"memory": {"limit": 33554432, "swap": 16777216}}'
	expect_error memory.memsw.limit_in_bytes
}

@test "memory: who goes over the limit is killed" {
	update_config '.linux.resources = {"memory": {"limit": 20971520, "swap": 20971520}}'
	args dd if=/dev/zero of=/dev/null bs=100M count=1
	runc run "$ID"
	[ "$status" -eq 137 ]
}

@test "memory: a limit of 1 MiB holds for the process, or the start fails in one line and leaves nothing" {
	requires_controller memory
	name_cgroup "$ID"
	update_config '.linux.resources.memory = {limit: 1048576} | .process.args = ["true"]'
	local i
	for ((i = 0; i < 5; i++)); do
		run timeout -s KILL 20 "$RUNC" --root "$ROOT" run "$ID" </dev/null
		case $status in
		0 | 137) ;; # it was enough, or the process itself was killed
		1) [ ${#lines[@]} = 1 ] && [[ $output == *level=error* ]] || { echo "$output"; return 1; } ;;
		*) echo "status $status: $output"; return 1 ;;
		esac
		[ -z "$(ls "$ROOT")" ]
		[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null)" ]
	done
}

@test "pids: the limit holds" {
	update_config '.linux.resources = {"pids": {"limit": 3}}'
	sh_args 'sleep 5 & sleep 5 & sleep 5 & sleep 5 & kill $(jobs -p) 2>/dev/null; wait'
	runc run "$ID"
	[[ $output == *"can't fork"* ]]
}

@test "pids: a container may be limited to its one process" {
	update_config '.linux.resources = {"pids": {"limit": 1}}'
	# Should init run into the limit, it does not always.
	for _ in {1..20}; do
		runc run "$ID"
		expect_ok
	done
}

@test "pids: an exec that the limit keeps from starting says so" {
	update_config '.linux.resources = {"pids": {"limit": 2}}'
	args sleep 100
	detached run -d "$ID"
	expect_ok
	# A scheduler is not for the short way, which is one thread.
	jq '.process | .args = ["true"] | .scheduler = {"policy": "SCHED_BATCH"}' config.json >"$TMP/process.json"
	for _ in {1..5}; do
		runc exec -p "$TMP/process.json" "$ID"
		[ "$status" -eq 0 ] || expect_error "config.json: linux.resources.pids.limit"
	done
	runc exec "$ID" true
	expect_ok
}

@test "pids: -1 is none" {
	created '{"pids": {"limit": -1}}'
	expect_ok
	is pids pids.max max
}

@test "blockIO: throttles" {
	local dev major minor
	dev=$(cat /sys/block/*/dev | head -n 1)
	[ -n "$dev" ] || { echo "no block device"; return 1; }
	major=${dev%:*} minor=${dev#*:}
	created "$(jq -n --argjson a "$major" --argjson i "$minor" '[{major: $a, minor: $i, rate: 1048576}] as $d
		| {blockIO: {throttleReadBpsDevice: $d, throttleWriteBpsDevice: $d, throttleReadIOPSDevice: $d, throttleWriteIOPSDevice: $d}}')"
	expect_ok
	local f
	for f in read_bps write_bps read_iops write_iops; do
		is blkio "blkio.throttle.${f}_device" "$dev 1048576"
	done
}

# without CONTROLLER RESOURCES FIELD: where the host has no such hierarchy.
without() {
	requires cgroupfs # systemd's are joined where they are there
	! grep -qE " - cgroup .*[ ,]$1([ ,]|$)" /proc/self/mountinfo || skip "the host has $1"
	created "$2"
	expect_error "cannot set $1 limit: container could not join or create cgroup"
	expect_error "linux.resources.$3"
}

@test "hugepageLimits without the controller are refused" {
	without hugetlb '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}' hugepageLimits
}

@test "network.classID without the controller is refused" {
	without net_cls '{"network": {"classID": 1048577}}' network.classID
}

@test "network.priorities without the controller are refused" {
	without net_prio '{"network": {"priorities": [{"name": "lo", "priority": 3}]}}' network.priorities
}

@test "rdma without the controller is refused" {
	without rdma '{"rdma": {"mlx5_0": {"hcaHandles": 3}}}' rdma
}

@test "unified is refused on cgroup v1" {
	created '{"unified": {"pids.max": "5"}}'
	expect_error "cannot use unified on cgroup v1"
}
