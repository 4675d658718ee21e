#!/usr/bin/env bats
# A name is no identity: a container of the same name may be another one.

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

@test "a create that fails late leaves the next container of its name alone" {
	args sleep 100
	local kind
	for kind in prestart createRuntime; do
		rm -f "$TMP/in" "$TMP/go"
		replace_while_failing "$kind"
		expect_error "hook"
		second_is_well
		__runc delete --force "$ID"
	done
}

@test "so does one in a user namespace" {
	requires root userns
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
	args sleep 100
	replace_while_failing createRuntime
	expect_error "hook"
	second_is_well
}

@test "a create that fails late undoes its own when nobody else was there" {
	update_config '.hooks = {"createRuntime": [{"path": "/bin/false"}]}'
	runc create "$ID"
	expect_error "hook"
	[ -z "$(ls -A "$ROOT")" ]
	[ -z "$(find /sys/fs/cgroup -name "$ID" -type d)" ]
	# And its name can be used again.
	update_config 'del(.hooks)'
	runc run "$ID"
	expect_ok
}
