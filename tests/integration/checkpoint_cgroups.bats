#!/usr/bin/env bats
# checkpoint and restore: the container's cgroup and what is below it.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts for shells inside; each test is a subshell; bats sets status

load helpers
load criu

setup() {
	setup_bundle
	needs_criu
}

# in_own: init is in the container's cgroup and in no other's.
in_own() { grep -qE "/$ID(/|\$|\.scope)|-$ID\.scope" "/proc/$(init_pid)/cgroup"; }

@test "restore: each mode for cgroups restores the container into its cgroup" {
	local mode
	for mode in soft full strict ignore; do
		IMAGES=$TMP/$mode
		counting
		checkpoint --manage-cgroups-mode "$mode"
		restore --manage-cgroups-mode "$mode"
		goes_on "$(count)"
		in_own
		runc delete --force "$ID"
		expect_ok
		rm "$BUNDLE/rootfs/n"
	done
}

@test "restore: the strict mode refuses a cgroup that exists" {
	requires cgroupfs
	counting
	checkpoint
	local d=/sys/fs/cgroup
	[ -f $d/cgroup.controllers ] || d=$d/pids
	name_cgroup "$ID"
	mkdir "$d/$ID"
	runc restore --manage-cgroups-mode strict --image-path "$IMAGES" "$ID"
	rmdir "$d/$ID"
	expect_error "cgroup $d/$ID exists already (--manage-cgroups-mode strict)"
	[ ! -e "$ROOT/$ID" ]
}

@test "restore: into another cgroup, without those of the checkpoint (ignore)" {
	counting
	checkpoint --manage-cgroups-mode ignore
	name_cgroup "$ID-elsewhere"
	restore --manage-cgroups-mode ignore
	goes_on "$(count)"
	grep -q "$ID-elsewhere" "/proc/$(init_pid)/cgroup"
	[ -z "$(find /sys/fs/cgroup -type d -name "$ID")" ]
}

@test "restore: limits are those of the bundle" {
	requires_controller pids
	update_config '.linux.resources.pids.limit = 50'
	counting
	checkpoint
	update_config '.linux.resources.pids.limit = 60'
	restore
	if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
		[ "$(cat "$(cgroup_of_init)/pids.max")" = 60 ]
	else
		[ "$(cat "/sys/fs/cgroup/pids$(sed -n 's/^[0-9]*:pids://p' "/proc/$(init_pid)/cgroup")/pids.max")" = 60 ]
	fi
	runc update --pids-limit 70 "$ID"
	expect_ok
}

@test "checkpoint: a container that sees its cgroups, with a namespace and without" {
	local ns
	for ns in cgroup none; do
		IMAGES=$TMP/$ns
		update_config '.linux.namespaces |= map(select(.type != "cgroup")) + (if $n == "cgroup" then [{type: "cgroup"}] else [] end)' --arg n "$ns"
		counting
		runc exec "$ID" sh -c 'ls -p /sys/fs/cgroup | grep -v /'
		local before=$output
		checkpoint
		restore
		goes_on "$(count)"
		runc exec "$ID" sh -c 'ls -p /sys/fs/cgroup | grep -v /'
		[ "$output" = "$before" ] || { diff <(echo "$before") <(echo "$output"); return 1; }
		runc delete --force "$ID"
		rm "$BUNDLE/rootfs/n"
	done
}
