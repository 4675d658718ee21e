#!/usr/bin/env bats

load helpers

@test "a process gets its arguments, whatever they hold" {
	# shellcheck disable=SC2016 # not for this shell
	update_config '.process.args = ["printf", "<%s>", "a b", "", "*", "$HOME"]'
	runc run "$ID"
	expect_ok
	[ "$output" = "<a b><><*><\$HOME>" ]
}

@test "of an environment variable given twice the last one wins" {
	update_config '.process.env += ["A=1", "B=x", "A=2"] | .process.args = ["env"]'
	runc run "$ID"
	expect_ok
	[ "$(grep -c '^A=' <<<"$output")" -eq 1 ]
	[[ $output == *"A=2"* ]]
	[[ $output == *"B=x"* ]]
}

@test "HOME comes from the container's passwd file" {
	mkdir -p rootfs/etc
	echo "someone:x:1234:1234::/home/someone:/bin/sh" >rootfs/etc/passwd
	# shellcheck disable=SC2016 # for the container's shell
	update_config '.process.user = {"uid": 1234, "gid": 1234} | .process.args = ["sh", "-c", "echo $HOME"]'
	runc run "$ID"
	expect_ok
	[ "$output" = /home/someone ]
}

@test "HOME is / for a user whom the passwd file does not know" {
	mkdir -p rootfs/etc
	: >rootfs/etc/passwd
	# shellcheck disable=SC2016
	update_config '.process.user = {"uid": 1234, "gid": 1234} | .process.args = ["sh", "-c", "echo $HOME"]'
	runc run "$ID"
	expect_ok
	[ "$output" = / ]
}

@test "HOME stays as the configuration has it, unless that is empty" {
	mkdir -p rootfs/etc
	echo "root:x:0:0::/from-passwd:/bin/sh" >rootfs/etc/passwd
	# shellcheck disable=SC2016
	update_config '.process.env += ["HOME=/mine"] | .process.args = ["sh", "-c", "echo $HOME"]'
	runc run "$ID"
	expect_ok
	[ "$output" = /mine ]
	update_config '.process.env += ["HOME="]'
	runc run "$ID-2"
	expect_ok
	[ "$output" = /from-passwd ]
}

@test "a passwd file that is a FIFO does not hold the container up" {
	mkdir -p rootfs/etc
	rm -f rootfs/etc/passwd
	mkfifo rootfs/etc/passwd
	# shellcheck disable=SC2016
	update_config '.process.args = ["sh", "-c", "echo $HOME"]'
	runc run "$ID"
	expect_ok
	[ "$output" = / ]
}

@test "a process gets its working directory" {
	update_config '.process.cwd = "/tmp" | .process.args = ["pwd"]'
	mkdir -p rootfs/tmp
	runc run "$ID"
	expect_ok
	[ "$output" = /tmp ]
}

@test "a missing working directory is made" {
	update_config '.process.cwd = "/made/for/it" | .process.args = ["pwd"]'
	runc run "$ID"
	expect_ok
	[ "$output" = /made/for/it ]
}

@test "a working directory that leads out of the container is refused" {
	update_config '.process.cwd = "/proc/self/fd/7" | .process.args = ["pwd"]'
	runc run "$ID"
	[ "$status" -ne 0 ]
}

@test "a process gets its user, group and additional groups" {
	update_config '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [5, 6]}
		| .process.args = ["sh", "-c", "id -u; id -g; id -G"]'
	runc run "$ID"
	expect_ok
	[ "$output" = $'1000\n1001\n1001 5 6' ]
}

@test "the umask is 0022 unless the configuration has another" {
	update_config '.process.args = ["sh", "-c", "umask"]'
	umask 0
	runc run "$ID"
	expect_ok
	[ "$output" = 0022 ]
	update_config '.process.user.umask = 63'
	runc run "$ID-2"
	expect_ok
	[ "$output" = 0077 ]
}

