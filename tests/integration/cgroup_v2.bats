#!/usr/bin/env bats
# cgroup v2 with controllers, by its files. See the kernel's cgroup-v2.rst.

load helpers

setup() {
	requires root v2
	requires_controller memory
	setup_bundle
	sh_args 'sleep 1000'
}

# limits JSON: starts a container with these linux.resources, goes into its cgroup.
limits() {
	update_config '.linux.resources += $r' --argjson r "$1"
	detached run -d "$ID"
	expect_ok
	cd "$(cgroup_of_init)"
}

@test "memory: limit, swap without memory, reservation" {
	limits '{"memory": {"limit": 33554432, "swap": 50331648, "reservation": 16777216}}'
	[ "$(cat memory.max memory.swap.max memory.low | xargs)" = '33554432 16777216 16777216' ]
}

@test "memory: -1 is max" {
	limits '{"memory": {"limit": -1, "swap": -1}}'
	[ "$(cat memory.max memory.swap.max | xargs)" = 'max max' ]
}

@test "memory: swap equal to the limit is none" {
	limits '{"memory": {"limit": 33554432, "swap": 33554432}}'
	[ "$(cat memory.swap.max)" = 0 ]
}

@test "memory: swap below the limit is refused" {
	update_config '.linux.resources.memory = {limit: 33554432, swap: 1048576}'
	detached create "$ID"
	expect_error 'memory+swap limit should be >= memory limit'
}

@test "cpu: quota, period, burst, idle, cpuset" {
	limits '{"cpu": {"quota": 40000, "period": 80000, "burst": 10000, "idle": 1, "cpus": "0-1", "mems": "0"}}'
	[ "$(cat cpu.max cpu.max.burst cpu.idle cpuset.cpus cpuset.mems | xargs)" = '40000 80000 10000 1 0-1 0' ]
}

@test "cpu: a period alone, a quota alone, no limit" {
	limits '{"cpu": {"period": 50000}}'
	[ "$(cat cpu.max)" = 'max 50000' ]
	runc update --cpu-quota 25000 "$ID"
	expect_ok
	[ "$(cat cpu.max)" = '25000 50000' ]
	runc update --cpu-quota -1 "$ID"
	expect_ok
	[ "$(cat cpu.max)" = 'max 50000' ]
}

@test "cpu: shares 2, 1024 and 262144 become weight 1, 100 and 10000" {
	limits '{"cpu": {"shares": 2}}'
	[ "$(cat cpu.weight)" = 1 ]
	runc update --cpu-share 1024 "$ID"
	expect_ok
	[ "$(cat cpu.weight)" = 100 ]
	runc update --cpu-share 262144 "$ID"
	expect_ok
	[ "$(cat cpu.weight)" = 10000 ]
}

@test "pids: limit, none" {
	limits '{"pids": {"limit": 20}}'
	[ "$(cat pids.max)" = 20 ]
	runc update --pids-limit -1 "$ID"
	expect_ok
	[ "$(cat pids.max)" = max ]
}

@test "blockIO: throttling" {
	[ -b /dev/vda ] || skip "needs a disk /dev/vda to throttle"
	requires_controller io
	local mm
	mm=$(stat -c '%Hr:%Lr' /dev/vda)
	limits "{\"blockIO\": {\"throttleReadBpsDevice\": [{\"major\": ${mm%:*}, \"minor\": ${mm#*:}, \"rate\": 1048576}],
		\"throttleWriteIOPSDevice\": [{\"major\": ${mm%:*}, \"minor\": ${mm#*:}, \"rate\": 100}]}}"
	[ "$(cat io.max)" = "$mm rbps=1048576 wbps=max riops=max wiops=100" ]
}

@test "hugepageLimits" {
	requires_controller hugetlb
	limits '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
	[ "$(cat hugetlb.2MB.max)" = 4194304 ]
}

@test "unified: any file, after the other fields" {
	limits '{"memory": {"limit": 33554432}, "unified": {"memory.max": "41943040", "memory.oom.group": "1", "cgroup.max.depth": "3"}}'
	[ "$(cat memory.max memory.oom.group cgroup.max.depth | xargs)" = '41943040 1 3' ]
}

@test "unified: an unknown controller is named" {
	update_config '.linux.resources.unified = {"klingon.max": "1"}'
	detached create "$ID"
	expect_error 'klingon.max'
}

@test "what cgroup v2 does not have, real-time limits, is ignored, as by runc" {
	limits '{"cpu": {"realtimeRuntime": 1000, "realtimePeriod": 10000, "quota": 40000}}'
	[ "$(cat cpu.max)" = '40000 100000' ]
	[ ! -e cpu.rt_runtime_us ]
}

@test "init is born in its cgroup" {
	requires cgroupfs
	command -v strace >/dev/null || skip "needs strace"
	# It follows init, so it ends with that.
	strace -f -e trace=clone3 -o "$TMP/trace" "$RUNC" --root "$ROOT" create "$ID" </dev/null >/dev/null 2>&1 3>&- &
	wait_for state_is created
	runc delete --force "$ID"
	expect_ok
	wait
	grep -q 'CLONE_INTO_CGROUP' "$TMP/trace"
}

