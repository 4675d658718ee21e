#!/usr/bin/env bats

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

ns() { readlink "/proc/$1/ns/$2"; }

@test "each namespace of config.json is new, and others are the caller's" {
	args sleep 1000
	update_config '.linux.namespaces += [{"type": "cgroup"}]
		| .linux.namespaces |= unique_by(.type)'
	detached run -d "$ID"
	expect_ok
	local pid n
	pid=$(init_pid)
	for n in pid net ipc uts mnt cgroup; do
		[ "$(ns "$pid" $n)" != "$(ns self $n)" ]
	done
	[ "$(ns "$pid" user)" = "$(ns self user)" ]
}

@test "a namespace that is not listed is shared" {
	args sleep 1000
	update_config '.linux.namespaces |= map(select(.type != "network" and .type != "ipc"))'
	detached run -d "$ID"
	expect_ok
	[ "$(ns "$(init_pid)" net)" = "$(ns self net)" ]
	[ "$(ns "$(init_pid)" ipc)" = "$(ns self ipc)" ]
}

@test "namespaces are joined by path" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	local pid kind file
	pid=$(init_pid)
	mkdir "$TMP/b2"
	for kind in network:net ipc:ipc uts:uts pid:pid; do
		file=${kind#*:}
		jq --arg t "${kind%:*}" --arg p "/proc/$pid/ns/$file" '.process.args = ["readlink", "/proc/self/ns/" + $f]
			| (.linux.namespaces[] | select(.type == $t)).path = $p' --arg f "$file" config.json >"$TMP/b2/config.json"
		rm -f "$TMP/b2/rootfs"
		jq --arg r "$BUNDLE/rootfs" '.root.path = $r' "$TMP/b2/config.json" >"$TMP/b2/c"
		mv "$TMP/b2/c" "$TMP/b2/config.json"
		runc run -b "$TMP/b2" "$ID-2"
		expect_ok
		[ "$output" = "$(ns "$pid" "$file")" ]
	done
}

@test "namespaces that the container's user namespace does not own are joined" {
	requires root userns
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	local pid kind file way other=$ID-2
	pid=$(init_pid)
	mkdir "$TMP/b2"
	cp -a rootfs "$TMP/b2/rootfs"
	chown -hR 100000:100000 "$TMP/b2/rootfs"
	chmod 755 "$TMP" "$TMP/b2"
	for kind in network:net ipc:ipc uts:uts pid:pid; do
		file=${kind#*:}
		jq --arg t "${kind%:*}" --arg p "/proc/$pid/ns/$file" '.process.args = ["sleep", "1000"]
			| del(.hostname) | .root.path = "rootfs" | .mounts |= map(select(.type != "sysfs" and .type != "cgroup" and .type != "mqueue"))
			| .linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
			| .linux.gidMappings = .linux.uidMappings
			| (.linux.namespaces[] | select(.type == $t)).path = $p' config.json >"$TMP/b2/config.json"
		# A procfs shows the PID namespace, which its owner alone may mount.
		[ "$file" != pid ] || { jq '(.mounts[] | select(.type == "proc")) |= {destination: "/proc", type: "bind", source: "/proc", options: ["rbind"]}
			| .linux.maskedPaths = [] | .linux.readonlyPaths = []' "$TMP/b2/config.json" >"$TMP/c" && mv "$TMP/c" "$TMP/b2/config.json"; }
		for way in "" go relay; do
			_RUNC_TEST_INIT=$way __runc run -d -b "$TMP/b2" "$other" </dev/null >"$TMP/out" 2>&1 3>&- || { cat "$TMP/out"; return 1; }
			[ "$(ns "$(__runc state "$other" | jq .pid)" "$file")" = "$(ns "$pid" "$file")" ]
			[ "$(ns "$(__runc state "$other" | jq .pid)" user)" != "$(ns self user)" ]
			_RUNC_TEST_INIT=$way runc exec "$other" id -u
			expect_ok
			[ "$output" = 0 ]
			runc delete --force "$other"
			expect_ok
		done
	done
}

@test "loopback is up in a new network namespace" {
	args ip addr show lo
	runc run "$ID"
	expect_ok
	[[ $output == *"LOOPBACK,UP"*"127.0.0.1/8"* ]]
}

@test "the process is pid 1 of a new pid namespace" {
	# shellcheck disable=SC2016
	sh_args 'echo $$'
	runc run "$ID"
	[ "$output" = 1 ]
}

@test "hostname and domain name are set" {
	sh_args 'hostname; cat /proc/sys/kernel/domainname'
	update_config '.hostname = "box" | .domainname = "example.org"'
	runc run "$ID"
	expect_ok
	[ "${lines[0]}" = box ]
	[ "${lines[1]}" = example.org ]
}

@test "a time namespace has its offsets" {
	requires timens
	sh_args 'cat /proc/self/timens_offsets; cat /proc/uptime'
	update_config '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"monotonic": {"secs": 7881}, "boottime": {"secs": 1337000}}'
	runc run "$ID"
	expect_ok
	[[ $output =~ monotonic\ +7881\ +0 ]]
	[[ $output =~ boottime\ +1337000\ +0 ]]
	[ "$(echo "${lines[2]}" | cut -d. -f1)" -gt 1337000 ]
}

@test "a user namespace maps ids, and its root owns what is made" {
	requires root userns
	sh_args 'id -u; cat /proc/self/uid_map; touch /tmp/made; stat -c %u /dev/shm /dev/pts/ptmx'
	update_config '.linux.namespaces += [{"type": "user"}] | .root.readonly = false
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": 200000, "size": 65536}]'
	chown -R 100000:200000 rootfs
	runc run "$ID"
	expect_ok
	[ "${lines[0]}" = 0 ]
	[[ ${lines[1]} =~ 0\ +100000\ +65536 ]]
	[ "${lines[2]}" = 0 ]
	[ "${lines[3]}" = 0 ]
	[ "$(stat -c %u:%g rootfs/tmp/made)" = 100000:200000 ]
}

@test "several id ranges are mapped" {
	requires root userns
	args cat /proc/self/uid_map
	update_config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 100, "hostID": 300000, "size": 5}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 10}]'
	chown -R 100000:100000 rootfs
	runc run "$ID"
	expect_ok
	[[ ${lines[1]} =~ 100\ +300000\ +5 ]]
}

