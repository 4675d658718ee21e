#!/usr/bin/env bats
# linux.resources.devices on cgroup v1: which devices may be opened.

load helpers

setup() {
	requires root v1
	setup_bundle
	# mknod wants the capability, and a place that allows devices.
	update_config '.process.capabilities |= map_values(. + ["CAP_MKNOD"]) | .root.readonly = false'
}

@test "without rules nothing but the default devices can be opened" {
	update_config '.linux.resources = {}'
	sh_args 'mknod /dev/kmsg0 c 1 11; head -c 1 /dev/kmsg0 && echo opened; head -c 1 /dev/zero >/dev/null && echo zero'
	runc run "$ID"
	expect_ok
	[[ $output == *"Operation not permitted"* ]]
	[[ $output != *opened* ]]
	[[ $output == *zero* ]]
}

@test "a node of any device can be made" {
	sh_args 'mknod /dev/a c 1 11 && mknod /dev/b b 7 0 && ls /dev/a /dev/b'
	runc run "$ID"
	expect_ok
}

@test "a device that is allowed can be opened, as it is allowed" {
	update_config '.linux.resources.devices = [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}]
		| .process.capabilities[] += ["CAP_SYSLOG", "CAP_MKNOD"]'
	sh_args 'mknod /dev/k c 1 11; exec 3</dev/k && echo read; (exec 4>/dev/k) && echo written; true'
	runc run "$ID"
	expect_ok
	[[ $output == *read* ]]
	[[ $output != *written* ]]
}

@test "letters of access that mean nothing are ignored" {
	update_config '.linux.resources.devices = [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "rwa"}]
		| .process.capabilities[] += ["CAP_SYSLOG", "CAP_MKNOD"]'
	sh_args 'mknod /dev/k c 1 11; exec 3</dev/k && echo read; (exec 4>/dev/k) && echo written; true'
	runc run "$ID"
	expect_ok
	[[ $output == *read*written* ]]
}

@test "a privileged container may open all" {
	update_config '.linux.resources.devices = [{"allow": true, "access": "rwm"}]'
	sh_args 'cat /proc/self/cgroup >/dev/null; mknod /dev/k c 1 11; (exec 4>/dev/k) && echo written'
	runc run "$ID"
	expect_ok
	[[ $output == *written* ]]
}

@test "a rule that denies after one that allows" {
	update_config '.linux.resources.devices = [{"allow": true, "type": "c", "major": 1, "access": "rwm"}, {"allow": false, "type": "c", "major": 1, "minor": 11, "access": "rwm"}]'
	detached create "$ID"
	[ "$status" -eq 0 ] || expect_error "devices"
}

@test "the list has the default rules besides config.json's" {
	name_cgroup "$ID"
	update_config '.linux.resources.devices = [{"allow": true, "type": "b", "major": 7, "access": "rw"}]'
	detached create "$ID"
	expect_ok
	local list rule
	list=$(cat "$(cgroup_v1 devices)/devices.list")
	for rule in 'c *:* m' 'b *:* m' 'c 1:3 rwm' 'c 1:5 rwm' 'c 1:7 rwm' 'c 1:8 rwm' 'c 1:9 rwm' 'c 5:0 rwm' 'c 5:2 rwm' \
		'c 136:* rwm' 'c 10:200 rwm' 'b 7:* rw'; do
		grep -qxF "$rule" <<<"$list" || { echo "not there: $rule"; return 1; }
	done
	[ "$(wc -l <<<"$list")" -eq 12 ]
}

# The rules are set while init makes nodes: all is denied first. A strace holds
# the runtime in between, until init must have come to its nodes.
@test "a node of linux.devices is made even when it is denied for a moment" {
	requires cgroupfs
	command -v strace >/dev/null || skip "needs strace"
	strace -f -o /dev/null true 2>/dev/null || skip "strace may not trace here"
	name_cgroup "$ID"
	update_config '.linux.devices = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 384, "uid": 7, "gid": 8}]'
	args stat -c '%F %a %u %g %t:%T' /dev/mine /dev/null
	run timeout -s KILL 60 strace -f -qq -o "$TMP/trace" -P "$(cgroup_v1 devices)/devices.deny" -e inject=write:delay_exit=1000000 \
		"$RUNC" --root "$ROOT" run "$ID" </dev/null
	expect_ok
	grep -q DELAYED "$TMP/trace"
	[ "$output" = 'character special file 600 7 8 1:3
character special file 666 0 0 1:3' ] || { echo "$output"; return 1; }
	# Not the host's own node, which would be a mount.
	sh_args 'grep " /dev/null " /proc/self/mountinfo; true'
	run timeout -s KILL 60 strace -f -qq -o "$TMP/trace" -P "$(cgroup_v1 devices)/devices.deny" -e inject=write:delay_exit=1000000 \
		"$RUNC" --root "$ROOT" run "$ID" </dev/null
	expect_ok
	[ -z "$output" ]
}

# With systemd the cgroup goes with init, so that limits fail because init did.
@test "init's own failure is told, not that of limits which comes after it" {
	requires cgroupfs
	command -v strace >/dev/null || skip "needs strace"
	strace -f -o /dev/null true 2>/dev/null || skip "strace may not trace here"
	# Init fails while the runtime sets the limits.
	name_cgroup "$ID"
	update_config '.mounts += [{"destination": "/mnt", "type": "bind", "source": "/no/such", "options": ["bind"]}]'
	run timeout -s KILL 60 strace -f -qq -o "$TMP/trace" -P "$(cgroup_v1 devices)/devices.deny" \
		-e inject=write:error=EIO:delay_enter=1000000 "$RUNC" --root "$ROOT" run "$ID" </dev/null
	grep -q 'EIO.*INJECTED' "$TMP/trace"
	expect_error '/no/such: no such file or directory'
	[[ $output != *"cgroup config"* ]]
}
