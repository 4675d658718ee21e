#!/usr/bin/env bats

load helpers

# sysctl sets one parameter, and has the process show a file of /proc/sys.
sysctl() {
	update_config ".linux.sysctl = {\"$1\": \"$2\"} | .process.args = [\"cat\", \"/proc/sys/$3\"]"
}

@test "sysctl sets a parameter of the IPC namespace" {
	sysctl kernel.msgmax 4321 kernel/msgmax
	before=$(cat /proc/sys/kernel/msgmax)
	runc run "$ID"
	expect_ok
	[ "$output" = 4321 ]
	[ "$(cat /proc/sys/kernel/msgmax)" = "$before" ]
}

@test "sysctl sets a parameter of the network namespace" {
	sysctl net.ipv4.ip_forward 1 net/ipv4/ip_forward
	runc run "$ID"
	expect_ok
	[ "$output" = 1 ]
}

@test "sysctl takes slashes for separators" {
	sysctl net/ipv4/conf/lo/forwarding 1 net/ipv4/conf/lo/forwarding
	runc run "$ID"
	expect_ok
	[ "$output" = 1 ]
}

@test "sysctl sets the domain name" {
	sysctl kernel.domainname example.test kernel/domainname
	runc run "$ID"
	expect_ok
	[ "$output" = example.test ]
}

@test "sysctl of a missing parameter fails" {
	sysctl net.ipv4.nosuch 1 version
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"open sysctl net.ipv4.nosuch file: "*"no such file or directory"* ]]
}

@test "sysctl of a value that the kernel refuses fails" {
	sysctl kernel.msgmax many version
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"sysctl kernel.msgmax: "*"invalid argument"* ]]
}

@test "sysctl of a parameter that no namespace has is refused" {
	sysctl kernel.pid_max 1000 version
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'sysctl \"kernel.pid_max\" is not in a separate kernel namespace'* ]]
}

@test "sysctl of the host's network namespace is refused" {
	sysctl net.ipv4.ip_forward 1 version
	update_config '.linux.namespaces -= [{"type": "network"}]'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'sysctl \"net.ipv4.ip_forward\"'*"not allowed in host network namespace"* ]]
}

@test "sysctl cannot set the host name behind the configuration's back" {
	sysctl kernel.hostname other version
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *'sysctl \"kernel.hostname\" is not allowed as it conflicts with the OCI \"hostname\" field'* ]]
}
