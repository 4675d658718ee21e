#!/usr/bin/env bats
# The whole runtime inside a user namespace, run by its root: containers in
# containers, and what LXC and rootless engines do.

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

setup() {
	setup_bundle
	# No systemd is to be asked from there.
	requires root userns cgroupfs
	chown -hR 100000:100000 "$BUNDLE"
	install -d -o 100000 -g 100000 "$ROOT"
}

# nested COMMAND...: as root of a user namespace of 65536 ids, with mount, pid,
# network and cgroup namespaces that belong to it.
nested() {
	local holder
	unshare -U sleep 60 </dev/null >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for other_userns "$holder"
	echo 0 100000 65536 >"/proc/$holder/uid_map"
	echo 0 100000 65536 >"/proc/$holder/gid_map"
	status=0
	output=$(timeout -s KILL 30 nsenter -U -t "$holder" -S 0 -G 0 \
		unshare -m -p -f -n -C --mount-proc "$@" 2>&1 </dev/null 3>&-) || status=$?
	kill "$holder"
	wait "$holder" || true
}

other_userns() { [ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]; }

@test "root of a user namespace runs a container without another one" {
	sh_args 'id -u; cat /proc/self/uid_map; stat -c %t:%T /dev/null; echo x >/dev/null && hostname'
	nested "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$(tr -s ' \n' ' ' <<<"$output")" = '0 0 100000 65536 1:3 runc ' ] || { echo "$output"; return 1; }
}

@test "in a user namespace nodes of the host that mounts have brought are taken as they are" {
	# What rootless Podman does for --privileged.
	update_config '.mounts += [{"destination": "/dev/null", "source": "/dev/null", "options": ["bind"]}]'
	sh_args 'echo x >/dev/null && stat -c %t:%T /dev/null'
	nested "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = 1:3 ] || { echo "$output"; return 1; }
}

@test "root of a user namespace runs a container with one below" {
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":0,"size":1000}] | .linux.gidMappings = .linux.uidMappings'
	chown -hR 100000:100000 "$BUNDLE"
	sh_args 'id -u; cat /proc/self/uid_map; stat -c %t:%T /dev/null; echo x >/dev/null && hostname'
	nested "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$(tr -s ' \n' ' ' <<<"$output")" = '0 0 0 1000 1:3 runc ' ] || { echo "$output"; return 1; }
}

@test "the life of a container inside a user namespace" {
	args sleep 100
	chown -hR 100000:100000 "$BUNDLE"
	nested sh -ec 'r="$1 --root $2"; id=$3
		$r create "$id" >/dev/null 2>&1 </dev/null
		$r start "$id"
		# start ends before init has executed its command.
		$r exec "$id" sh -c "until grep -q sleep /proc/1/comm; do sleep 0.05; done; cat /proc/1/comm"
		$r kill "$id" KILL
		for i in 1 2 3 4 5 6 7 8 9 10; do $r delete "$id" 2>/dev/null && break; sleep 0.1; done
		$r list -q; echo end' sh "$RUNC" "$ROOT" "$ID"
	expect_ok
	[ "$output" = $'sleep\nend' ] || { echo "$output"; return 1; }
}

@test "inside a user namespace the default root is the user's, unless USER is root" {
	local d=$TMP/xdg
	install -d -o 100000 -g 100000 "$d"
	nested env XDG_RUNTIME_DIR="$d" USER=someone "$RUNC" run "$ID"
	expect_ok
	[ "$(stat -c %a "$d/runc")" = 1700 ]
}

@test "root of a user namespace without setgroups runs containers, and execs into them" {
	local below
	for below in '' '{"type":"user"}'; do
		update_config '.linux.namespaces |= map(select(.type != "user")) + [$b[]] | del(.linux.resources)
			| (.mounts[] | select(.type == "devpts")).options -= ["gid=5"] | .mounts |= map(select(.type != "cgroup"))
			| if $b == [] then . else .linux.uidMappings = [{"containerID":0,"hostID":0,"size":1}] | .linux.gidMappings = .linux.uidMappings end' \
			--argjson b "[$below]"
		args sleep 100
		chown -hR 65534:65534 "$BUNDLE" "$ROOT"
		run -0 setpriv --reuid 65534 --regid 65534 --clear-groups unshare -r -m -p -f --mount-proc sh -ec 'r="$1 --root $2"
			$r run -d "$3" </dev/null >/dev/null 2>&1 3>&-
			$r exec "$3" cat /proc/1/setgroups /proc/self/setgroups
			$r exec "$3" id -G
			$r delete --force "$3"' sh "$RUNC" "$ROOT" "$ID"
		[ "$output" = $'deny\ndeny\n0' ] || { echo "$output"; return 1; }
	done
}