@test "a user namespace is joined by path, with its maps" {
	requires root userns
	args sleep 1000
	update_config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	chown -R 100000:100000 rootfs
	detached run -d "$ID"
	expect_ok
	local pid
	pid=$(init_pid)
	mkdir "$TMP/b2"
	jq --arg p "/proc/$pid/ns/user" --arg r "$BUNDLE/rootfs" 'del(.linux.uidMappings, .linux.gidMappings) | .root.path = $r
		| (.linux.namespaces[] | select(.type == "user")).path = $p
		| .process.args = ["sh", "-c", "id -u; readlink /proc/self/ns/user"]' config.json >"$TMP/b2/config.json"
	runc run -b "$TMP/b2" "$ID-2"
	expect_ok
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = "$(ns "$pid" user)" ]
}

@test "what is no namespace of its type cannot be joined, and nothing is left" {
	requires root
	local path
	mkfifo "$TMP/fifo"
	for path in /proc/self/ns/net "$TMP/fifo" "$BUNDLE" /dev/null; do
		update_config '(.linux.namespaces[] | select(.type == "uts")) = {"type":"uts","path":$p} | del(.hostname)' --arg p "$path"
		runc run "$ID"
		expect_error "unable to create new parent process: namespace path: $path is not a uts namespace (config.json: linux.namespaces[3].path)"
	done
	update_config '.linux.namespaces[3] = {"type":"user","path":$p}' --arg p "$TMP/fifo"
	runc run "$ID"
	expect_error "$TMP/fifo is not a user namespace (config.json: linux.namespaces)"
	update_config '.linux.namespaces[3] = {"type":"uts","path":"/nosuch"}'
	runc run "$ID"
	expect_error "namespace path: lstat /nosuch: no such file or directory"
	[ ! -e "$ROOT/$ID" ]
}

@test "a user namespace is joined by a bind mount of it" {
	requires root userns
	chown -hR 100000:100000 rootfs
	touch "$TMP/userns"
	update_config '.linux.namespaces += [{"type":"user","path":$p}] | .process.args = ["cat","/proc/self/uid_map","/proc/self/gid_map"]' --arg p "$TMP/userns"
	run unshare -m sh -ec 'mount --make-rprivate /
		unshare -U sleep 60 & p=$!
		while [ "$(readlink /proc/$p/ns/user)" = "$(readlink /proc/self/ns/user)" ]; do sleep 0.05; done
		echo 0 100000 10 >/proc/$p/uid_map
		echo 0 100000 1000 >/proc/$p/gid_map
		mount --bind /proc/$p/ns/user "$1"
		{ kill $p; wait $p; } 2>/dev/null || true
		shift
		exec "$@"' sh "$TMP/userns" "$RUNC" --root "$ROOT" run "$ID" 3>&-
	expect_ok
	[ "$(tr -s ' \n' ' ' <<<"$output")" = ' 0 100000 10 0 100000 1000 ' ] || { echo "$output"; return 1; }
	# Maps beside it have to be the same.
	update_config '.linux.uidMappings = [{"containerID":0,"hostID":5,"size":1}] | (.linux.namespaces[] | select(.type == "user")).path = "/proc/self/ns/user"'
	runc run "$ID"
	expect_error "both namespace path and non-matching mapping specified -- you may only provide one"
}

@test "an image of the host's root can be used in a user namespace, but nothing is made in it" {
	requires root userns
	mkdir rootfs/private
	chmod 700 rootfs/private
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
	sh_args 'stat -c %u:%g /etc /dev/null; cat /etc/passwd >/dev/null && echo read; touch /etc/new 2>/dev/null || echo denied; ls /private 2>/dev/null || echo closed; echo x >/dev/null && echo written'
	runc run "$ID"
	expect_ok
	[ "$output" = $'65534:65534\n65534:65534\nread\ndenied\nclosed\nwritten' ] || { echo "$output"; return 1; }
	update_config '.mounts += [{"destination":"/new/folder","type":"tmpfs","source":"x"}]'
	runc run "$ID"
	expect_error "create mountpoint for /new/folder mount: make mountpoint new: permission denied (config.json: mounts[7])"
	[ ! -e rootfs/new ]
}
