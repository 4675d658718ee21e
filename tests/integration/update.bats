#!/usr/bin/env bats
# update on cgroup v1.

load helpers

setup() {
	requires root v1
	setup_bundle
	name_cgroup "$ID"
	sh_args 'while :; do sleep 1000; done'
}

# limited RESOURCES: a running container with these.
limited() {
	update_config '.linux.resources += $r' --argjson r "$1"
	detached run -d "$ID"
	expect_ok
}

# is CONTROLLER FILE VALUE
is() {
	local v
	v=$(cat "$(cgroup_v1 "$1")/$2")
	[ "$v" = "$3" ] || { echo "$2 is $v, not $3"; return 1; }
}

# saved FIELD: as state.json has it.
saved() { jq -r ".config.cgroups.$1" "$ROOT/$ID/state.json"; }

update() {
	runc update "$@" "$ID"
	expect_ok
}

@test "sizes of memory have units, and -1 is none" {
	limited '{}'
	update --memory 64M --memory-reservation 32m --memory-swap 128M
	is memory memory.limit_in_bytes 67108864
	is memory memory.soft_limit_in_bytes 33554432
	is memory memory.memsw.limit_in_bytes 134217728
	[ "$(saved memory)" = 67108864 ]
	update --memory -1
	[ "$(cat "$(cgroup_v1 memory)/memory.limit_in_bytes")" -gt 1000000000000 ]
}

@test "memory and swap go up and down together" {
	limited '{"memory": {"limit": 33554432, "swap": 33554432}}'
	update --memory 128M --memory-swap 256M
	is memory memory.limit_in_bytes 134217728
	is memory memory.memsw.limit_in_bytes 268435456
	update --memory 32M --memory-swap 32M
	is memory memory.limit_in_bytes 33554432
	is memory memory.memsw.limit_in_bytes 33554432
}

@test "each cpu option is applied and saved" {
	limited '{}'
	update --cpu-share 200 --cpu-period 50000 --cpu-quota 20000 --cpu-burst 1000
	is cpu cpu.shares 200
	is cpu cpu.cfs_period_us 50000
	is cpu cpu.cfs_quota_us 20000
	is cpu cpu.cfs_burst_us 1000
	[ "$(saved cpu_quota)" = 20000 ]
	update --cpu-quota -1
	is cpu cpu.cfs_quota_us -1
	update --cpu-burst 0 --cpu-idle 1
	is cpu cpu.idle 1
}

@test "shares wait until a container is idle no more" {
	limited '{"cpu": {"shares": 200, "idle": 1}}'
	is cpu cpu.idle 1
	update --pids-limit 20
	is pids pids.max 20
	update --cpu-share 300
	is cpu cpu.idle 1
	update --cpu-idle 0
	is cpu cpu.idle 0
	is cpu cpu.shares 300
	update --cpu-idle 1
	runc update --cpu-idle 0 --cpu-rt-runtime 99999999 "$ID"
	[ "$status" -eq 1 ]
	is cpu cpu.idle 1
}

@test "of period and quota the one that is not given stays" {
	limited '{"cpu": {"quota": 20000, "period": 100000}}'
	update --cpu-period 50000
	is cpu cpu.cfs_quota_us 20000
	is cpu cpu.cfs_period_us 50000
	update --cpu-quota 10000
	is cpu cpu.cfs_period_us 50000
	[ "$(saved cpu_period)" = 50000 ]
}

@test "cpuset-cpus, cpuset-mems, pids-limit" {
	limited '{}'
	update --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 20
	is cpuset cpuset.cpus 0
	is cpuset cpuset.mems 0
	is pids pids.max 20
	update --pids-limit -1
	is pids pids.max max
}

@test "resources from a file" {
	limited '{}'
	echo '{"memory": {"limit": 67108864}, "cpu": {"shares": 300, "cpus": "0"}, "pids": {"limit": 9}}' >"$TMP/r.json"
	update -r "$TMP/r.json" --pids-limit 5
	is memory memory.limit_in_bytes 67108864
	is cpu cpu.shares 300
	is cpuset cpuset.cpus 0
	is pids pids.max 9
}

@test "resources from standard input" {
	limited '{}'
	__runc update -r - "$ID" <<<'{"pids": {"limit": 7}}'
	is pids pids.max 7
	[ "$(saved pids_limit)" = 7 ]
}

@test "a file that is no JSON is refused" {
	limited '{}'
	echo '{' >"$TMP/r.json"
	runc update -r "$TMP/r.json" "$ID"
	[ "$status" -eq 1 ]
}

@test "options without effect are warned of" {
	limited '{}'
	update --kernel-memory 10M --kernel-memory-tcp 10M
	[[ $output == *"--kernel-memory "* && $output == *"--kernel-memory-tcp"* && $output == *level=warning* ]]
}

