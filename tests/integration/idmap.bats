#!/usr/bin/env bats

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

setup() {
	setup_bundle
	requires root userns
	mkdir -p vol/sub
	touch vol/file vol/sub/file
	chown 1:2 vol/file
	chown 3:4 vol/sub/file
	MAPS='"uidMappings":[{"containerID":0,"hostID":5000,"size":1000}],"gidMappings":[{"containerID":0,"hostID":6000,"size":1000}]'
}

# volume OPTION [MAPS]
volume() {
	update_config ".mounts += [{\"destination\":\"/mnt\",\"type\":\"bind\",\"source\":\"$BUNDLE/vol\",\"options\":[\"rbind\",\"$1\"]${2:+,$2}}]"
}

user_namespace() {
	chown -hR 100000:200000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}]
		| .linux.gidMappings = [{"containerID":0,"hostID":200000,"size":65536}]'
}

# supported: this kernel and file system can do it, or the test is skipped.
supported() {
	[[ $output == *"not supported by the kernel"* ]] && skip "no id-mapped mounts on this file system"
	expect_ok
}

@test "a mount with maps shows mapped owners" {
	volume idmap "$MAPS"
	args stat -c %u:%g /mnt/file
	runc run "$ID"
	supported
	[ "$output" = 5001:6002 ]
}

@test "maps without the option are enough" {
	update_config ".mounts += [{\"destination\":\"/mnt\",\"type\":\"bind\",\"source\":\"$BUNDLE/vol\",\"options\":[\"bind\"],$MAPS}]"
	args stat -c %u:%g /mnt/file
	runc run "$ID"
	supported
	[ "$output" = 5001:6002 ]
}

@test "idmap leaves mounts below alone, ridmap maps them too" {
	local o want
	while read -r o want; do
		update_config '.mounts = .mounts[0:7]'
		volume "$o" "$MAPS"
		args stat -c %u:%g /mnt/sub/file
		run unshare -m sh -ec 'mount --make-rprivate /; mount -t tmpfs x "$1/sub"; touch "$1/sub/file"; chown 7:8 "$1/sub/file"; shift; exec "$@"' \
			sh "$BUNDLE/vol" "$RUNC" --root "$ROOT" run "$ID"
		[ "$o" = ridmap ] && [ "$status" -ne 0 ] && [[ $output == *"not supported"* ]] && skip "no id-mapped tmpfs"
		supported
		[ "$output" = "$want" ] || { echo "$o gives $output"; return 1; }
	done <<-END
		idmap 7:8
		ridmap 5007:6008
	END
}

@test "in a user namespace the container's own maps are the default" {
	user_namespace
	volume idmap
	args stat -c %u:%g /mnt/file
	runc run "$ID"
	supported
	[ "$output" = 1:2 ]
}

@test "in a user namespace a mount may have maps of its own" {
	user_namespace
	volume idmap '"uidMappings":[{"containerID":0,"hostID":100010,"size":1000}],"gidMappings":[{"containerID":0,"hostID":200020,"size":1000}]'
	args stat -c %u:%g /mnt/file
	runc run "$ID"
	supported
	[ "$output" = 11:22 ]
}

@test "what the container writes has the owner that the maps say" {
	user_namespace
	chown 0:0 vol
	volume idmap
	args touch /mnt/new
	runc run "$ID"
	supported
	[ "$(stat -c %u:%g vol/new)" = 0:0 ]
}

@test "only bind mounts can be mapped" {
	update_config ".mounts += [{\"destination\":\"/mnt\",\"type\":\"tmpfs\",\"source\":\"x\",$MAPS}]"
	runc run "$ID"
	expect_error "only supported for bind-mounts"
}

@test "in a user namespace a source that its root cannot reach is mounted" {
	user_namespace
	chmod 700 vol
	mkdir -m 700 secret secret/in
	chown 100000:200000 secret/in
	echo hello >secret/in/file
	chmod 644 secret/in/file
	update_config '.mounts += [{"destination":"/mnt","type":"bind","source":$s,"options":["bind","ro"]}]' --arg s "$BUNDLE/secret/in"
	args cat /mnt/file
	runc run "$ID"
	expect_ok
	[ "$output" = hello ]
}

@test "in a user namespace the root may be reachable by its group only" {
	user_namespace
	chown 0:200000 "$BUNDLE"
	chmod 710 "$BUNDLE"
	runc run "$ID"
	expect_ok
}

@test "in a user namespace locked attributes stay, and clearing them is an error" {
	user_namespace
	mkdir src
	chmod 755 src
	update_config '.mounts += [{"destination":"/mnt","type":"bind","source":$s,"options":["bind","ro"]}]' --arg s "$BUNDLE/src"
	sh_args "grep ' /mnt ' /proc/self/mountinfo | cut -d ' ' -f 6"
	where='mount --make-rprivate /; mount -t tmpfs -o nosuid,nodev,mode=755 x "$1"; shift; exec "$@"'
	run unshare -m sh -ec "$where" sh "$BUNDLE/src" "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[[ $output == ro,nosuid,nodev* ]]
	update_config '.mounts[-1].options = ["bind","dev"]'
	run unshare -m sh -ec "$where" sh "$BUNDLE/src" "$RUNC" --root "$ROOT" run "$ID"
	expect_error "cannot clear locked flags"
}

