#!/usr/bin/env bats

load helpers

@test "the environment is config.json's, the last of equal names wins" {
	args env
	update_config '.process.env = ["PATH=/bin", "A=1", "B=2", "A=3"]'
	runc run "$ID"
	expect_ok
	[ "$(sort <<<"$output")" = "$(printf '%s\n' A=3 B=2 HOME=/root PATH=/bin)" ]
}

@test "HOME comes from the container's passwd file when unset or empty" {
	sh_args 'echo $HOME'
	echo 'u:x:77:0::/the/home:/bin/sh' >>rootfs/etc/passwd
	update_config '.process.user.uid = 77'
	runc run "$ID"
	[ "$output" = /the/home ]
	update_config '.process.env += ["HOME="]'
	runc run "$ID"
	[ "$output" = /the/home ]
	update_config '.process.env += ["HOME=/own"]'
	runc run "$ID"
	[ "$output" = /own ]
	update_config '.process.user.uid = 78 | .process.env |= map(select(startswith("HOME") | not))'
	runc run "$ID"
	[ "$output" = / ]
}

@test "user, group and additional groups" {
	args id
	update_config '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [5, 7]}'
	runc run "$ID"
	expect_ok
	[[ $output == "uid=1000 gid=1001 groups="*5*7* ]]
}

@test "the working directory is made when missing" {
	args pwd
	update_config '.process.cwd = "/nosuch/deep"'
	runc run "$ID"
	expect_ok
	[ "$output" = /nosuch/deep ]
}

@test "a working directory on a leaked fd of the host is refused" {
	args pwd
	update_config '.process.cwd = "/proc/self/fd/7"'
	run bash -c 'exec 7</; exec "$@"' x "$RUNC" --root "$ROOT" run "$ID"
	[ "$status" -ne 0 ]
	[ ! -e "$ROOT/$ID" ]
}

@test "umask is 0022 unless set" {
	sh_args umask
	runc run "$ID"
	[ "$output" = 0022 ]
	update_config '.process.user.umask = 63'
	runc run "$ID"
	[ "$output" = 0077 ]
}

@test "noNewPrivileges" {
	args grep NoNewPrivs /proc/self/status
	runc run "$ID"
	[[ $output == *1 ]]
	update_config '.process.noNewPrivileges = false'
	runc run "$ID"
	[[ $output == *0 ]]
}

@test "oomScoreAdj" {
	args cat /proc/self/oom_score_adj
	update_config '.process.oomScoreAdj = 500'
	runc run "$ID"
	[ "$output" = 500 ]
}

@test "without noNewPrivileges or with: no capability but config.json's" {
	args grep Cap /proc/self/status
	runc run "$ID"
	expect_ok
	[[ $output == *"CapInh:"*0000000000000000*"CapPrm:"*0000000020000420*"CapEff:"*0000000020000420*"CapBnd:"*0000000020000420*"CapAmb:"*0000000000000000* ]]
	update_config 'del(.process.capabilities)'
	runc run "$ID"
	[ "$(grep -c 0000000000000000 <<<"$output")" = 5 ]
}

@test "an unknown capability is left out with a warning" {
	update_config '.process.capabilities.bounding += ["CAP_NOSUCH"]'
	runc run "$ID"
	expect_ok
	[[ $output == *"level=warning"*"ignoring unknown or unavailable capabilities: [CAP_NOSUCH]"* ]]
}

@test "ambient capabilities" {
	args grep CapAmb /proc/self/status
	update_config '.process.user.uid = 1000 | .process.capabilities.ambient = ["CAP_KILL"] | .process.capabilities.inheritable = ["CAP_KILL"]'
	runc run "$ID"
	expect_ok
	[[ $output == *0000000000000020 ]]
}

@test "rlimits" {
	sh_args 'ulimit -n; ulimit -Hn'
	update_config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]'
	runc run "$ID"
	expect_ok
	[ "$output" = "$(printf '100\n200')" ]
	update_config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 20, "hard": 10}]'
	runc run "$ID"
	expect_error "error during container init: error setting rlimits for ready process: error setting rlimit type 7: invalid argument"
}

@test "without rlimits the caller's stay" {
	sh_args 'ulimit -n'
	update_config 'del(.process.rlimits)'
	run bash -c 'ulimit -Sn 321; exec "$@"' x "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = 321 ]
}

@test "sysctls are set in the container's namespaces" {
	sh_args 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni'
	update_config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel/shmmni": "123"}'
	runc run "$ID"
	expect_ok
	[ "$output" = "$(printf '1\n123')" ]
	update_config '.linux.sysctl = {"net.ipv4.nosuch": "1"}'
	runc run "$ID"
	expect_error "open sysctl net.ipv4.nosuch file"
}

@test "the process has no fd but its stdio" {
	args ls /proc/self/fd
	run bash -c 'exec 5</; exec "$@"' x "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	# The fourth is ls's own.
	[ "$(wc -l <<<"$output")" = 4 ]
}

@test "--preserve-fds passes the caller's fds on" {
	args cat /proc/self/fd/3
	echo kept >"$TMP/kept"
	run bash -c 'exec 3<"$0"; exec "$@"' "$TMP/kept" "$RUNC" --root "$ROOT" run --preserve-fds 1 "$ID"
	expect_ok
	[ "$output" = kept ]
	run bash -c 'exec 3>&-; exec 4>&-; exec "$@"' x "$RUNC" --root "$ROOT" run --preserve-fds 2 "$ID"
	expect_error "unable to stat preserved-fd 0 (of 2)"
}

@test "sockets of LISTEN_FDS are passed on" {
	sh_args 'echo $LISTEN_FDS $LISTEN_PID; cat <&3'
	echo activated >"$TMP/f"
	run env -u LISTEN_PID LISTEN_FDS=1 bash -c 'exec 3<"$0"; exec "$@"' "$TMP/f" "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = "$(printf '1 1\nactivated')" ]
}

@test "the session keyring is the container's own, unless told otherwise" {
	sh_args 'cat /proc/keys'
	update_config '.linux.maskedPaths = []'
	runc run "$ID"
	expect_ok
	[[ $output == *"_ses.$ID"* ]]
	# Another id: the kernel collects the first one's keyring when it likes.
	runc run --no-new-keyring "$ID-2"
	expect_ok
	[[ $output != *"_ses.$ID-2"* ]]
}