@test "values that are none are refused" {
	limited '{}'
	local o
	for o in --cpu-period=x --cpu-quota=x --memory=lots --blkio-weight=2000; do
		runc update "$o" "$ID"
		expect_error "invalid value for"
	done
}

@test "a failure leaves limits and state as they were" {
	limited '{"pids": {"limit": 50}, "cpu": {"quota": 20000, "period": 100000}}'
	local before
	before=$(md5sum <"$ROOT/$ID/state.json")
	# Of these memory, cpu and pids are taken before the kernel says no.
	runc update --memory 64M --memory-swap 64M --cpuset-cpus 0 --cpu-share 300 --cpu-quota 40000 --cpu-rt-runtime 99999999 "$ID"
	[ "$status" -eq 1 ]
	[ "$(cat "$(cgroup_v1 memory)/memory.limit_in_bytes")" -gt 1000000000000 ]
	[ "$(cat "$(cgroup_v1 memory)/memory.memsw.limit_in_bytes")" -gt 1000000000000 ]
	is cpu cpu.cfs_quota_us 20000
	is cpu cpu.shares 1024
	is cpuset cpuset.cpus "$(cat /sys/fs/cgroup/cpuset/cpuset.cpus)"
	is pids pids.max 50
	[ "$(md5sum <"$ROOT/$ID/state.json")" = "$before" ]
}

@test "a failure leaves throttles as they were" {
	requires cgroupfs # what systemd does not know is not refused
	! grep -qE ' - cgroup .*[ ,]net_cls([ ,]|$)' /proc/self/mountinfo || skip "the host has net_cls, whose lack is to fail"
	local a b
	{ read -r a && read -r b; } < <(cat /sys/block/*/dev) || skip "needs two block devices"
	limited "{\"blockIO\": {\"throttleReadBpsDevice\": [{\"major\": ${a%:*}, \"minor\": ${a#*:}, \"rate\": 2097152}]}}"
	jq -n --argjson am "${a%:*}" --argjson ai "${a#*:}" --argjson bm "${b%:*}" --argjson bi "${b#*:}" '{network: {classID: 5},
		blockIO: {throttleReadBpsDevice: [{major: $am, minor: $ai, rate: 4096}, {major: $bm, minor: $bi, rate: 4096}]}}' >"$TMP/r.json"
	runc update -r "$TMP/r.json" "$ID"
	expect_error network.classID
	is blkio blkio.throttle.read_bps_device "$a 2097152"
}

@test "a stopped container is not updated" {
	args true
	limited '{}'
	stopped() { [ "$(__runc state "$ID" | jq -r .status)" = stopped ]; }
	wait_for stopped
	runc update --pids-limit 5 "$ID"
	expect_error "container not running"
}

@test "a paused container is updated and stays paused" {
	limited '{}'
	__runc pause "$ID"
	update --pids-limit 12
	is pids pids.max 12
	state_is paused
}

@test "a created container is updated" {
	detached create "$ID"
	update --pids-limit 12
	is pids pids.max 12
}

@test "devices stay as they are" {
	limited '{}'
	local before
	before=$(cat "$(cgroup_v1 devices)/devices.list")
	update --pids-limit 12
	[ "$(cat "$(cgroup_v1 devices)/devices.list")" = "$before" ]
	[ "$(saved 'devices | length')" -gt 1 ]
}

@test "a 0 of an older runc, which meant no limit of processes, is not applied" {
	limited '{}'
	local before
	# Without a limit of the container's, systemd has one for each scope.
	before=$(cat "$(cgroup_v1 pids)/pids.max")
	jq -c '.config.cgroups.pids_limit = 0' "$ROOT/$ID/state.json" >"$TMP/s.json"
	cp "$TMP/s.json" "$ROOT/$ID/state.json"
	update --cpu-share 200
	is pids pids.max "$before"
	runc update --pids-limit 9 --cpu-rt-runtime 99999999 "$ID"
	[ "$status" -eq 1 ]
	[ "${RUNC_TEST_DRIVER:-}" = systemd ] || is pids pids.max max
}

@test "twenty at a time do not harm the state" {
	limited '{}'
	local i pids=()
	for i in 1 2 3 4 5 6 7 8 9 10; do
		__runc update --cpu-share "$((200 + i))" "$ID" 3>&- &
		pids+=($!)
		__runc update --pids-limit "$((20 + i))" "$ID" 3>&- &
		pids+=($!)
		__runc state "$ID" 3>&- >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	is cpu cpu.shares "$(saved cpu_shares)"
	is pids pids.max "$(saved pids_limit)"
	state_is running
	! find "$ROOT/$ID" -name 'state-*' | grep .
}
