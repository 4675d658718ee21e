#!/usr/bin/env bats
# AppArmor profiles, for init and exec.

load helpers

PROFILE=runc-test-$$

setup() {
	requires root apparmor
	setup_bundle
	apparmor_parser -r <<-EOF
		profile $PROFILE flags=(attach_disconnected,mediate_deleted) {
		  file, capability, signal, mount, umount, pivot_root, unix, network, ptrace,
		  deny /etc/group r,
		}
	EOF
	sh_args 'cat /proc/self/attr/current'
}

teardown() {
	common_teardown
	echo "profile $PROFILE {}" | apparmor_parser -R || true
}

@test "the profile confines init" {
	update_config '.process.apparmorProfile = $p' --arg p "$PROFILE"
	runc run "$ID"
	expect_ok
	[ "${output//$'\r'/}" = "$PROFILE (enforce)" ]
	args cat /etc/group
	runc run "$ID"
	expect_error 'Permission denied'
}

@test "it works with no_new_privs and without" {
	local v
	for v in true false; do
		update_config '.process.apparmorProfile = $p | .process.noNewPrivileges = $v' --arg p "$PROFILE" --argjson v $v
		runc run "$ID"
		expect_ok
		[ "$output" = "$PROFILE (enforce)" ]
	done
}

@test "exec takes the container's profile, or that of --apparmor" {
	sh_args 'sleep 1000'
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" cat /proc/self/attr/current
	[ "$output" = unconfined ]
	runc exec --apparmor "$PROFILE" "$ID" cat /proc/self/attr/current
	expect_ok
	[ "$output" = "$PROFILE (enforce)" ]
	runc delete --force "$ID"
	update_config '.process.apparmorProfile = $p' --arg p "$PROFILE"
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" cat /proc/self/attr/current
	expect_ok
	[ "$output" = "$PROFILE (enforce)" ]
}

@test "a profile that is not loaded is an error that names it" {
	update_config '.process.apparmorProfile = "no-such-profile"'
	runc run "$ID"
	expect_error 'no-such-profile'
	[ ! -e "$ROOT/$ID" ]
}

@test "exec with a profile that is not loaded fails, the container stays" {
	sh_args 'sleep 1000'
	detached run -d "$ID"
	expect_ok
	runc exec --apparmor no-such-profile "$ID" true
	[ "$status" = 255 ]
	expect_error 'no-such-profile'
	state_is running
}