@test "exec has the container's umask, or that of its process.json" {
	update_config '.process.args = ["sleep", "1000"] | .process.user.umask = 7'
	detached run -d "$ID"
	expect_ok
	jq '.process | .args = ["sh", "-c", "umask"] | .user.umask = 23' config.json >"$TMP/own.json"
	# The second has no short way: see docs/design.md.
	jq '.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4}' "$TMP/own.json" >"$TMP/long.json"
	jq 'del(.user.umask)' "$TMP/long.json" >"$TMP/none.json"
	umask 077
	runc exec "$ID" sh -c umask
	[ "$output" = 0007 ]
	runc exec -p "$TMP/own.json" "$ID"
	[ "$output" = 0027 ]
	runc exec -p "$TMP/long.json" "$ID"
	[ "$output" = 0027 ]
	runc exec -p "$TMP/none.json" "$ID"
	[ "$output" = 0007 ]
	runc exec -t "$ID" sh -c umask
	[ "${output%$'\r'}" = 0007 ]
}

@test "exec has the umask 0022 in a container without one, whatever the caller's" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	umask 0
	runc exec "$ID" sh -c umask
	[ "$output" = 0022 ]
}

@test "exec has the oomScoreAdj of its process.json" {
	requires root
	update_config '.process.args = ["sleep", "1000"] | .process.oomScoreAdj = 100'
	detached run -d "$ID"
	expect_ok
	jq '.process | .args = ["cat", "/proc/self/oom_score_adj"] | .oomScoreAdj = 321' config.json >"$TMP/own.json"
	jq '.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4}' "$TMP/own.json" >"$TMP/long.json"
	jq 'del(.oomScoreAdj)' "$TMP/own.json" >"$TMP/none.json"
	runc exec -p "$TMP/own.json" "$ID"
	[ "$output" = 321 ]
	runc exec -p "$TMP/long.json" "$ID"
	[ "$output" = 321 ]
	runc exec -p "$TMP/none.json" "$ID"
	[ "$output" = 100 ]
}

@test "a program in the working directory is not run by its bare name" {
	printf '#!/bin/sh\necho ran\n' >rootfs/x
	chmod +x rootfs/x
	local path words='exec: "x": cannot run executable found relative to current directory'
	for path in : . :/bin /bin: /bin:. bin:; do
		update_config '.process.args = ["x"] | .process.env = ["PATH=" + $p]' --arg p "$path"
		[ "$path" != bin: ] || cp rootfs/x rootfs/bin/x
		runc run "$ID"
		[ "$status" -eq 1 ]
		expect_error "$words"
		rm -f rootfs/bin/x
	done
	# One that is found before such an element, and a path.
	cp rootfs/x rootfs/bin/y
	update_config '.process.args = ["y"] | .process.env = ["PATH=/bin::."]'
	runc run "$ID"
	[ "$output" = ran ]
	update_config '.process.args = ["./x"]'
	runc run "$ID"
	[ "$output" = ran ]
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc exec -e PATH=:/bin "$ID" x
	[ "$status" -eq 255 ]
	expect_error "$words"
	runc exec -t -e PATH=. "$ID" x
	[ "$status" -eq 255 ]
	expect_error "$words"
}

@test "no new privileges are set when asked for" {
	update_config '.process.noNewPrivileges = true | .process.args = ["grep", "^NoNewPrivs", "/proc/self/status"]'
	runc run "$ID"
	expect_ok
	[ "$output" = $'NoNewPrivs:\t1' ]
	update_config '.process.noNewPrivileges = false'
	runc run "$ID-2"
	expect_ok
	[ "$output" = $'NoNewPrivs:\t0' ]
}

@test "a process gets its OOM score adjustment" {
	update_config '.process.oomScoreAdj = 321 | .process.args = ["cat", "/proc/self/oom_score_adj"]'
	runc run "$ID"
	expect_ok
	[ "$output" = 321 ]
}

