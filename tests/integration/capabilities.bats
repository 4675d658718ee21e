#!/usr/bin/env bats

load helpers

# The process shows its sets as the kernel has them: CapInh, CapPrm, CapEff,
# CapBnd, CapAmb.
setup() {
	setup_bundle
	update_config '.process.args = ["grep", "^Cap", "/proc/self/status"]'
}

kill=0000000000000020
none=0000000000000000

set_caps() {
	update_config ".process.capabilities = $1"
}

must_have() {
	[[ $output == *"$1:"$'\t'"$2"* ]] || {
		echo "want $1 $2"
		false
	}
}

@test "a process gets the capabilities of each set" {
	set_caps '{"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}'
	runc run "$ID"
	expect_ok
	must_have CapBnd 0000000000000021
	must_have CapEff "$kill"
	must_have CapPrm "$kill"
}

@test "the inheritable set is empty unless asked for" {
	set_caps '{"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}'
	runc run "$ID"
	expect_ok
	must_have CapInh "$none"
	must_have CapAmb "$none"
}

@test "without a capabilities object all are dropped" {
	update_config 'del(.process.capabilities)'
	runc run "$ID"
	expect_ok
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		must_have $set "$none"
	done
}

@test "an ambient capability reaches a process that is not root" {
	set_caps '{"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"],
		"inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
	update_config '.process.user = {"uid": 1000, "gid": 1000}'
	runc run "$ID"
	expect_ok
	must_have CapAmb "$kill"
	must_have CapEff "$kill"
}

@test "without ambient a process that is not root has no effective capability after exec" {
	set_caps '{"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}'
	update_config '.process.user = {"uid": 1000, "gid": 1000}'
	runc run "$ID"
	expect_ok
	must_have CapEff "$none"
}

@test "an ambient capability that is not inheritable is left out with a warning" {
	set_caps '{"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
	runc run "$ID"
	expect_ok
	[[ $output == *level=warning* ]]
	must_have CapAmb "$none"
}

@test "unknown capabilities are left out with a warning" {
	set_caps '{"bounding": ["CAP_KILL", "CAP_NOSUCH"], "effective": ["CAP_ALSO_NOT"]}'
	runc run "$ID"
	expect_ok
	[[ $output == *'level=warning msg="ignoring unknown or unavailable capabilities: [CAP_ALSO_NOT CAP_NOSUCH]"'* ]]
	must_have CapBnd "$kill"
}
