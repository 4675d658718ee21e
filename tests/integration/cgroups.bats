#!/usr/bin/env bats
# Where the container's cgroup is, and that it goes; with systemd: systemd.bats.

load helpers

setup() {
	requires root cgroupfs
	setup_bundle
	sh_args 'sleep 1000'
	HIER=/sys/fs/cgroup
	[ -f /sys/fs/cgroup/cgroup.controllers ] || HIER=/sys/fs/cgroup/devices
}

path_is() { update_config '.linux.cgroupsPath = $p' --arg p "$1"; }

# in_cgroup PATH: init is there.
in_cgroup() { grep -qx "$(init_pid)" "$HIER/$1/cgroup.procs"; }

# own_group: the one that the container's is made in by default: on v1 the
# test's own; on v2, where a cgroup with processes has no controllers to hand
# down, the one above.
own_group() {
	if [ "$HIER" = /sys/fs/cgroup ]; then
		dirname "$(sed -n 's/^0:://p' /proc/self/cgroup)"
	else
		sed -n 's/^[0-9]*:devices://p' /proc/self/cgroup
	fi
}

@test "an absolute path counts from the hierarchy's root" {
	path_is "/$ID/deep"
	detached run -d "$ID"
	expect_ok
	in_cgroup "$ID/deep"
	__runc delete --force "$ID"
	[ ! -e "$HIER/$ID/deep" ]
	find /sys/fs/cgroup -depth -type d -name "$ID" -exec rmdir {} +
}

@test "a relative path counts from the runtime's own cgroup" {
	path_is "$ID"
	detached run -d "$ID"
	expect_ok
	in_cgroup "$(own_group)/$ID"
}

@test "a path does not lead out of the hierarchy" {
	path_is "/../../$ID"
	detached run -d "$ID"
	expect_ok
	in_cgroup "$ID"
}

@test "without a path the cgroup has the container's name" {
	detached run -d "$ID"
	expect_ok
	in_cgroup "$(own_group)/$ID"
}

@test "an empty cgroup that is there already is taken" {
	path_is "/$ID"
	mkdir "$HIER/$ID"
	detached run -d "$ID"
	expect_ok
	in_cgroup "$ID"
}

@test "a frozen cgroup is refused, and stays" {
	path_is "/$ID"
	local freezer=$HIER/$ID/cgroup.freeze on=1
	[ "$HIER" = /sys/fs/cgroup ] || { mkdir "$HIER/$ID"; freezer=/sys/fs/cgroup/freezer/$ID/freezer.state on=FROZEN; }
	mkdir "$(dirname "$freezer")"
	echo "$on" >"$freezer"
	detached run -d "$ID"
	local kept=no
	[ ! -e "$freezer" ] || kept=yes
	find /sys/fs/cgroup -depth -type d -name "$ID" -exec rmdir {} +
	expect_error "container's cgroup unexpectedly frozen"
	[ "$kept" = yes ]
}

@test "a cgroup that is frozen in the freezer hierarchy alone is refused" {
	requires root v1 cgroupfs
	path_is "/$ID"
	local dir=/sys/fs/cgroup/freezer/$ID
	mkdir "$dir"
	echo FROZEN >"$dir/freezer.state"
	local said=()
	for command in create run "run -d"; do
		# shellcheck disable=SC2086 # words
		run timeout 5 "$RUNC" --root "$ROOT" $command "$ID" </dev/null
		said+=("$status $output")
	done
	local state
	state=$(cat "$dir/freezer.state")
	rmdir "$dir"
	[ "$state" = FROZEN ]
	for s in "${said[@]}"; do
		[[ $s == "1 "*"container's cgroup unexpectedly frozen"* ]] || { echo "$s"; return 1; }
	done
	[ -z "$(ls "$ROOT")" ]
}

# The freezer of this layout: freezer FOLDER on|off.
freezer() {
	if [ "$HIER" = /sys/fs/cgroup ]; then
		echo "$([ "$2" = on ] && echo 1 || echo 0)" >"$1/cgroup.freeze"
	else
		echo "$([ "$2" = on ] && echo FROZEN || echo THAWED)" >"/sys/fs/cgroup/freezer/$(basename "$1")/freezer.state"
	fi
}

