#!/usr/bin/env bats

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

@test "a masked file is empty" {
	echo secret >rootfs/etc/secret
	update_config '.linux.maskedPaths = ["/etc/secret"]'
	sh_args 'cat /etc/secret; stat -c %t:%T /etc/secret; echo x > /etc/secret'
	runc run "$ID"
	expect_ok
	[ "$output" = 1:3 ]
	[ "$(cat rootfs/etc/secret)" = secret ]
}

@test "a masked folder is empty and read-only" {
	mkdir rootfs/secret
	echo x >rootfs/secret/file
	update_config '.linux.maskedPaths = ["/secret"] | .root.readonly = false'
	sh_args 'ls /secret; touch /secret/x 2>/dev/null || echo denied'
	runc run "$ID"
	expect_ok
	[ "$output" = denied ]
}

@test "a path that is named twice is masked once" {
	mkdir rootfs/dir
	touch rootfs/file
	update_config '.linux.maskedPaths = ["/dir","/file","/dir","/file/","//dir","/etc/../file"] | .linux.readonlyPaths = ["/bin","/bin"]'
	args awk '$5 ~ "^/(dir|file|bin)" { print $5 }' /proc/self/mountinfo
	runc run "$ID"
	expect_ok
	[ "$output" = $'/bin\n/dir\n/file' ] || { echo "$output"; return 1; }
}

@test "masked folders share one tmpfs" {
	mkdir rootfs/a rootfs/b rootfs/c
	update_config '.linux.maskedPaths = ["/a","/b","/c"]'
	args stat -c %d /a /b /c
	runc run "$ID"
	expect_ok
	[ "$(sort -u <<<"$output" | wc -l)" = 1 ]
}

@test "what is missing needs no mask" {
	update_config '.linux.maskedPaths = ["/nosuch","/etc/passwd/nosuch"] | .linux.readonlyPaths = ["/nosuch","/etc/passwd/nosuch"]'
	runc run "$ID"
	expect_ok
}

@test "a path masked through a symlink is masked where it leads" {
	echo secret >rootfs/etc/secret
	ln -s etc/secret rootfs/link
	update_config '.linux.maskedPaths = ["/link"]'
	args cat /etc/secret
	runc run "$ID"
	expect_ok
	[ -z "$output" ]
}

@test "the masks of the default spec hold" {
	sh_args 'cat /proc/keys /proc/timer_list 2>/dev/null; ls /sys/firmware /proc/acpi 2>/dev/null | grep -v :'
	runc run "$ID"
	[ -z "$output" ]
}

@test "a read-only path cannot be written, with all below" {
	mkdir -p rootfs/ro/sub
	update_config '.root.readonly = false | .linux.readonlyPaths = ["/ro"]
		| .mounts += [{"destination":"/ro/sub","type":"tmpfs","source":"x"}]'
	sh_args 'touch /x || exit 1; touch /ro/x 2>/dev/null || echo denied; touch /ro/sub/x 2>/dev/null || echo denied'
	runc run "$ID"
	expect_ok
	[ "$output" = $'denied\ndenied' ]
}

@test "a read-only path keeps its other attributes" {
	update_config '.linux.readonlyPaths = ["/mnt"] | .mounts += [{"destination":"/mnt","type":"tmpfs","source":"x","options":["nosuid","nodev","noexec","noatime"]}]'
	sh_args "grep ' /mnt ' /proc/self/mountinfo | tail -n 1 | cut -d ' ' -f 6"
	runc run "$ID"
	expect_ok
	[ "$output" = ro,nosuid,nodev,noexec,noatime ]
}

@test "/proc/sys is read-only by default" {
	requires root
	sh_args 'echo 1 > /proc/sys/kernel/panic_on_oops'
	runc run "$ID"
	[ "$status" -ne 0 ]
	[[ $output == *"Read-only"* ]]
}

@test "masks hold in a user namespace and cannot be taken away" {
	requires root userns
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}]
		| .linux.gidMappings = .linux.uidMappings'
	sh_args 'cat /proc/keys; umount /proc/keys 2>/dev/null || echo kept'
	runc run "$ID"
	expect_ok
	[ "$output" = kept ]
}

@test "masks of paths that lead nowhere are passed over" {
	ln -s /nosuch rootfs/dangling
	touch rootfs/file
	update_config '.linux.maskedPaths = ["/dangling","/file/below","/no/such"] | .linux.readonlyPaths = .linux.maskedPaths'
	args readlink /dangling
	runc run "$ID"
	expect_ok
	[ "$output" = /nosuch ]
}

@test "an empty path masks nothing" {
	update_config '.linux.maskedPaths = ["", "/etc"] | .linux.readonlyPaths = [""] | .root.readonly = false'
	sh_args 'ls /bin/sh && touch /new && ls /etc'
	runc run "$ID"
	expect_ok
	[ "$output" = /bin/sh ]
}
