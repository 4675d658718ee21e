#!/usr/bin/env bats
# What exec joins: namespaces, cgroups, and whatever state the container is in.

load helpers

start_container() {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
}

# group_dir: the folder of the container's cgroup, on v1 that of pids.
group_dir() {
	local line path
	while IFS= read -r line; do
		path=${line#*:*:}
		case $line in
		0::*) [ "$LAYOUT" = v2 ] || [ -f /sys/fs/cgroup/cgroup.controllers ] && { echo "/sys/fs/cgroup$path"; return; } ;;
		*:pids:*) [ "$LAYOUT" = v2 ] || { echo "/sys/fs/cgroup/pids$path"; return; } ;;
		esac
	done <"/proc/$(init_pid)/cgroup"
}

@test "exec joins every namespace of the container" {
	start_container
	local ns pid
	pid=$(init_pid)
	for ns in cgroup ipc mnt net pid uts; do
		runc exec "$ID" readlink "/proc/self/ns/$ns"
		expect_ok
		[ "$output" = "$(readlink "/proc/$pid/ns/$ns")" ]
	done
}

@test "exec joins the container's user namespace" {
	requires root userns
	chown 100000:100000 rootfs rootfs/*
	update_config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	start_container
	runc exec "$ID" sh -c 'readlink /proc/self/ns/user; id -u; echo again >/proc/self/fd/1'
	expect_ok
	[ "${lines[0]}" = "$(readlink "/proc/$(init_pid)/ns/user")" ]
	[ "${lines[1]}" = 0 ]
	[ "${lines[2]}" = again ]
	detached exec -d --pid-file "$TMP/pid" "$ID" sleep 1000
	expect_ok
	wait_for grep -q '^Uid:.100000' "/proc/$(cat "$TMP/pid")/status"
	runc exec -u 1000:1000 "$ID" sh -c 'id -u; echo again >/proc/self/fd/1'
	expect_ok
	[ "$output" = $'1000\nagain' ]
}

@test "exec joins the container's time namespace" {
	requires root timens
	update_config '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 1000000}}'
	start_container
	runc exec "$ID" readlink /proc/self/ns/time
	expect_ok
	[ "$output" = "$(readlink "/proc/$(init_pid)/ns/time")" ]
	runc exec "$ID" cut -d. -f1 /proc/uptime
	expect_ok
	[ "$output" -ge 1000000 ]
}

@test "exec into a container of the host's pid namespace" {
	requires root
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	start_container
	runc exec "$ID" readlink /proc/self/ns/pid
	expect_ok
	[ "$output" = "$(readlink /proc/self/ns/pid)" ]
}

@test "exec joins the container's cgroup" {
	start_container
	detached exec -d --pid-file "$TMP/pid" "$ID" sleep 1000
	expect_ok
	[ "$(cat "/proc/$(cat "$TMP/pid")/cgroup")" = "$(cat "/proc/$(init_pid)/cgroup")" ]
	runc ps -f json "$ID"
	jq -e --argjson p "$(cat "$TMP/pid")" 'length == 2 and index($p) != null' <<<"$output"
}

@test "exec --cgroup joins a sub-cgroup" {
	requires root
	start_container
	local dir
	dir=$(group_dir)
	mkdir "$dir/sub"
	if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
		detached exec -d --cgroup sub --pid-file "$TMP/pid" "$ID" sleep 1000
	else
		detached exec -d --cgroup pids:sub --pid-file "$TMP/pid" "$ID" sleep 1000
	fi
	expect_ok
	grep -x "$(cat "$TMP/pid")" "$dir/sub/cgroup.procs"
	# The sub-cgroup too goes with the container.
	runc delete --force "$ID"
	expect_ok
	[ ! -e "$dir" ]
}

@test "exec --cgroup of one that is missing is an error" {
	start_container
	runc exec --cgroup /nosuch "$ID" true
	[ "$status" -eq 255 ]
	expect_error "exec failed: unable to start container process: "
	# In systemd's words, or the kernel's.
	[[ ${output,,} == *"no such file or directory"* ]]
}

@test "exec --cgroup cannot leave the container's cgroup" {
	start_container
	runc exec --cgroup ../.. "$ID" true
	[ "$status" -eq 255 ]
	expect_error "bad sub cgroup path"
}

@test "exec --cgroup checks its words" {
	start_container
	runc exec --cgroup a --cgroup b "$ID" true
	[ "$status" -eq 255 ]
	expect_error "invalid --cgroup argument: a (missing <controller>: prefix)"
	runc exec --cgroup pids:a --cgroup cpu,pids:b "$ID" true
	[ "$status" -eq 255 ]
	expect_error "controller pids specified multiple times"
	runc exec --cgroup pids: "$ID" true
	[ "$status" -eq 255 ]
	expect_error "invalid --cgroup argument: pids:"
}

@test "exec in a paused container is refused, unless --ignore-paused" {
	requires root
	start_container
	runc pause "$ID"
	expect_ok
	runc exec "$ID" true
	[ "$status" -eq 255 ]
	expect_error "exec failed: cannot exec in a paused container (use --ignore-paused to override)"
	"$RUNC" --root "$ROOT" exec --ignore-paused "$ID" echo thawed >"$TMP/out" 2>&1 </dev/null 3>&- &
	local p=$!
	sleep 0.3
	# It waits, frozen with the others.
	kill -0 "$p"
	[ ! -s "$TMP/out" ]
	runc resume "$ID"
	expect_ok
	wait "$p"
	[ "$(cat "$TMP/out")" = thawed ]
}

@test "exec in a created container that was not started" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	runc exec "$ID" echo early
	expect_ok
	[ "$output" = early ]
	state_is created
}

@test "exec --apparmor of a profile that is not there is an error" {
	start_container
	runc exec --apparmor nosuch-profile "$ID" true
	[ "$status" -eq 255 ]
	expect_error "apparmor"
}

@test "exec --cap gives another user than root nothing, and says so" {
	start_container
	runc exec --cap CAP_NET_RAW "$ID" grep -E 'Cap(Prm|Eff|Bnd|Amb)' /proc/self/status
	expect_ok
	[[ ${lines[0]} == *20002420 ]]
	[[ ${lines[3]} == *0000000000000000 ]]
	update_config '.process.capabilities.inheritable = ["CAP_KILL"]'
	# The warning is on stderr.
	runc exec -u 1000 --cap CAP_NET_RAW --cap CAP_SYS_TIME "$ID" grep -E 'Cap(Inh|Eff|Amb)' /proc/self/status
	expect_ok
	[[ ${lines[0]} == *"level=warning msg=\"can't raise ambient capability CAP_NET_RAW: operation not permitted\"" ]]
	[[ ${lines[1]} == *"level=warning msg=\"can't raise ambient capability CAP_SYS_TIME: operation not permitted\"" ]]
	[[ ${lines[2]} == CapInh:*0000000000000020 ]]
	[[ ${lines[3]} == CapEff:*0000000000000000 ]]
	[[ ${lines[4]} == CapAmb:*0000000000000000 ]]
	# Root gets it all the same.
	runc exec --cap CAP_NET_RAW "$ID" grep CapEff /proc/self/status
	[[ $output == *CapEff:*20002420 ]]
	# So does a user, where it is inheritable.
	jq '.process | .args = ["grep", "CapEff", "/proc/self/status"] | .user.uid = 1000
		| .capabilities = {bounding: ["CAP_KILL"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}' \
		config.json >"$TMP/process.json"
	runc exec -p "$TMP/process.json" "$ID"
	[[ $output == CapEff:*0000000000000020 ]]
}

@test "exec -p of a broken file is an error" {
	start_container
	echo '{' >"$TMP/process.json"
	runc exec -p "$TMP/process.json" "$ID"
	[ "$status" -eq 255 ]
	echo '{"args": ["true"]}' >"$TMP/process.json"
	runc exec -p "$TMP/process.json" "$ID"
	[ "$status" -eq 255 ]
	expect_error "Cwd property must not be empty"
	runc exec -p "$TMP/nosuch.json" "$ID"
	[ "$status" -eq 255 ]
	expect_error "no such file or directory"
}

@test "a working directory that is missing is an error of exec" {
	start_container
	runc exec --cwd /nosuch "$ID" true
	[ "$status" -eq 255 ]
	expect_error 'exec failed: unable to start container process: chdir to cwd ("/nosuch") set in config.json failed: no such file or directory'
}

@test "exec has no fd but its stdio" {
	start_container
	run bash -c 'exec 5</; exec "$@"' x "$RUNC" --root "$ROOT" exec "$ID" ls /proc/self/fd
	expect_ok
	[ "$output" = $'0\n1\n2\n3' ]
}

@test "fifty execs at once leave no process and no fd behind" {
	requires root
	start_container
	local i pids=()
	for ((i = 0; i < 50; i++)); do
		"$RUNC" --root "$ROOT" exec "$ID" echo "number $i" >"$TMP/out.$i" 2>&1 </dev/null 3>&- &
		pids+=($!)
	done
	for ((i = 0; i < 50; i++)); do
		wait "${pids[i]}"
		[ "$(cat "$TMP/out.$i")" = "number $i" ]
	done
	runc ps -f json "$ID"
	[ "$output" = "[$(init_pid)]" ]
	[ "$(ls "/proc/$(init_pid)/fd")" = $'0\n1\n2' ]
	! pgrep -f -- "--root $ROOT"
}

@test "an exec that fails leaves no process behind" {
	start_container
	runc exec "$ID" nosuch
	[ "$status" -eq 255 ]
	detached exec -d --pid-file "$TMP/nosuch/pid" "$ID" sleep 1000
	[ "$status" -eq 255 ]
	runc exec --pidfd-socket "$TMP/nosuch.sock" "$ID" sleep 1000
	[ "$status" -eq 255 ]
	runc ps -f json "$ID"
	[ "$output" = "[$(init_pid)]" ]
}

@test "exec goes on when the container's config.json has changed" {
	start_container
	update_config '.process.env += ["LATER=1"]'
	runc exec "$ID" sh -c 'echo $LATER'
	expect_ok
	[ "$output" = 1 ]
}

@test "exec into a container that has joined another's namespaces" {
	requires root userns
	local first=$ID kind ns pid
	for kind in plain userns; do
		if [ $kind = userns ]; then
			chown -hR 100000:100000 rootfs
			update_config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
				| .linux.gidMappings = .linux.uidMappings'
		fi
		start_container
		pid=$(init_pid)
		mkdir -p "$TMP/second"
		jq --arg p "$pid" '.root.path = $r | del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(
			if .type == "network" then .path = "/proc/\($p)/ns/net"
			elif .type == "pid" or .type == "ipc" or .type == "uts" or .type == "user" then .path = "/proc/\($p)/ns/\(.type)" else . end)' \
			--arg r "$BUNDLE/rootfs" config.json >"$TMP/second/config.json"
		detached run -d -b "$TMP/second" "$first-2"
		expect_ok
		for ns in net pid ipc uts user; do
			runc exec "$first-2" readlink "/proc/self/ns/$ns"
			expect_ok
			[ "$output" = "$(readlink "/proc/$pid/ns/$ns")" ] || { echo "$kind $ns: $output"; return 1; }
		done
		# Its mounts are its own.
		runc exec "$first-2" readlink /proc/self/ns/mnt
		[ "$output" = "$(readlink "/proc/$(__runc state "$first-2" | jq .pid)/ns/mnt")" ]
		[ "$output" != "$(readlink "/proc/$pid/ns/mnt")" ]
		runc exec "$first-2" sh -c 'id -u; id -g; ps | grep -c "[s]leep 1000"'
		expect_ok
		[ "$output" = $'0\n0\n2' ] || { echo "$kind: $output"; return 1; }
		# Its pid namespace ends with the first's init, and it with that.
		runc kill "$first" KILL
		expect_ok
		wait_for state_is stopped
		runc exec "$first-2" true
		[ "$status" -eq 255 ]
		expect_error "cannot exec in a stopped container"
		runc delete "$first-2"
		expect_ok
		runc delete "$first"
		expect_ok
	done
}

@test "exec --cgroup of several controllers, and of all" {
	requires root
	[ "$LAYOUT" != v2 ] && [ -d /sys/fs/cgroup/pids ] || skip "needs cgroup v1"
	start_container
	local c pid dir
	for c in pids memory cpu; do
		mkdir "/sys/fs/cgroup/$c$(sed -n "s/.*:$c://p" "/proc/$(init_pid)/cgroup")/sub"
	done
	detached exec -d --cgroup pids,memory:sub --cgroup cpu:/sub --pid-file "$TMP/pid" "$ID" sleep 1000
	expect_ok
	pid=$(cat "$TMP/pid")
	for c in pids memory cpu; do
		grep -E "^[0-9]+:$c:.*/sub$" "/proc/$pid/cgroup"
	done
	dir=$(sed -n 's/.*:devices://p' "/proc/$pid/cgroup")
	[ "$dir" = "$(sed -n 's/.*:devices://p' "/proc/$(init_pid)/cgroup")" ]
	# Without a controller it is one below each; there are not as many.
	runc exec --cgroup sub "$ID" true
	[ "$status" -eq 255 ]
	# Either the kernel's words or systemd's.
	expect_error "o such file or directory"
	runc exec --cgroup nosuch:sub "$ID" true
	[ "$status" -eq 255 ]
	expect_error "unknown controller nosuch"
}