@test "TERM ends create and run below a frozen cgroup within a second" {
	requires root cgroupfs
	local parent=$HIER/$ID-p
	path_is "/$ID-p/c"
	mkdir "$parent"
	[ "$HIER" = /sys/fs/cgroup ] || mkdir "/sys/fs/cgroup/freezer/$ID-p"
	local said=()
	for command in create run "run -d"; do
		freezer "$parent" on
		# shellcheck disable=SC2086 # words
		"$RUNC" --root "$ROOT" $command "$ID" </dev/null >"$TMP/out" 2>&1 3>&- &
		local pid=$!
		# It is frozen before it can say anything.
		wait_for sh -c "[ -n \"\$(cat \"$parent/c/cgroup.procs\" 2>/dev/null)\" ]" || true
		kill -TERM $pid
		# kill -0 is true of a zombie too: wait(1) has to end by itself.
		timeout 1.5 tail --pid=$pid -f /dev/null || { kill -9 $pid; said+=("did not end: $command"); }
		wait $pid || said+=("$(cat "$TMP/out")")
		freezer "$parent" off
		"$RUNC" --root "$ROOT" delete --force "$ID"
	done
	find /sys/fs/cgroup -depth -type d -name "$ID-p" -exec rmdir {} +
	[ ${#said[@]} = 3 ]
	for s in "${said[@]}"; do
		[[ $s == *"interrupted by SIGTERM"* ]] || { echo "$s"; return 1; }
	done
	[ -z "$(ls "$ROOT")" ]
}

@test "INT and TERM end an exec below a frozen cgroup" {
	requires root cgroupfs
	local parent=$HIER/$ID-p s pid
	path_is "/$ID-p/c"
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	freezer "$parent" on
	local said=()
	for s in INT TERM; do
		# A shell's background job ignores INT.
		env --default-signal "$RUNC" --root "$ROOT" exec "$ID" echo joined </dev/null >"$TMP/out" 2>&1 3>&- &
		pid=$!
		# As far as it comes.
		sleep 0.5
		kill "-$s" "$pid"
		timeout 1.5 tail --pid=$pid -f /dev/null || { kill -9 $pid; said+=("did not end by $s"); }
		wait $pid || said+=("$(cat "$TMP/out")")
	done
	freezer "$parent" off
	# Nobody is left but init.
	wait_for sh -c "[ \"\$(cat '$parent/c/cgroup.procs')\" = $(init_pid) ]" || said+=("something is left")
	"$RUNC" --root "$ROOT" delete --force "$ID"
	find /sys/fs/cgroup -depth -type d -name "$ID-p" -exec rmdir {} +
	[ ${#said[@]} = 2 ] || { echo "${said[@]}"; return 1; }
	for s in "${said[@]}"; do
		[[ $s == *"interrupted by SIG"* ]] || { echo "$s"; return 1; }
	done
}

@test "TERM ends an exec below a frozen cgroup within a second, on each way into the container" {
	requires root cgroupfs
	local parent=$HIER/$ID-p options pid said=()
	path_is "/$ID-p/c"
	mkdir "$parent"
	[ "$HIER" = /sys/fs/cgroup ] || mkdir "/sys/fs/cgroup/freezer/$ID-p"
	detached run -d "$ID"
	expect_ok
	jq '.process | .args = ["true"] | .ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4}' config.json >"$TMP/long.json"
	freezer "$parent" on
	for options in "$ID true" "-t $ID true" "-p $TMP/long.json $ID"; do
		# shellcheck disable=SC2086 # words
		"$RUNC" --root "$ROOT" exec $options </dev/null >"$TMP/out" 2>&1 3>&- &
		pid=$!
		sleep 0.3
		kill -TERM $pid
		timeout 1.5 tail --pid=$pid -f /dev/null || { kill -9 $pid; said+=("did not end: $options"); }
		wait $pid || said+=("$(cat "$TMP/out")")
	done
	freezer "$parent" off
	__runc delete --force "$ID"
	find /sys/fs/cgroup -depth -type d -name "$ID-p" -exec rmdir {} +
	[ ${#said[@]} = 3 ]
	for s in "${said[@]}"; do
		[[ $s == *"interrupted by SIGTERM"* ]] || { echo "$s"; return 1; }
	done
}

@test "delete removes cgroups that the container has made" {
	path_is "/$ID"
	detached run -d "$ID"
	expect_ok
	mkdir -p "$HIER/$ID/a/b" "$HIER/$ID/c"
	runc delete --force "$ID"
	expect_ok
	[ ! -e "$HIER/$ID" ]
}

@test "delete --force ends processes in a cgroup below" {
	path_is "/$ID"
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	sh_args 'sleep 1000 & sleep 1000'
	detached run -d "$ID"
	expect_ok
	mkdir "$HIER/$ID/a"
	wait_for sh -c "[ \$(wc -l <$HIER/$ID/cgroup.procs) -ge 2 ]"
	local p
	p=$(tail -n 1 "$HIER/$ID/cgroup.procs")
	echo "$p" >"$HIER/$ID/a/cgroup.procs"
	runc delete --force "$ID"
	expect_ok
	! kill -0 "$p" 2>/dev/null
	[ ! -e "$HIER/$ID" ]
}

@test "a create that fails leaves no cgroup" {
	path_is "/$ID"
	args /no/such
	detached create "$ID"
	expect_error "no such file or directory"
	! find /sys/fs/cgroup -type d -name "$ID" | grep .
}

@test "a create whose limits fail leaves no cgroup" {
	requires v1
	path_is "/$ID"
	update_config '.linux.resources.cpu = {"shares": 1}'
	detached create "$ID"
	expect_error cpu-shares
	! find /sys/fs/cgroup -type d -name "$ID" | grep .
}

@test "init is in a cgroup of every hierarchy" {
	requires v1
	path_is "/$ID"
	detached run -d "$ID"
	expect_ok
	local line
	while read -r line; do
		[[ $line == *:/$ID ]] || { echo "$line"; return 1; }
	done <"/proc/$(init_pid)/cgroup"
}

@test "a cgroup mount shows the container's own, and its cgroups go with it" {
	path_is "/$ID"
	update_config '.linux.namespaces += [{"type": "cgroup"}] | .linux.namespaces |= unique
		| .mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw"]}]'
	if [ "$HIER" = /sys/fs/cgroup ]; then
		sh_args 'mkdir /sys/fs/cgroup/mine && sleep 1000'
	else
		sh_args 'mkdir /sys/fs/cgroup/devices/mine && sleep 1000'
	fi
	detached run -d "$ID"
	expect_ok
	wait_for test -d "$HIER/$ID/mine"
	runc delete --force "$ID"
	expect_ok
	[ ! -e "$HIER/$ID" ]
}

@test "a file system on a disk that the container may not open is mounted, the disk stays denied" {
	command -v mkfs.ext4 >/dev/null || skip "needs mkfs.ext4"
	truncate -s 4M "$TMP/disk"
	mkfs.ext4 -q "$TMP/disk"
	local loop
	loop=$(losetup -f --show "$TMP/disk" 2>/dev/null) || skip "needs loop devices"
	update_config '.mounts += [{"destination": "/mnt", "type": "ext4", "source": $l}] | .process.capabilities |= map_values(. + ["CAP_MKNOD"])
		| .root.readonly = false' --arg l "$loop"
	sh_args "ls -d /mnt/lost+found; mknod /disk b $((0x$(stat -c %t "$loop"))) $((0x$(stat -c %T "$loop"))) && head -c 1 /disk"
	runc run "$ID"
	losetup -d "$loop"
	expect_error 'Operation not permitted'
	[[ $output == */mnt/lost+found* ]]
}

# On cgroup v2; for v1 in resources.bats.
@test "limits whose controller is not there name field, controller and version" {
	requires v2
	local r field controller json shown=0
	for r in 'memory memory {"memory":{"limit":33554432}}' 'cpu cpu {"cpu":{"quota":10000}}' 'cpu cpuset {"cpu":{"cpus":"0"}}' \
		'pids pids {"pids":{"limit":9}}' 'rdma rdma {"rdma":{"x":{"hcaHandles":1}}}' \
		'blockIO io {"blockIO":{"throttleReadBpsDevice":[{"major":7,"minor":0,"rate":1000}]}}'; do
		read -r field controller json <<<"$r"
		! grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers || continue
		update_config '.linux.resources = $r' --argjson r "$json"
		detached create "$ID"
		expect_error "config.json: linux.resources.$field: needs the $controller controller of cgroup v2"
		shown=$((shown + 1))
	done
	[ "$shown" != 0 ] || skip "needs a kernel without some controller of cgroup v2"
}
