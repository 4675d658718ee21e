#!/usr/bin/env bats
# cgroups in hands other than root's: a container's own root, and an ordinary
# user to whom systemd has given a subtree.

load helpers

setup() {
	requires root v2 systemd
	requires_controller memory
	setup_bundle
	sh_args 'sleep 1000'
}

own_root() {
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings | (.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	chown -R 100000:100000 "$BUNDLE/rootfs"
}

# Both drivers hand the cgroup over.
for_both() { # FUNCTION
	"$1" && runc delete --force "$ID" && expect_ok && "$1" --systemd-cgroup
}

owned() {
	detached "$@" run -d "$ID"
	expect_ok
	cd "$(cgroup_of_init)" || return
	[ "$(stat -c %u . cgroup.procs cgroup.threads cgroup.subtree_control | xargs)" = '100000 100000 100000 100000' ] || return
	[ "$(stat -c %u memory.max pids.max | xargs)" = '0 0' ] || return
	runc exec "$ID" sh -c 'mkdir /sys/fs/cgroup/mine && cat /proc/self/cgroup'
	expect_ok
	cd "$BUNDLE" || return
}

@test "the container's root owns its cgroup, but not its limits" {
	own_root
	for_both owned
}

@test "without a writable cgroup mount it stays root's" {
	own_root
	update_config '(.mounts[] | select(.type == "cgroup") | .options) += ["ro"]'
	detached run -d "$ID"
	expect_ok
	[ "$(stat -c %u "$(cgroup_of_init)")" = 0 ]
}

# --- an ordinary user ---

# user COMMAND...: as the user rootless, with its systemd at hand.
user() {
	setpriv --reuid "$UNPRIV" --regid "$UNPRIV" --init-groups env HOME=/home/rootless USER=rootless \
		XDG_RUNTIME_DIR="/run/user/$UNPRIV" DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$UNPRIV/bus" "$@"
}

# urunc ARGUMENTS...: the runtime as that user.
urunc() {
	status=0
	user "$RUNC" --root "$ROOT" "$@" </dev/null >"$TMP/out" 2>"$TMP/err" 3>&- || status=$?
	output=$(cat "$TMP/out" "$TMP/err")
}

rootless_setup() {
	UNPRIV=$(id -u rootless 2>/dev/null) || skip "needs a user named rootless"
	[ -S "/run/user/$UNPRIV/bus" ] || skip "needs a systemd of the user rootless (loginctl enable-linger)"
	chown rootless: "$TMP" "$BUNDLE"
	rm "$BUNDLE/config.json"
	user "$RUNC" spec --rootless --bundle "$BUNDLE"
	update_config '.process.terminal = false'
	sh_args 'sleep 1000'
	chown -R rootless: "$TMP"
	cd "$BUNDLE"
	# What it runs as has no rights elsewhere.
	LIMITS='.linux.resources = {memory: {limit: 33554432}, pids: {limit: 20}, cpu: {quota: 50000}}'
}

urunc_cgroup() {
	local p
	p=$(user "$RUNC" --root "$ROOT" state "$ID" | jq .pid)
	echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$p/cgroup")"
}

@test "rootless, systemd: a scope of the user's manager, with limits" {
	rootless_setup
	update_config "$LIMITS"
	urunc --systemd-cgroup run -d "$ID"
	expect_ok
	local d
	d=$(urunc_cgroup)
	[ "$d" = "/sys/fs/cgroup/user.slice/user-$UNPRIV.slice/user@$UNPRIV.service/user.slice/runc-$ID.scope" ]
	[ "$(cat "$d"/{memory.max,pids.max,cpu.max} | xargs)" = '33554432 20 50000 100000' ]
	urunc update --memory 40M "$ID"
	expect_ok
	[ "$(cat "$d/memory.max")" = 41943040 ]
	urunc exec "$ID" true
	expect_ok
	urunc pause "$ID"
	expect_ok
	urunc resume "$ID"
	expect_ok
	urunc delete --force "$ID"
	expect_ok
	[ ! -e "$d" ]
	[ -z "$(user systemctl --user list-units --all --no-legend "*$ID*")" ]
}

@test "rootless, files: limits in a delegated subtree" {
	rootless_setup
	update_config "$LIMITS"
	# The user's own scope: what is made beside it is the user's as well.
	status=0
	user systemd-run --user --scope --quiet -p Delegate=yes "$RUNC" --root "$ROOT" run -d "$ID" </dev/null >"$TMP/out" 2>&1 3>&- || status=$?
	output=$(cat "$TMP/out")
	expect_ok
	local d
	d=$(urunc_cgroup)
	[[ $d == "/sys/fs/cgroup/user.slice/user-$UNPRIV.slice/user@$UNPRIV.service/"* ]]
	# Not cpu.max: once the scope has gone no unit of systemd's wants that
	# controller there any more, and it turns it off.
	[ "$(cat "$d"/{memory.max,pids.max} | xargs)" = '33554432 20' ]
	urunc exec "$ID" true
	expect_ok
	urunc delete --force "$ID"
	expect_ok
	[ ! -e "$d" ]
}

@test "rootless, files: without a right to any cgroup, no limits are no error" {
	rootless_setup
	update_config 'del(.linux.resources)'
	urunc run -d "$ID"
	expect_ok
	urunc exec "$ID" true
	expect_ok
	urunc delete --force "$ID"
	expect_ok
}

@test "rootless, files: without a right to any cgroup, limits are an error" {
	rootless_setup
	update_config "$LIMITS"
	urunc run -d "$ID"
	expect_error 'rootless needs no limits + no cgrouppath when no permission is granted for cgroups'
	[ ! -e "$ROOT/$ID" ]
}
