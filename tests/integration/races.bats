#!/usr/bin/env bats
# Somebody who can write to a volume, or to the image, exchanges a folder for a
# symlink to the host's all the time, while containers are set up.

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

setup() {
	setup_bundle
	command -v python3 >/dev/null || skip "needs python3 for renameat2"
	VICTIM=$TMP/victim
	mkdir -p "$VICTIM/sub"
	echo untouched >"$VICTIM/file"
	ls -lnR "$VICTIM" >"$TMP/was"
}

# exchange A B: all the time, until calm.
exchange() {
	python3 - "$BUNDLE/rootfs/$1" "$BUNDLE/rootfs/$2" 3>&- <<-'END' &
		import ctypes, os, sys
		libc = ctypes.CDLL(None)
		a, b = (p.encode() for p in sys.argv[1:])
		parent = os.getppid()
		while os.getppid() == parent:
		    for _ in range(1000):
		        if libc.renameat2(-100, a, -100, b, 2) != 0:
		            sys.exit(1)
	END
	SWAPPER=$!
}

# set_ups N [COMMAND...]: runs the container N times, by the command.
set_ups() {
	local n=$1 i
	shift
	good=0
	for ((i = 0; i < n; i++)); do
		"$@" "$RUNC" --root "$ROOT" run "$ID" </dev/null >/dev/null 2>"$TMP/err" 3>&- && good=$((good + 1))
	done
	# It has been exchanging all along.
	kill "$SWAPPER"
	wait "$SWAPPER" || [ $? = 143 ]
	echo "$good of $n set-ups succeeded"
	[ "$good" -gt 0 ]
}

# victim_is_well: nothing was made, changed or mounted in the host's folder.
victim_is_well() {
	diff "$TMP/was" <(ls -lnR "$VICTIM")
	[ "$(cat "$VICTIM/file")" = untouched ]
	if grep -F " $VICTIM" /proc/self/mountinfo; then return 1; fi
}

@test "a racing renamer gains nothing in 200 set-ups of mounts (CVE-2021-30465, CVE-2024-45310)" {
	mkdir -p rootfs/vol/real
	ln -s "$VICTIM" rootfs/vol/link
	echo x >"$TMP/source"
	update_config '.mounts += [
		{"destination":"/vol/real/deep/folder","type":"bind","source":"/etc","options":["bind"]},
		{"destination":"/vol/real/file","type":"bind","source":$s,"options":["bind"]},
		{"destination":"/vol/real/sub","type":"tmpfs","source":"x","options":["tmpcopyup"]},
		{"destination":"/vol/real/tmp","type":"tmpfs","source":"x"}]' --arg s "$TMP/source"
	exchange vol/real vol/link
	set_ups 200
	victim_is_well
}

@test "nor in 200 set-ups of devices (CVE-2026-41579)" {
	requires root
	mkdir -p rootfs/vol/real
	ln -s "$VICTIM" rootfs/vol/link
	update_config '.linux.devices = [{"path":"/vol/real/node","type":"c","major":1,"minor":3,"uid":7},
		{"path":"/vol/real/deep/pipe","type":"p","fileMode":384}]'
	exchange vol/real vol/link
	set_ups 200
	victim_is_well
}

@test "nor in 100 set-ups of /dev and a terminal (CVE-2025-52565, CVE-2026-41579)" {
	requires root
	mkdir rootfs/vol
	ln -s "$VICTIM" rootfs/vol/dev
	update_config '.mounts |= map(select(.destination == "/dev" | not)) | .process.terminal = true'
	exchange dev vol/dev
	terminal() { script -qec "$*" /dev/null; }
	set_ups 100 terminal
	victim_is_well
}

@test "nor in 100 set-ups in a user namespace (CVE-2021-30465)" {
	requires root userns
	mkdir -p rootfs/vol/real
	ln -s "$VICTIM" rootfs/vol/link
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}]
		| .mounts += [{"destination":"/vol/real/new","type":"bind","source":"/etc","options":["bind"]}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
	chmod 777 "$VICTIM"
	ls -lnR "$VICTIM" >"$TMP/was"
	exchange vol/real vol/link
	set_ups 100
	victim_is_well
}

@test "nor in 100 set-ups of masked and read-only paths (CVE-2025-31133)" {
	mkdir -p rootfs/vol/real/sub "rootfs$VICTIM/sub"
	echo x >rootfs/vol/real/file
	echo x >"rootfs$VICTIM/file"
	ln -s "$VICTIM" rootfs/vol/link
	update_config '.linux.maskedPaths += ["/vol/real/file","/vol/real/sub"] | .linux.readonlyPaths += ["/vol/real"]'
	exchange vol/real vol/link
	set_ups 100
	victim_is_well
	[ "$(cat "rootfs$VICTIM/file")" = x ]
}

@test "nor in 100 set-ups of procfs, with parameters written to it (CVE-2019-19921, CVE-2023-27561, CVE-2025-52881)" {
	requires root
	local before
	before=$(cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward)
	mkdir rootfs/vol
	ln -s "$VICTIM" rootfs/vol/proc
	update_config '.linux.sysctl = {"kernel.shmmni":"4001","net.ipv4.ip_forward":"1"} | .linux.maskedPaths = ["/proc/keys"]'
	exchange proc vol/proc
	set_ups 100
	victim_is_well
	[ "$(cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward)" = "$before" ]
}
