#!/usr/bin/env bats

load helpers

# Everything happens between a network namespace of the test's own, where the
# runtime runs, and the container's; the host's is left alone.
setup() {
	requires root
	command -v ip >/dev/null || skip "needs ip(8)"
	setup_bundle
	# fd 7 keeps the namespace for as long as the test's shell lives.
	unshare -n sleep 60 </dev/null >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for different_netns
	exec 7<"/proc/$holder/ns/net"
	kill "$holder"
	wait "$holder" || true
	in_netns ip link add dev0 mtu 1400 address 02:00:00:00:00:07 type veth peer name peer0
	in_netns ip addr add 192.0.2.1/24 dev dev0
	in_netns ip addr add 2001:db8::1/64 dev dev0 nodad
	in_netns ip link set peer0 up
	in_netns ip link set dev0 up
	update_config '.process.args = ["ip", "addr"]'
}

different_netns() {
	[ "$(readlink "/proc/$holder/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

in_netns() {
	nsenter --net=/dev/fd/7 -- "$@"
}

# runc_in_netns is runc, run in the test's namespace.
runc_in_netns() {
	run in_netns "$RUNC" --root "$ROOT" "$@"
}

@test "a network device keeps its name, MTU, hardware address and addresses" {
	update_config '.linux.netDevices = {"dev0": {}}'
	runc_in_netns run "$ID"
	expect_ok
	[[ $output == *" dev0@"*",UP"*"mtu 1400"* ]]
	[[ $output == *"02:00:00:00:00:07"* ]]
	[[ $output == *"192.0.2.1/24"* ]]
	[[ $output == *"2001:db8::1/64"* ]]
}

@test "a network device gets another name" {
	update_config '.linux.netDevices = {"dev0": {"name": "inside"}}'
	runc_in_netns run "$ID"
	expect_ok
	[[ $output == *" inside@"* ]]
	[[ $output != *" dev0@"* ]]
}

@test "a network device is numbered by a template" {
	update_config '.linux.netDevices = {"dev0": {"name": "eth%d"}}'
	runc_in_netns run "$ID"
	expect_ok
	[[ $output == *" eth0@"* ]]
}

@test "a missing network device is an error" {
	update_config '.linux.netDevices = {"nosuch0": {}}'
	runc_in_netns run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"error creating network interfaces: move netDevice nosuch0 to namespace /proc/"*"/ns/net: link not found for interface nosuch0 on runtime namespace: "* ]]
}

@test "a network device is given back when another one is missing" {
	update_config '.linux.netDevices = {"dev0": {"name": "inside"}, "nosuch0": {}}'
	runc_in_netns run "$ID"
	[ "$status" -eq 1 ]
	run in_netns ip addr show dev dev0
	expect_ok
	[[ $output == *",UP"*"192.0.2.1/24"* ]]
}

@test "a network device is given back when the container does not come up" {
	update_config '.linux.netDevices = {"dev0": {"name": "inside"}} | .process.args = ["nosuchcmd"]'
	runc_in_netns run "$ID"
	[ "$status" -eq 1 ]
	run in_netns ip addr show dev dev0
	expect_ok
	[[ $output == *",UP"*"192.0.2.1/24"* ]]
}

@test "a network device without a network namespace is refused" {
	update_config '.linux.netDevices = {"dev0": {}} | .linux.namespaces -= [{"type": "network"}]'
	runc_in_netns run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"unable to move network devices without a NET namespace"* ]]
}

@test "the loopback device of a container is up" {
	update_config '.process.args = ["ip", "addr", "show", "lo"]'
	runc run "$ID"
	expect_ok
	[[ $output == *"LOOPBACK,UP"* ]]
	[[ $output == *"127.0.0.1/8"* ]]
}
