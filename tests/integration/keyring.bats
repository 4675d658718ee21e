#!/usr/bin/env bats

load helpers

setup() {
	[ -e /proc/keys ] || skip "needs a kernel with keyrings"
	setup_bundle
	# /proc/keys lists the keys that the reader may view.
	update_config 'del(.linux.maskedPaths) | .process.args = ["cat", "/proc/keys"]'
}

@test "a container gets a session keyring of its own" {
	runc run "$ID"
	expect_ok
	[[ $output == *" _ses.$ID: "* ]]
}

@test "an exec'd process has the container's session keyring" {
	update_config '.process.args = ["sleep", "1000"]'
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" cat /proc/keys
	expect_ok
	[ "$(grep -cF " _ses.$ID: " <<<"$output")" -eq 1 ]
}

@test "run --no-new-keyring leaves the caller's session keyring" {
	runc run --no-new-keyring "$ID"
	expect_ok
	[[ $output != *_ses.$ID* ]]
}
