#!/usr/bin/env bats
# CPU limits by systemd's properties and by the cgroup's files, of which systemd
# does not have all.

load helpers

setup() {
	requires root systemd
	requires_controller cpu
	setup_bundle
	args sleep 1000
	UNIT=runc-$ID.scope
}

property() { systemctl show --value -p "$1" "$UNIT"; }

# cpu FILE-ON-V1 FILE-ON-V2: the value in the container's cgroup.
cpu() {
	local dir file=$1
	dir=$(jq -r '.cgroup_paths.cpu // .cgroup_paths[""]' "$ROOT/$ID/state.json")
	[ -e "$dir/$file" ] || file=$2
	cat "$dir/$file"
}

period_is() {
	case $(cpu cpu.cfs_period_us cpu.max) in
	"$1" | "max $1") ;;
	*) cpu cpu.cfs_period_us cpu.max; return 1 ;;
	esac
	[ "$(property CPUQuotaPerSecUSec)" = infinity ]
}

@test "a period without a quota is in the cgroup, though systemd's quota is infinity" {
	update_config '.linux.resources.cpu = {period: 50000}'
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	period_is 50000
	runc update --cpu-period 80000 "$ID"
	expect_ok
	period_is 80000
}

@test "update refuses shares together with idle, and changes nothing" {
	detached --systemd-cgroup run -d "$ID"
	expect_ok
	[ -n "$(cpu cpu.idle cpu.idle)" ] || skip "needs a kernel with cpu.idle"
	local before
	before=$(cpu cpu.shares cpu.weight)
	runc update --cpu-share 200 --cpu-idle 1 "$ID"
	[ "$status" -eq 1 ]
	expect_error "unable to apply both"
	[ "$(cpu cpu.idle cpu.idle)" = 0 ]
	[ "$(cpu cpu.shares cpu.weight)" = "$before" ]
	runc update --cpu-idle 1 "$ID"
	expect_ok
	[ "$(cpu cpu.idle cpu.idle)" = 1 ]
	# Shares for an idle container wait until it is idle no more.
	runc update --cpu-share 200 "$ID"
	expect_ok
	[[ $output == *"unable to apply both"* ]]
	[ "$(cpu cpu.idle cpu.idle)" = 1 ]
	runc update --cpu-idle 0 "$ID"
	expect_ok
	[ "$(cpu cpu.idle cpu.idle)" = 0 ]
	[ "$(cpu cpu.shares cpu.shares 2>/dev/null || echo 200)" = 200 ]
}
