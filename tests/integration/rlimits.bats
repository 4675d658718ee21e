#!/usr/bin/env bats

load helpers

setup() {
	setup_bundle
	update_config '.process.args = ["sh", "-c", "ulimit -Sn; ulimit -Hn"]'
}

@test "a process gets its resource limits" {
	update_config '.process.rlimits = [
		{"type": "RLIMIT_NOFILE", "soft": 123, "hard": 456},
		{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]'
	update_config '.process.args = ["sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -c"]'
	runc run "$ID"
	expect_ok
	[ "$output" = $'123\n456\n0' ]
}

@test "a process without resource limits keeps the caller's" {
	update_config 'del(.process.rlimits)'
	ulimit -Sn 321
	runc run "$ID"
	expect_ok
	[ "${lines[0]}" = 321 ]
	[ "${lines[1]}" = "$(ulimit -Hn)" ]
}

@test "an exec'd process gets the container's resource limits" {
	update_config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 123, "hard": 456}]
		| .process.args = ["sleep", "1000"]'
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" sh -c 'ulimit -Sn; ulimit -Hn'
	expect_ok
	[ "$output" = $'123\n456' ]
}

@test "a hard limit may be raised by those who have the right" {
	requires root
	capsh_has_resource || skip "needs CAP_SYS_RESOURCE"
	update_config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 2000, "hard": 2000}]'
	ulimit -n 1000
	runc run "$ID"
	expect_ok
	[ "${lines[1]}" = 2000 ]
}

# CAP_SYS_RESOURCE is number 24.
capsh_has_resource() {
	local eff
	eff=$(sed -n 's/^CapEff:\t//p' /proc/self/status)
	(((16#$eff >> 24) & 1))
}

@test "an unknown resource limit is refused" {
	update_config '.process.rlimits = [{"type": "RLIMIT_NOSUCH", "soft": 1, "hard": 1}]'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"runc run failed: wrong rlimit value: RLIMIT_NOSUCH"* ]]
}

@test "a soft limit above the hard one is refused by the kernel" {
	update_config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 20, "hard": 10}]'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"error setting rlimits for ready process: error setting rlimit type 7: invalid argument"* ]]
}
