#!/usr/bin/env bats

# Bundles that cannot work: the words that callers match, exit status 1, and
# nothing made.

load helpers

refused() { # WORDS
	runc run "$ID"
	[ "$status" -eq 1 ]
	expect_error "$1"
	[ ! -e "$ROOT/$ID" ]
}

@test "a bundle without config.json" {
	rm config.json
	refused "runc run failed: JSON specification file config.json not found"
}

@test "a bundle that does not exist" {
	runc run -b /nosuch "$ID"
	expect_error "runc run failed: chdir /nosuch: no such file or directory"
}

@test "a config.json that is no json" {
	: >config.json
	refused "runc run failed: "
	echo '{' >config.json
	refused "runc run failed: unexpected EOF"
	echo '[]' >config.json
	refused "runc run failed: json: cannot unmarshal array into Go value of type specs.Spec"
	echo 'null' >config.json
	refused "runc run failed: config cannot be null"
	echo '{}' >config.json
	refused "runc run failed: process property must not be empty"
}

@test "a process that lacks what it needs" {
	cp config.json good
	local expression words
	while IFS=$'\t' read -r expression words; do
		cp good config.json
		update_config "$expression"
		refused "runc run failed: $words"
	done <<-'E'
		del(.process)	process property must not be empty
		.process.args=[]	args must not be empty
		.process.cwd=""	Cwd property must not be empty
		.process.cwd="x"	Cwd must be an absolute path
		del(.root)	root must be specified
		.root.path="nosuch"	invalid rootfs: stat
	E
}

@test "settings that cannot be" {
	cp config.json good
	local expression words
	while IFS=$'\t' read -r expression words; do
		cp good config.json
		update_config "$expression"
		refused "runc run failed: $words"
	done <<-'E'
		.process.rlimits=[{"type":"RLIMIT_NOSUCH","hard":1,"soft":1}]	wrong rlimit value: RLIMIT_NOSUCH
		.linux.namespaces+=[{"type":"pid"}]	malformed spec file: duplicated ns {"pid" ""}
		.linux.namespaces+=[{"type":"nosuch"}]	namespace {"nosuch" ""} does not exist
		(.linux.namespaces[]|select(.type=="network")).path="/nosuch"	unable to create new parent process: namespace path: lstat /nosuch: no such file or directory
		del(.linux.namespaces[]|select(.type=="uts"))	unable to set hostname without a private UTS namespace
		.hostname=""|.domainname="x"|del(.linux.namespaces[]|select(.type=="uts"))	unable to set domainname without a private UTS namespace
		del(.linux.namespaces[]|select(.type=="mount"))	unable to restrict sys entries without a private MNT namespace
		.linux.sysctl={"kernel.x":"1"}	sysctl "kernel.x" is not in a separate kernel namespace
		.linux.sysctl={"kernel.hostname":"1"}	sysctl "kernel.hostname" is not allowed as it conflicts with the OCI "hostname" field
		.linux.sysctl={"user.max_x":"1"}	setting ucounts without a user namespace not allowed
		.linux.sysctl={"kernel.sem":"1"}|del(.linux.namespaces[]|select(.type=="ipc"))	sysctl "kernel.sem" is not allowed in the hosts ipc namespace
		.linux.sysctl={"net.x":"1"}|del(.linux.namespaces[]|select(.type=="network"))	sysctl "net.x" not allowed in host network namespace
		.linux.namespaces+=[{"type":"user"}]	user namespaces enabled, but no uid mappings found
		.linux.rootfsPropagation="x"	rootfsPropagation=x is not supported
		.linux.devices=[{"path":"/dev/x","type":"z","major":1,"minor":3}]	invalid device type "z"
		.process.selinuxLabel="x"	selinux label is specified in config, but selinux is disabled or not supported
		.linux.intelRdt={"closID":"x"}	intelRdt is specified in config, but Intel RDT is not enabled
		.process.ioPriority={"class":"x","priority":1}	invalid ioPriority.Class: "x"
		.linux.personality={"domain":"x"}	invalid personality domain x
		.linux.memoryPolicy={"mode":"MPOL_X"}	invalid memory policy mode "MPOL_X"
		.linux.timeOffsets={"monotonic":{"secs":100}}	time namespace offsets specified, but time namespace isn't enabled in the config
		.mounts+=[{"destination":"/mnt","type":"bind","source":"/tmp","options":["bind","size=1"]}]	invalid mount
		.process.scheduler={"policy":"SCHED_OTHER","priority":1}	scheduler.priority can only be specified for SchedFIFO or SchedRR policy
		.linux.seccomp={"defaultAction":"SCMP_ACT_NOSUCH"}	string SCMP_ACT_NOSUCH is not a valid action for seccomp
		.linux.seccomp={"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_NOSUCH"]}	string SCMP_ARCH_NOSUCH is not a valid arch for seccomp
	E
}

@test "errors name the field of config.json" {
	update_config '.linux.devices = [{"path": "/dev/x", "type": "z", "major": 1, "minor": 3}]'
	refused "config.json: linux.devices[0].type"
}

@test "an unknown or missing ociVersion does not matter" {
	update_config '.ociVersion = "9.0.0"'
	runc run "$ID"
	expect_ok
	update_config 'del(.ociVersion)'
	runc run "$ID"
	expect_ok
}

@test "programs that cannot be executed" {
	local p words
	while read -r p words; do
		args "$p"
		refused "runc run failed: unable to start container process: error during container init: exec: \"$p\": $words"
	done <<-'E'
		nosuchcmd executable file not found in $PATH
		/nosuch/cmd stat /nosuch/cmd: no such file or directory
		/etc/passwd permission denied
		/etc is a directory
	E
}

@test "the log file gets the error, and stderr the bare words" {
	args nosuchcmd
	run --separate-stderr "$RUNC" --root "$ROOT" --log "$TMP/log" --log-format json run "$ID"
	[ "$status" -eq 1 ]
	jq -e '.level == "error" and (.msg | test("executable file not found")) and (.time | length > 0)' "$TMP/log"
	[[ $stderr == "runc run failed: "* ]]
	run --separate-stderr "$RUNC" --root "$ROOT" --log "$TMP/text" run "$ID"
	grep -qE '^time="20[^"]*" level=error msg="runc run failed: .*\\"nosuchcmd\\"' "$TMP/text"
}

@test "an invalid log format is refused" {
	run "$RUNC" --log-format x list
	expect_error "invalid log-format: x"
}