@test "the source of an id-mapped mount may be what an earlier mount shows" {
	mkdir rootfs/a
	touch rootfs/a/file
	args stat -c %u:%g /b/file
	update_config ".mounts += [{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"vol\",\"options\":[\"bind\"]},
		{\"destination\":\"/b\",\"type\":\"bind\",\"source\":\"rootfs/a\",\"options\":[\"bind\",\"idmap\"],$MAPS}]"
	runc run "$ID"
	supported
	[ "$output" = 5001:6002 ]
}

@test "300 id-mapped mounts need few descriptors, and mounts with the same maps share a user namespace" {
	mkdir -p rootfs/m
	update_config '.process.rlimits = [] | .mounts += [range(300) | {"destination":"/m/\(.)","type":"bind","source":"vol","options":["bind"],
		"uidMappings":[{"containerID":0,"hostID":(if . == 299 then 7000 else 5000 end),"size":1000}],"gidMappings":[{"containerID":0,"hostID":6000,"size":1000}]}]'
	sh_args 'grep -c " /m/[0-9]* .*idmapped" /proc/self/mountinfo; stat -c %u:%g /m/0/file /m/298/file /m/299/file'
	run sh -c 'ulimit -n "$1"; shift; exec "$@"' sh 128 "$RUNC" --root "$ROOT" run "$ID"
	supported
	[ "$output" = $'300\n5001:6002\n5001:6002\n7001:6002' ] || { echo "$output"; return 1; }
	command -v strace >/dev/null || return 0
	args true
	strace -f -qq -e trace=clone3,clone,unshare -o "$TMP/trace" "$RUNC" --root "$ROOT" run "$ID"
	[ "$(grep -c CLONE_NEWUSER "$TMP/trace")" = 2 ] || { grep NEWUSER "$TMP/trace"; return 1; }
}

@test "300 mounts in a user namespace need few descriptors" {
	user_namespace
	mkdir -p rootfs/m vol/own
	chown 100000:200000 rootfs/m vol/own
	chmod 700 vol
	update_config '.process.rlimits = [] | .mounts += [range(300) | {"destination":"/m/\(.)","type":"bind","source":"vol/own","options":["bind"]}]'
	args grep -c ' /m/[0-9]* ' /proc/self/mountinfo
	run sh -c 'ulimit -n "$1"; shift; exec "$@"' sh 64 "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = 300 ]
}

@test "sources are those of init's own mount namespace, whichever namespaces are joined" {
	user_namespace
	args sleep 100
	detached run -d "$ID"
	expect_ok
	local edit
	mkdir -m 700 secret
	mkdir -m 755 secret/vol
	touch secret/vol/file
	update_config '(.linux.namespaces[] | select(.type == "user")).path = $p + "user" | del(.linux.uidMappings, .linux.gidMappings)
		| .mounts += [{"destination":"/a","type":"bind","source":"secret/vol","options":["bind"]},
			{"destination":"/b","type":"bind","source":"rootfs/a","options":["bind","idmap"]}]' --arg p "/proc/$(init_pid)/ns/"
	args stat -c %u:%g /a/file /b/file
	for edit in . '(.linux.namespaces[] | select(.type == "pid")).path = $p + "pid"'; do
		update_config "$edit" --arg p "/proc/$(init_pid)/ns/"
		runc run "$ID-2"
		supported
		[ "$output" = $'65534:65534\n0:0' ] || { echo "$edit: $output"; return 1; }
	done
}

@test "an id-mapped mount works without a mount namespace" {
	volume idmap "$MAPS"
	update_config 'del(.linux.namespaces[] | select(.type == "mount")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	args stat -c %u:%g /mnt/file
	runc run "$ID"
	supported
	[ "$output" = 5001:6002 ]
}

@test "several mounts may have several maps" {
	local i
	for i in 1 2 3; do
		update_config '.mounts += [{"destination":"/m\($i)","type":"bind","source":"vol","options":["bind"],
			"uidMappings":[{"containerID":0,"hostID":($i*1000),"size":10},{"containerID":10,"hostID":($i*1000+500),"size":10}],
			"gidMappings":[{"containerID":0,"hostID":($i*1000),"size":10}]}]' --argjson i "$i"
	done
	chown 12:2 vol/file
	args stat -c %u:%g /m1/file /m2/file /m3/file
	runc run "$ID"
	supported
	[ "$output" = $'1502:1002\n2502:2002\n3502:3002' ]
}

@test "an id-mapped mount keeps its other options" {
	volume idmap "$MAPS"
	update_config '.mounts[-1].options += ["ro","noexec","rnosuid"]'
	args grep ' /mnt ' /proc/self/mountinfo
	runc run "$ID"
	supported
	[[ $output == *" /mnt ro,nosuid,noexec,"*idmapped* ]] || { echo "$output"; return 1; }
}

@test "an id-mapped mount needs maps for users and for groups" {
	volume idmap '"uidMappings":[{"containerID":0,"hostID":5000,"size":1000}]'
	runc run "$ID"
	expect_error "must have both uid and gid mappings specified"
	update_config '.mounts[-1] |= del(.uidMappings)'
	runc run "$ID"
	expect_error "must have both uid and gid mappings specified"
}
