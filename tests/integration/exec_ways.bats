#!/usr/bin/env bats
# A process in a container is made by the stub or by runc init, which in turn is
# brought into the container by the stub or by a relay (docs/design.md). The
# process must not be able to tell which.
# shellcheck disable=SC2016,SC2154 # the scripts expand in the container; bats sets status and output

load helpers

# What a process can find out about itself.
WHOAMI='
pwd; umask; env | sort
grep -E "^(Groups|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|Cpus_allowed|Mems_allowed|Sig(Blk|Ign|Cgt)|Umask|THP_enabled|CoreDumping|Uid|Gid):" /proc/self/status
cat /proc/self/limits /proc/self/cgroup /proc/self/oom_score_adj /proc/self/personality /proc/self/timerslack_ns
sed "s/.*) //" /proc/self/stat | { read -r _ _ pgrp session tty _; [ "$pgrp" = "$session" ] && echo leads; echo "tty $tty"; }
cut -d" " -f 4- /proc/keys 2>/dev/null | grep -c _ses
stat -c %u:%g /proc/$$; readlink /proc/self/root
for n in /proc/self/ns/*; do readlink $n; done
exec ls -ln /proc/self/fd 2>/dev/null'

# both PROCESS-EXPRESSION: the same by every way.
both() {
	jq -n "{args: [\"sh\", \"-c\", \$w], cwd: \"/\", user: {uid: 0, gid: 0}, env: [\"PATH=/bin\", \"B=1\", \"A=2\"]} | $1" \
		--arg w "$WHOAMI" >"$TMP/process.json"
	local way
	for way in stub go relay; do
		run env _RUNC_TEST_INIT="${way#stub}" timeout -s KILL 20 "$RUNC" --root "$ROOT" exec -p "$TMP/process.json" "$ID" </dev/null
		expect_ok
		# Of a link: its number, and where it leads but for the inode.
		sed -E 's/^l[^ ]* .* ([0-9]+ -> )/\1/; s/\[[0-9]+\]$//; /^lr-x.* 3$/d' <<<"$output" >"$TMP/$way.out"
	done
	[ "$(wc -l <"$TMP/stub.out")" -gt 40 ]
	diff "$TMP/stub.out" "$TMP/go.out"
	diff "$TMP/stub.out" "$TMP/relay.out"
}

# started [EXPRESSION]: the container runs.
started() {
	setup_bundle
	update_config "${1:-.}"
	args sleep 1000
	detached run -d "$ID"
	expect_ok
}

setup() { :; }

@test "a plain process" {
	started
	both .
}

@test "a process of a user, with groups" {
	started
	both '.user = {uid: 5, gid: 6, additionalGids: [7, 8]}'
}

@test "a process with capabilities, ambient ones as well" {
	started
	both '.capabilities = ({bounding: ["CAP_KILL", "CAP_CHOWN"]} | .permitted = .bounding | .effective = ["CAP_KILL"]
		| .inheritable = .bounding | .ambient = ["CAP_CHOWN"]) | .user = {uid: 5, gid: 5}'
}

@test "a process without any capability, and no new privileges" {
	started
	both '.noNewPrivileges = true'
}

@test "a process with limits" {
	started
	both '.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0}]'
}

@test "a process with a working directory" {
	started
	both '.cwd = "/tmp"'
}

@test "a process with an OOM score adjustment and a CPU affinity" {
	requires root
	started '.process.oomScoreAdj = 500'
	both '.execCPUAffinity = {initial: "0", final: "1"}'
}

@test "HOME from the container's passwd file" {
	started
	echo 'five:x:5:5::/home/of-five:/bin/sh' >>"$BUNDLE/rootfs/etc/passwd"
	both '.user = {uid: 5, gid: 5}'
	grep -x HOME=/home/of-five "$TMP/stub.out"
	# Empty is as none; and a file that does not fit into one message.
	both '.user = {uid: 5, gid: 5} | .env += ["HOME="]'
	grep -x HOME=/home/of-five "$TMP/stub.out"
	{ yes 'other:x:9:9::/nowhere:/bin/sh' | head -n 3000; echo 'six:x:6:6::/home/of-six:/bin/sh'; } >>"$BUNDLE/rootfs/etc/passwd"
	both '.user = {uid: 6, gid: 6}'
	grep -x HOME=/home/of-six "$TMP/stub.out"
}

@test "passwd files that are not what they should be" {
	started
	local kind
	for kind in fifo device folder link missing; do
		rm -rf "$BUNDLE/rootfs/etc/passwd"
		case $kind in
		fifo) mkfifo "$BUNDLE/rootfs/etc/passwd" ;;
		device) ln -s /dev/zero "$BUNDLE/rootfs/etc/passwd" ;;
		folder) mkdir "$BUNDLE/rootfs/etc/passwd" ;;
		link) ln -s /proc/self/root/etc/passwd "$BUNDLE/rootfs/etc/passwd" ;;
		esac
		both .
		grep -x HOME=/ "$TMP/stub.out"
	done
}

@test "a seccomp filter, with no new privileges and without" {
	[ "$(uname -m)" = x86_64 ] || skip "the profile here is for x86_64"
	started ".linux.seccomp = $(cat "$TOP/libcontainer/seccomp/testdata/default.json")"
	both '.noNewPrivileges = true'
	grep -P '^Seccomp:\t2' "$TMP/stub.out"
	both '.noNewPrivileges = false'
	grep -P '^Seccomp_filters:\t1' "$TMP/stub.out"
}

@test "a user namespace" {
	requires root userns
	started '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	both .
	both '.user = {uid: 5, gid: 6, additionalGids: [7]}'
}

@test "the host's pid, network and ipc namespaces" {
	started 'del(.linux.namespaces[] | select(.type == "pid" or .type == "network" or .type == "ipc"))'
	both .
}

@test "a program that is found by PATH, past what is none" {
	started
	mkdir -p "$BUNDLE/rootfs/a/sh" "$BUNDLE/rootfs/b"
	echo x >"$BUNDLE/rootfs/b/sh"
	both '.env = ["PATH=/a:/b:/nonesuch:/bin"]'
}

@test "an exec executes the stub and the user's program, nothing else" {
	# With systemd the program under test is started by a script, which is one more.
	requires root cgroupfs
	command -v strace >/dev/null || skip "needs strace"
	started
	strace -f -qq -s 100 -e trace=execve,execveat -o "$TMP/strace" "$RUNC" --root "$ROOT" exec "$ID" true </dev/null 3>&-
	grep -F 'execve("/bin/true"' "$TMP/strace"
	[ "$(grep -c '"runc", "init"' "$TMP/strace")" = 1 ]
	# strace may write a call in two lines.
	[ "$(grep -cE 'execve(at)?(\(| resumed).* = 0$' "$TMP/strace")" = 3 ]
}
