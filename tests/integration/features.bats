#!/usr/bin/env bats
# features, --help and --version: what tools parse to find out what there is.

load helpers

commands="create run start exec kill delete list ps state pause resume update events spec features"

setup() {
	setup_bundle
	mkdir -p "$ROOT"
}

# lists FILTER WORD...: the list that the filter gives holds just these words.
lists() {
	local filter=$1 want
	shift
	want=$(printf '%s\n' "$@" | sort)
	[ "$(__runc features | jq -r "$filter | .[]" | sort)" = "$want" ]
}

@test "features lists every hook" {
	lists .hooks prestart createRuntime createContainer startContainer poststart poststop
}

@test "features lists every namespace" {
	lists .linux.namespaces cgroup ipc mount network pid time user uts
}

@test "features lists every mount option, sorted" {
	lists .mountOptions async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime \
		nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime \
		rbind rdev rdiratime relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid \
		rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent \
		slave strictatime suid symfollow sync tmpcopyup unbindable
	__runc features | jq -e '.mountOptions == (.mountOptions | sort)'
}

@test "features lists every capability, in the kernel's order" {
	__runc features | jq -e '.linux.capabilities | length == 41 and .[0] == "CAP_CHOWN" and .[40] == "CAP_CHECKPOINT_RESTORE"'
}

@test "features lists modes and flags of memory policies" {
	lists .linux.memoryPolicy.modes MPOL_BIND MPOL_DEFAULT MPOL_INTERLEAVE MPOL_LOCAL MPOL_PREFERRED \
		MPOL_PREFERRED_MANY MPOL_WEIGHTED_INTERLEAVE
	lists .linux.memoryPolicy.flags MPOL_F_NUMA_BALANCING MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES
}

@test "features tells of cgroups, LSMs, id-mapped mounts, RDT and network devices" {
	__runc features | jq -e '.linux.cgroup == {"v1": true, "v2": true, "systemd": true, "systemdUser": true, "rdma": true}
		and .linux.apparmor.enabled and .linux.selinux.enabled and .linux.mountExtensions.idmap.enabled
		and .linux.intelRdt.enabled and .linux.netDevices.enabled'
}

@test "features names the versions" {
	__runc features | jq -e --arg v "$(__runc --version | sed -n '1s/runc version //p')" \
		'.ociVersionMin == "1.0.0" and .ociVersionMax == "1.3.0" and .annotations["org.opencontainers.runc.version"] == $v'
}

@test "features needs no privilege and no root folder" {
	requires root
	cp "$RUNC" "$TMP/runc"
	run setpriv --reuid 65534 --regid 65534 --clear-groups env -i "$TMP/runc" features
	expect_ok
	jq -e .hooks <<<"$output"
}

@test "--version prints version, specification and Go, a line each" {
	local flag
	for flag in --version -v; do
		runc "$flag"
		expect_ok
		[ "${lines[0]}" = "runc version 1.5.0+go.$(cat "$TOP/VERSION")" ]
		[ "${lines[1]}" = "behaves as: runc 1.5.0" ]
		grep -qx 'spec: 1.3.0' <<<"$output"
		grep -qE '^go: go1\.' <<<"$output"
		[ "$(grep -cvE '^(runc version|behaves as:|commit:|spec:|go:) ' <<<"$output")" = 0 ]
	done
}

@test "--help of the program lists every command" {
	runc --help
	expect_ok
	local c
	for c in $commands; do
		grep -qE "^ +$c +[a-z]" <<<"$output" || { echo "$c is not there"; return 1; }
	done
	! grep -qE '^ +init ' <<<"$output"
	# Whoever mistypes a flag gets the same.
	runc --nosuch list
	[ "$status" -eq 1 ]
	for c in $commands; do
		grep -qE "^ +$c +[a-z]" <<<"$output" || { echo "$c is not there"; return 1; }
	done
}

@test "--help of every command says what it is, and changes nothing" {
	local c flag
	for c in $commands; do
		for flag in --help -h; do
			runc "$c" "$flag"
			expect_ok
			[ "${lines[0]}" = NAME: ]
			[[ ${lines[1]} == *"runc $c - "* ]]
			[[ $output == *"GLOBAL OPTIONS:"* ]]
		done
	done
	[ -z "$(ls -A "$ROOT")" ]
}

@test "an unknown flag of every command is refused" {
	local c
	for c in $commands; do
		runc "$c" --nosuch
		[ "$status" -eq 1 ]
		expect_error "flag provided but not defined: -nosuch"
	done
}

@test "a wrong number of arguments is refused by every command" {
	local c
	for c in update events; do
		runc "$c"
		expect_error "runc: \"$c\" requires exactly 1 argument(s)"
		runc "$c" a b
		expect_error "runc: \"$c\" requires exactly 1 argument(s)"
	done
	for c in spec features; do
		runc "$c" a
		[ "$status" -eq 1 ]
		expect_error "runc: \"$c\" requires exactly 0 argument(s)"
		[[ $output == "Incorrect Usage."* ]]
	done
}

@test "every command that needs a container says that there is none" {
	local c
	for c in start kill delete ps state pause resume update events; do
		runc "$c" nosuch
		[ "$status" -eq 1 ]
		expect_error "container does not exist"
	done
	runc exec nosuch true
	[ "$status" -eq 255 ]
	expect_error "container does not exist"
}

@test "an empty id is refused by every command that needs one" {
	local c
	for c in start kill delete ps state pause resume update events create run; do
		runc "$c" ""
		[ "$status" -eq 1 ]
		expect_error "container id cannot be empty"
	done
}
