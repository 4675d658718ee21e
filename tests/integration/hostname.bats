#!/usr/bin/env bats

load helpers

@test "a container has its own host name" {
	update_config '.hostname = "box-name" | .process.args = ["hostname"]'
	before=$(uname -n)
	runc run "$ID"
	expect_ok
	[ "$output" = box-name ]
	[ "$(uname -n)" = "$before" ]
}

@test "a container has its own domain name" {
	update_config '.domainname = "example.test" | .process.args = ["cat", "/proc/sys/kernel/domainname"]'
	before=$(cat /proc/sys/kernel/domainname)
	runc run "$ID"
	expect_ok
	[ "$output" = example.test ]
	[ "$(cat /proc/sys/kernel/domainname)" = "$before" ]
}

@test "a host name without a UTS namespace is refused" {
	update_config '.linux.namespaces -= [{"type": "uts"}]'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"runc run failed: unable to set hostname without a private UTS namespace"* ]]
}

@test "a domain name without a UTS namespace is refused" {
	update_config '.linux.namespaces -= [{"type": "uts"}] | del(.hostname) | .domainname = "example.test"'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"unable to set domainname without a private UTS namespace"* ]]
}

@test "without a UTS namespace the container has the host's name" {
	update_config '.linux.namespaces -= [{"type": "uts"}] | del(.hostname) | .process.args = ["hostname"]'
	runc run "$ID"
	expect_ok
	[ "$output" = "$(uname -n)" ]
}
