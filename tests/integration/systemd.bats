#!/usr/bin/env bats
# --systemd-cgroup, rootful: the container's cgroup is a scope that systemd
# makes and limits. Rootless is in delegation.bats.

load helpers

setup() {
	requires root systemd v2
	setup_bundle
	UNIT=runc-$ID.scope
	sh_args 'sleep 1000'
}

teardown_unit() {
	if systemctl list-units --all --plain --no-legend "*$ID*" | grep .; then
		echo "units are left"
		systemctl stop "*$ID*"
		return 1
	fi
}

teardown() {
	common_teardown && { [ -z "${ID:-}" ] || teardown_unit; }
}

# property NAME [UNIT]: of the container's scope.
property() { systemctl show --value -p "$1" "${2:-$UNIT}"; }

@test "a scope below system.slice by default, delegated, gone after delete" {
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	[ "$(cgroup_of_init)" = "/sys/fs/cgroup/system.slice/$UNIT" ]
	[ "$(property ActiveState)" = active ]
	[ "$(property Delegate)" = yes ]
	runc delete --force "$ID"
	expect_ok
	[ "$(property ActiveState)" = inactive ]
	[ ! -e "/sys/fs/cgroup/system.slice/$UNIT" ]
}

@test "slice:prefix:name names slice and scope" {
	update_config '.linux.cgroupsPath = $p' --arg p "runc_test-a.slice:pre:$ID"
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	[ "$(cgroup_of_init)" = "/sys/fs/cgroup/runc_test.slice/runc_test-a.slice/pre-$ID.scope" ]
	runc delete --force "$ID"
	expect_ok
	systemctl stop runc_test.slice
}

@test "slice:prefix:name without slice is below system.slice" {
	update_config '.linux.cgroupsPath = $p' --arg p ":pre:$ID"
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	[ "$(cgroup_of_init)" = "/sys/fs/cgroup/system.slice/pre-$ID.scope" ]
}

@test "a path that is not slice:prefix:name is refused" {
	update_config '.linux.cgroupsPath = "/a/b"'
	runc --systemd-cgroup create "$ID"
	expect_error 'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/a/b" instead'
}

@test "limits become properties of the unit and values of the cgroup" {
	requires_controller memory
	requires_controller cpu
	requires_controller pids
	update_config '.linux.resources += {
		memory: {limit: 33554432, swap: 67108864, reservation: 16777216},
		cpu: {quota: 50000, period: 100000, cpus: "0", mems: "0"}, pids: {limit: 20}}'
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	cd "$(cgroup_of_init)"
	[ "$(property MemoryMax)" = 33554432 ]
	[ "$(property MemorySwapMax)" = 33554432 ]
	[ "$(property MemoryLow)" = 16777216 ]
	[ "$(property CPUQuotaPerSecUSec)" = 500ms ]
	[ "$(property AllowedCPUs)" = 0 ]
	[ "$(property AllowedMemoryNodes)" = 0 ]
	[ "$(property TasksMax)" = 20 ]
	[ "$(cat memory.max memory.swap.max memory.low cpu.max cpuset.cpus pids.max | xargs)" = '33554432 33554432 16777216 50000 100000 0 20' ]
}

@test "shares become CPUWeight, the same as in cpu.weight" {
	requires_controller cpu
	update_config '.linux.resources.cpu = {shares: 2048}'
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	[ "$(property CPUWeight)" = "$(cat "$(cgroup_of_init)/cpu.weight")" ]
	[ "$(property CPUWeight)" -gt 100 ]
}

@test "unified values that systemd knows become properties" {
	requires_controller memory
	requires_controller cpu
	update_config '.linux.resources.unified = {"memory.high": "30000000", "pids.max": "33", "cpu.weight": "42"}'
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	[ "$(property MemoryHigh)" -le 30000000 ]
	[ "$(property TasksMax)" = 33 ]
	[ "$(property CPUWeight)" = 42 ]
	[ "$(cat "$(cgroup_of_init)/cpu.weight")" = 42 ]
}

@test "org.systemd.property annotations, in GVariant's notation, Sec as USec" {
	update_config '.annotations = {"org.systemd.property.TimeoutStopSec": "42.5",
		"org.systemd.property.CollectMode": "\u0027inactive-or-failed\u0027"}'
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	[ "$(property TimeoutStopUSec)" = 42.500000s ] || { property TimeoutStopUSec; return 1; }
	[ "$(property CollectMode)" = inactive-or-failed ]
}

@test "a property that systemd does not know fails with its words, and leaves nothing" {
	update_config '.annotations = {"org.systemd.property.NoSuchThing": "true"}'
	runc --systemd-cgroup create "$ID"
	expect_error 'NoSuchThing'
	[[ $output == *"unable to start unit"* ]]
	[ "$(property LoadState)" = not-found ]
}