@test "more memory than the limit: killed, and events tell it" {
	sh_args 'cat /dev/null; while [ ! -e /tmp/go ]; do sleep 0.1; done; x=$(yes | head -c 100000000); echo survived'
	update_config '.root.readonly = false'
	limits '{"memory": {"limit": 10485760, "swap": 10485760}}'
	__runc events "$ID" >"$TMP/events" 3>&- &
	local e=$!
	sleep 1
	touch "$BUNDLE/rootfs/tmp/go"
	wait_for grep -q '"type":"oom"' "$TMP/events" || { kill $e; false; }
	wait_for state_is stopped || true
	kill $e 2>/dev/null || true
	wait $e || true
}

@test "more processes than the limit: fork fails" {
	sh_args 'for i in 1 2 3 4 5 6 7 8 9; do sleep 60 & done; echo all'
	update_config '.linux.resources.pids.limit = 5'
	runc run "$ID"
	[[ $output == *"can't fork"* ]]
	[[ $output != *all* ]]
}

@test "a quota of a fifth holds" {
	sh_args 'while :; do :; done'
	limits '{"cpu": {"quota": 20000, "period": 100000}}'
	local a b t
	a=$(awk '/^usage_usec/ {print $2}' cpu.stat)
	t=$(date +%s%N)
	sleep 4
	b=$(awk '/^usage_usec/ {print $2}' cpu.stat)
	t=$((($(date +%s%N) - t) / 1000))
	echo "used $((b - a)) of $t us"
	((b - a < t * 30 / 100))
	[ "$(awk '/^nr_throttled/ {print $2}' cpu.stat)" -gt 0 ]
}

@test "devices: denied unless allowed, and as update says" {
	# To read kmsg at all takes CAP_SYSLOG (dmesg_restrict).
	update_config '.process.capabilities |= map_values(. + ["CAP_MKNOD", "CAP_SYSLOG"])'
	limits '{"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "rm"}]}'
	cd "$BUNDLE"
	runc exec "$ID" sh -c 'mknod /dev/kmsg2 c 1 11 && mknod /dev/mem2 c 1 1 && exec 5</dev/kmsg2'
	expect_ok
	runc exec "$ID" sh -c 'exec 5>/dev/kmsg2'
	expect_error 'not permitted'
	runc exec "$ID" sh -c 'exec 5</dev/mem2'
	expect_error 'not permitted'
	runc exec "$ID" dd if=/dev/zero of=/dev/null count=1
	expect_ok
	# An update of something else keeps the rules.
	runc update --pids-limit 50 "$ID"
	expect_ok
	runc exec "$ID" sh -c 'exec 5</dev/mem2'
	expect_error 'not permitted'
	runc exec "$ID" sh -c 'exec 5</dev/kmsg2'
	expect_ok
}

@test "update: all options, a file, standard input" {
	limits '{}'
	runc update --memory 64M --memory-reservation 32M --memory-swap 96M --cpu-share 512 --cpu-period 50000 --cpu-quota 25000 --cpu-burst 1000 \
		--pids-limit 9 --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	expect_ok
	[ "$(cat memory.max memory.low memory.swap.max cpu.max cpu.max.burst pids.max cpuset.cpus cpuset.mems | xargs)" = \
		'67108864 33554432 33554432 25000 50000 1000 9 0 0' ]
	runc update --cpu-burst 0 --cpu-idle 1 "$ID"
	expect_ok
	[ "$(cat cpu.max.burst cpu.idle | xargs)" = '0 1' ]
	runc update --cpu-idle 0 "$ID"
	expect_ok
	[ "$(cat cpu.idle cpu.weight | xargs)" = '0 59' ]
	echo '{"unified": {"memory.high": "41943040"}, "pids": {"limit": 7}}' >"$TMP/r.json"
	runc update -r "$TMP/r.json" "$ID"
	expect_ok
	[ "$(cat memory.high pids.max memory.max | xargs)" = '41943040 7 67108864' ]
	__runc update -r - "$ID" <<<'{"pids": {"limit": -1}}'
	[ "$(cat pids.max)" = max ]
}