@test "without an OOM score adjustment the caller's stays" {
	update_config 'del(.process.oomScoreAdj) | .process.args = ["cat", "/proc/self/oom_score_adj"]'
	mine=$(cat "/proc/$BASHPID/oom_score_adj")
	runc run "$ID"
	expect_ok
	[ "$output" = "$mine" ]
}

@test "a user gets the standard files, so that they can be opened again" {
	update_config '.process.user = {"uid": 1000, "gid": 1000} | .process.args = ["sh", "-c", "echo again >/proc/self/fd/1"]'
	runc run "$ID"
	expect_ok
	[ "$output" = again ]
}

@test "an AppArmor profile that cannot be entered is an error" {
	update_config '.process.apparmorProfile = "nosuch-profile"'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"unable to apply apparmor profile: apparmor failed to apply profile: "* ]]
}

@test "an SELinux label without SELinux is refused" {
	[ ! -d /sys/fs/selinux ] || [ -z "$(ls /sys/fs/selinux)" ] || skip "needs a kernel without SELinux"
	update_config '.process.selinuxLabel = "x"'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"selinux label is specified in config, but selinux is disabled or not supported"* ]]
}

@test "a command that is nowhere in PATH is an error of create" {
	update_config '.process.args = ["nosuchcmd"]'
	runc create "$ID"
	[ "$status" -eq 1 ]
	# shellcheck disable=SC2016 # the words are those
	expect_error 'exec: "nosuchcmd": executable file not found in $PATH'
}

@test "no file descriptor of the runtime is left in the process" {
	update_config '.process.args = ["ls", "/proc/self/fd"]'
	runc run "$ID"
	expect_ok
	# 3 is the folder that ls reads.
	[ "$output" = $'0\n1\n2\n3' ]
}

# shellcheck disable=SC2016 # the container's shell expands it
@test "HOME is / when the passwd file cannot be read" {
	requires root userns
	update_config '.process.env = ["PATH=/bin"] | .process.args = ["sh", "-c", "echo $HOME"]'
	rm rootfs/etc/passwd
	mkdir rootfs/etc/passwd
	runc run "$ID"
	expect_ok
	[ "$output" = / ]
	# Of a user whom the container's root has no power over.
	rmdir rootfs/etc/passwd
	chown -hR 100000:100000 rootfs
	echo 'root:x:0:0::/elsewhere:/bin/sh' >rootfs/etc/passwd
	chmod 600 rootfs/etc/passwd
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
	runc run "$ID"
	expect_ok
	[ "$output" = / ]
}

@test "ids that the kernel would take for no change at all are refused" {
	local field
	for field in uid gid 'additionalGids[0]'; do
		update_config ".process.user = {\"uid\":0,\"gid\":0} | .process.user.$field = 4294967295"
		runc run "$ID"
		expect_error "uids and gids must be in range 0-4294967294, got 4294967295"
	done
}

@test "the highest user and group ids" {
	update_config '.process.user = {"uid":4294967294,"gid":4294967294,"additionalGids":[4294967294]}'
	args grep -E '^(Uid|Gid|Groups):' /proc/self/status
	runc run "$ID"
	expect_ok
	[ "$(grep -o 4294967294 <<<"$output" | wc -l)" = 9 ] || { echo "$output"; return 1; }
}

@test "arguments and variables that no program can be given are refused, and nothing is made" {
	update_config '.process.args = ["true", "a\u0000b"]'
	runc create "$ID"
	expect_error "contains a null byte (config.json: process.args[1])"
	args true
	local v words
	while read -r v words; do
		update_config ".process.env = [\"A=b\", \"$v\"]"
		runc create "$ID"
		expect_error "invalid environment variable"
		expect_error "$words (config.json: process.env[1])"
	done <<-'END'
		NAME missing '='
		=value name cannot be empty
		A=\u0000 contains a null byte
	END
	[ ! -e "$ROOT/$ID" ]
}
