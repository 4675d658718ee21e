#!/usr/bin/env bats

load helpers

setup() {
	[ "$(uname -m)" = x86_64 ] || skip "needs a machine whose 32-bit name is known"
	setup_bundle
	update_config '.process.args = ["uname", "-m"]'
}

@test "LINUX32 makes a 32-bit machine" {
	update_config '.linux.personality = {"domain": "LINUX32"}'
	runc run "$ID"
	expect_ok
	[ "$output" = i686 ]
}

@test "LINUX leaves the machine as it is" {
	update_config '.linux.personality = {"domain": "LINUX"}'
	runc run "$ID"
	expect_ok
	[ "$output" = x86_64 ]
}

@test "an exec'd process has the container's personality" {
	update_config '.linux.personality = {"domain": "LINUX32"} | .process.args = ["sleep", "1000"]'
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" uname -m
	expect_ok
	[ "$output" = i686 ]
}

@test "an unknown personality is refused" {
	update_config '.linux.personality = {"domain": "x"}'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"runc run failed: invalid personality domain x"* ]]
}