@test "update: a failure leaves limits and state as they were" {
	limits '{"pids": {"limit": 50}, "cpu": {"quota": 20000, "period": 100000}}'
	local mm before
	mm=$(cat /sys/block/*/dev | head -n 1)
	before=$(md5sum <"$ROOT/$ID/state.json")
	jq -n --arg mm "$mm" '{memory: {limit: 67108864, swap: 100663296}, pids: {limit: 9}, cpu: {quota: 40000, shares: 300, cpus: "0"},
		blockIO: {throttleReadBpsDevice: ($mm | split(":") | map(tonumber) | [{major: .[0], minor: .[1], rate: 4096}])},
		unified: {"memory.high": "41943040", "cgroup.max.depth": "no number"}}' >"$TMP/r.json"
	runc update -r "$TMP/r.json" "$ID"
	expect_error cgroup.max.depth
	[ "$(cat memory.max memory.swap.max memory.high pids.max cpu.max cpu.weight | xargs)" = 'max max max 50 20000 100000 100' ]
	# systemd has no list that means none.
	[ -z "$(cat cpuset.cpus)" ] || [ "$(cat cpuset.cpus)" = "$(cat /sys/fs/cgroup/cpuset.cpus.effective)" ]
	[ -z "$(cat io.max)" ]
	[ "$(md5sum <"$ROOT/$ID/state.json")" = "$before" ]
}

@test "pause freezes the cgroup, resume thaws it" {
	limits '{}'
	runc pause "$ID"
	expect_ok
	grep -q 'frozen 1' cgroup.events
	runc exec "$ID" true
	expect_error 'cannot exec in a paused container'
	runc resume "$ID"
	expect_ok
	grep -q 'frozen 0' cgroup.events
}

@test "exec goes where init is when the top hands controllers down" {
	update_config '(.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	sh_args 'cd /sys/fs/cgroup && mkdir init && echo 1 >init/cgroup.procs && echo +memory >cgroup.subtree_control && touch /tmp/done; exec sleep 1000'
	update_config '.root.readonly = false'
	detached run -d "$ID"
	expect_ok
	wait_for test -e "$BUNDLE/rootfs/tmp/done"
	runc exec "$ID" cat /proc/self/cgroup
	expect_ok
	[[ $output == *0::/init ]]
}

@test "exec --cgroup goes to a sub-cgroup; a missing one is an error" {
	limits '{}'
	mkdir sub
	runc exec --cgroup sub "$ID" cat /proc/self/cgroup
	expect_ok
	[[ $output == *0::/sub ]]
	runc exec --cgroup nosuch "$ID" true
	[ "$status" = 255 ]
	runc exec --cgroup ../.. "$ID" true
	expect_error 'bad sub cgroup path'
}

@test "sub-cgroups with processes and threaded domains are removed" {
	update_config '(.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	sh_args 'cd /sys/fs/cgroup && mkdir -p a/b t && echo threaded >t/cgroup.type; sleep 1000 & echo $! >a/b/cgroup.procs; mkdir a/done; exec sleep 1000'
	limits '{}'
	wait_for test -d a/done
	local d=$PWD
	cd /
	runc delete --force "$ID"
	expect_ok
	[ ! -e "$d" ]
}

@test "delete --force kills all processes where the pid namespace is the host's" {
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	sh_args 'sleep 1000 & sleep 1000 & sleep 1000'
	limits '{}'
	local d=$PWD
	wait_for sh -c "[ \$(wc -l <cgroup.procs) = 4 ] || [ \$(wc -l <cgroup.procs) = 3 ]"
	cd /
	runc delete --force "$ID"
	expect_ok
	[ ! -e "$d" ]
}

@test "events --stats has the controllers' values" {
	limits '{"memory": {"limit": 33554432}, "pids": {"limit": 20}}'
	runc events --stats "$ID"
	expect_ok
	jq -e '.type == "stats" and .data.memory.usage.limit == 33554432 and .data.memory.usage.usage > 0 and .data.pids.current == 1
		and .data.pids.limit == 20 and .data.cpu.usage.total > 0 and .data.cpu.psi.some != null and .data.memory.psi != null' <<<"$output"
}

@test "a cgroup with processes in it is refused" {
	requires cgroupfs
	local d=/sys/fs/cgroup/$ID-used
	mkdir "$d"
	sleep 100 3>&- &
	echo $! >"$d/cgroup.procs"
	update_config '.linux.cgroupsPath = $p' --arg p "/$ID-used"
	runc create "$ID"
	kill $!
	wait $! || true
	rmdir "$d"
	expect_error "container's cgroup is not empty: 1 process(es) found"
}

# exit_of COMMAND...: its exit status, or the negative number of the signal that
# has killed the command itself, which a shell does not tell from 128 more.
exit_of() {
	timeout 60 python3 -c 'import subprocess, sys
print(subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode)' "$@"
}

@test "memory.oom.group kills a process of exec, not the runtime that waits for it" {
	requires_controller memory
	command -v python3 >/dev/null || skip "needs python3"
	local code
	args sleep 1000
	update_config '.linux.resources = {memory: {limit: 33554432, swap: 33554432}, unified: {"memory.oom.group": "1"}}'
	for _ in 1 2 3 4 5 6; do
		detached run -d "$ID"
		expect_ok
		# tail keeps the one endless line of /dev/zero in memory. A second exec is on
		# its way in when that is too much.
		exit_of "$RUNC" --root "$ROOT" exec "$ID" tail /dev/zero >"$TMP/first" &
		code=$(exit_of "$RUNC" --root "$ROOT" exec "$ID" true)
		wait
		[[ $code =~ ^(0|137|255)$ ]] || { echo "the second exec: $code"; return 1; }
		[[ $(cat "$TMP/first") =~ ^(137|255)$ ]] || { echo "the first exec: $(cat "$TMP/first")"; return 1; }
		runc delete --force "$ID"
		expect_ok
	done
}
