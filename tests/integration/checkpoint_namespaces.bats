#!/usr/bin/env bats
# checkpoint and restore: what a container shares with others, and its network.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts for shells inside; each test is a subshell; bats sets status

load helpers
load criu

setup() {
	setup_bundle
	needs_criu
}

teardown() {
	local f
	for f in "$TMP"/holder.*; do
		[ ! -e "$f" ] || kill "$(cat "$f")" 2>/dev/null || true
	done
	common_teardown
}

# holder NAME FLAG...: a process in namespaces of its own, which it keeps.
holder() {
	local name=$1
	shift
	unshare "$@" sh -c 'echo $$ >"$1"; exec sleep 1000' sh "$TMP/holder.$name" </dev/null >/dev/null 2>&1 3>&- &
	wait_for test -s "$TMP/holder.$name"
}

# join KIND PATH: the container joins this namespace.
join() {
	update_config '.linux.namespaces |= map(if .type == $k then .path = $p else . end)' --arg k "$1" --arg p "$2"
}

same() { [ "$(readlink "/proc/$(init_pid)/ns/$1")" = "$(readlink "/proc/$(cat "$TMP/holder.$2")/ns/$1")" ]; }

@test "checkpoint: a network namespace that is joined is left alone, and joined again" {
	holder a --net
	join network "/proc/$(cat "$TMP/holder.a")/ns/net"
	counting
	checkpoint
	restore
	goes_on "$(count)"
	same net a
}

@test "restore: into another network namespace than before" {
	holder a --net
	join network "/proc/$(cat "$TMP/holder.a")/ns/net"
	counting
	checkpoint
	holder b --net
	join network "/proc/$(cat "$TMP/holder.b")/ns/net"
	restore
	goes_on "$(count)"
	same net b
}

@test "checkpoint: IPC and UTS namespaces that are joined are joined again" {
	holder a --ipc --uts
	nsenter -t "$(cat "$TMP/holder.a")" -u hostname shared
	update_config 'del(.hostname)'
	join ipc "/proc/$(cat "$TMP/holder.a")/ns/ipc"
	join uts "/proc/$(cat "$TMP/holder.a")/ns/uts"
	counting
	checkpoint
	restore
	goes_on "$(count)"
	same ipc a
	same uts a
	runc exec "$ID" hostname
	[ "$output" = shared ]
}

@test "restore: a namespace that does not exist is named, nothing is left" {
	holder a --net
	join network "/proc/$(cat "$TMP/holder.a")/ns/net"
	counting
	checkpoint
	join network "$TMP/nosuch"
	runc restore --image-path "$IMAGES" "$ID"
	expect_error "$TMP/nosuch: no such file or directory (config.json: linux.namespaces["
	[ ! -e "$ROOT/$ID" ]
}

@test "checkpoint --empty-ns network: the network is left to the hooks of the restore" {
	counting
	checkpoint --empty-ns network
	update_config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "nsenter -t $(jq .pid) -n ip link set lo mtu 1234"], env: ["PATH=" + $p]}]' --arg p "$PATH"
	restore --empty-ns network
	goes_on "$(count)"
	[ "$(nsenter -t "$(init_pid)" -n cat /proc/sys/net/ipv4/ip_forward >/dev/null; nsenter -t "$(init_pid)" -n ip -o link show lo | grep -o 'mtu [0-9]*')" = 'mtu 1234' ]
}

@test "checkpoint --tcp-established: a connection is kept" {
	busybox nc --help 2>&1 | grep -q -- -l || skip "busybox's nc cannot listen"
	update_config 'del(.hostname)'
	# Both ends are inside: with the network of its own.
	sh_args 'nc -l -p 7777 -e sh -c "while read l; do echo got \$l; done" &
		until [ -e /go ]; do sleep 0.02; done | cat; sleep 0.1
		(echo one; until [ -e /again ]; do sleep 0.02; done; echo two; sleep 1000) | nc 127.0.0.1 7777 >/said'
	touch "$BUNDLE/rootfs/go"
	__runc run -d "$ID" </dev/null >/dev/null 2>"$TMP/err" 3>&- || { cat "$TMP/err"; return 1; }
	wait_for grep -q 'got one' "$BUNDLE/rootfs/said"
	runc checkpoint --image-path "$TMP/without" "$ID"
	expect_error "Connected TCP socket, consider using --tcp-established option"
	state_is running
	runc checkpoint --tcp-established --image-path "$IMAGES" "$ID"
	[[ $output != *"Can't get 1:16 opt"* ]] || skip "this CRIU asks for socket options that this kernel has no more (SO_PASSCRED of TCP)"
	[[ $output != *iptables* ]] || skip "CRIU cannot lock the network here (iptables)"
	expect_ok
	__runc restore -d --tcp-established --image-path "$IMAGES" "$ID" </dev/null >/dev/null 2>"$TMP/err" 3>&- || { cat "$TMP/err"; return 1; }
	touch "$BUNDLE/rootfs/again"
	wait_for grep -q 'got two' "$BUNDLE/rootfs/said"
}