@test "update changes the properties and the files" {
	requires_controller memory
	requires_controller cpu
	requires_controller pids
	update_config '.linux.resources.memory = {limit: 33554432}'
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	runc update --memory 48M --memory-swap 64M --cpu-period 100000 --cpu-quota 20000 --pids-limit 31 --cpuset-cpus 0 "$ID"
	expect_ok
	[ "$(property MemoryMax)" = 50331648 ]
	[ "$(property MemorySwapMax)" = 16777216 ]
	[ "$(property CPUQuotaPerSecUSec)" = 200ms ]
	[ "$(property TasksMax)" = 31 ]
	[ "$(property AllowedCPUs)" = 0 ]
	cd "$(cgroup_of_init)"
	[ "$(cat memory.max memory.swap.max cpu.max pids.max cpuset.cpus | xargs)" = '50331648 16777216 20000 100000 31 0' ]
	# systemd itself would set back what it was not told of.
	systemctl daemon-reload
	[ "$(cat memory.max pids.max | xargs)" = '50331648 31' ]
}

@test "a create that fails inside leaves no unit" {
	args /no/such
	runc --systemd-cgroup create "$ID"
	expect_error '/no/such'
	[ "$(property LoadState)" = not-found ]
}

@test "exec runs in the scope" {
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	detached exec -d "$ID" sleep 999
	expect_ok
	[ "$(wc -l <"$(cgroup_of_init)/cgroup.procs")" = 2 ]
}

@test "pause and resume" {
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	runc pause "$ID"
	expect_ok
	state_is paused
	grep -q 'frozen 1' "$(cgroup_of_init)/cgroup.events"
	runc resume "$ID"
	expect_ok
	state_is running
	grep -q 'frozen 0' "$(cgroup_of_init)/cgroup.events"
}

@test "delete --force of a paused container leaves no unit" {
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	runc pause "$ID"
	expect_ok
	runc delete --force "$ID"
	expect_ok
	[ "$(property ActiveState)" = inactive ]
}

@test "device rules are systemd's too, and survive its reload" {
	update_config '.linux.resources.devices = [{allow: false, access: "rwm"}]'
	sh_args 'mknod /dev/zz b 7 0 && sleep 1000'
	update_config '.process.capabilities.bounding += ["CAP_MKNOD"] | .process.capabilities.effective += ["CAP_MKNOD"] | .process.capabilities.permitted += ["CAP_MKNOD"]'
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	[ "$(property DevicePolicy)" = strict ]
	wait_for test -e "$BUNDLE/rootfs" # the node is in the container's own /dev
	runc exec "$ID" cat /dev/zz
	expect_error 'Operation not permitted'
	systemctl daemon-reload
	runc exec "$ID" cat /dev/zz
	expect_error 'Operation not permitted'
	runc exec "$ID" dd if=/dev/zero of=/dev/null count=1
	expect_ok
}

@test "a container that ends by itself leaves no unit after delete" {
	args true
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	wait_for state_is stopped
	runc delete "$ID"
	expect_ok
}

@test "foreground run under systemd" {
	args cat /proc/self/cgroup
	update_config '.linux.namespaces |= map(select(.type != "cgroup"))'
	runc --systemd-cgroup run "$ID"
	expect_ok
	[[ $output == *"0::/system.slice/$UNIT" ]]
}

@test "what the container makes below its scope goes with it" {
	update_config '(.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	sh_args 'mkdir -p /sys/fs/cgroup/a/b && echo 1 >/sys/fs/cgroup/a/b/cgroup.procs && exec sleep 1000'
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	wait_for test -d "/sys/fs/cgroup/system.slice/$UNIT/a/b"
	runc delete --force "$ID"
	expect_ok
	[ ! -e "/sys/fs/cgroup/system.slice/$UNIT" ]
}

@test "delete --force removes a half-made unit, and its name can be used again" {
	requires root
	local scope=runc-$ID.scope runner how
	args sleep 1000
	# A create has got as far as the scope: with a process in it, or failed.
	for how in living failed; do
		systemd-run --quiet --scope --unit "$scope" sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
		runner=$!
		wait_for systemctl --quiet is-active "$scope"
		mkdir -p "$ROOT/$ID"
		ln -s "$(find /sys/fs/cgroup -type d -name "$scope")" "$ROOT/$ID/cgroup"
		: >"$ROOT/$ID/state.json"
		[ $how = living ] || systemctl kill --signal KILL "$scope"
		runc delete --force "$ID"
		expect_ok
		[ ! -e "$ROOT/$ID" ]
		wait_for gone "$runner"
		detached create "$ID"
		expect_ok
		state_is created
		__runc delete --force "$ID"
	done
}
