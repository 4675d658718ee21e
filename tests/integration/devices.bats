#!/usr/bin/env bats

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

@test "/dev has the default nodes and links" {
	sh_args 'cd /dev; stat -c "%n %F %t:%T %a %u:%g" null zero full random urandom tty; for l in fd stdin stdout stderr ptmx; do readlink $l; done'
	runc run "$ID"
	expect_ok
	[ "$output" = 'null character special file 1:3 666 0:0
zero character special file 1:5 666 0:0
full character special file 1:7 666 0:0
random character special file 1:8 666 0:0
urandom character special file 1:9 666 0:0
tty character special file 5:0 666 0:0
/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
pts/ptmx' ]
}

@test "devices of config.json have their type, numbers, mode and owner" {
	requires root
	update_config '.linux.devices = [
		{"path":"/dev/net/tun","type":"c","major":10,"minor":200,"fileMode":384,"uid":11,"gid":22},
		{"path":"/dev/disk","type":"b","major":7,"minor":0,"fileMode":432,"gid":6},
		{"path":"/dev/mine","type":"u","major":1,"minor":3},
		{"path":"/run/pipe","type":"p","fileMode":402}]'
	args stat -c '%n %F %t:%T %a %u:%g' /dev/net/tun /dev/disk /dev/mine /run/pipe
	runc run "$ID"
	expect_ok
	[ "$output" = '/dev/net/tun character special file a:c8 600 11:22
/dev/disk block special file 7:0 660 0:6
/dev/mine character special file 1:3 666 0:0
/run/pipe fifo 0:0 622 0:0' ]
}

@test "modes of nodes do not depend on the caller's umask" {
	umask 077
	args stat -c %a /dev/null
	runc run "$ID"
	expect_ok
	[ "$output" = 666 ]
}

@test "in a user namespace the host's nodes are shown" {
	requires root userns
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}]
		| .linux.gidMappings = .linux.uidMappings'
	sh_args 'stat -c "%n %t:%T" /dev/null /dev/zero /dev/tty; echo x > /dev/null && head -c 3 /dev/zero | wc -c; readlink /dev/ptmx'
	runc run "$ID"
	expect_ok
	[ "$output" = $'/dev/null 1:3\n/dev/zero 1:5\n/dev/tty 5:0\n3\npts/ptmx' ]
}

@test "what the image has in the place of a node stays, but is no mask" {
	requires root
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	mknod -m 600 rootfs/dev/zero c 1 5
	mknod rootfs/dev/full c 1 5
	touch rootfs/dev/random
	ln -s /etc rootfs/dev/tty
	args stat -c '%n %F %t:%T %a' /dev/zero /dev/full /dev/random /dev/tty
	runc run "$ID"
	expect_ok
	[ "$output" = '/dev/zero character special file 1:5 600
/dev/full character special file 1:5 644
/dev/random regular empty file 0:0 644
/dev/tty symbolic link 0:0 777' ] || { echo "$output"; return 1; }
	rm rootfs/dev/null
	mknod rootfs/dev/null c 1 5
	runc run "$ID"
	expect_error "not the null device"
}

@test "a node, or its folder, that is a symlink is made where that leads, inside" {
	requires root userns
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.devices = [{"path":"/dev/net/tun","type":"c","major":1,"minor":3},{"path":"/dev/here/tun","type":"c","major":1,"minor":3}]'
	mkdir "$TMP/host"
	# The text of this one is the bundle's path.
	ln -s /proc/self/cwd rootfs/dev/here
	rm -rf rootfs/dev/null
	ln -s "$TMP/host/null" rootfs/dev/null
	ln -s ../../../opt/zero rootfs/dev/zero
	ln -s "$TMP/host" rootfs/dev/net
	args stat -Lc '%n %t:%T %a' /dev/null /dev/zero /opt/zero /dev/net/tun "$TMP/host/tun"
	runc run "$ID"
	expect_ok
	[ "$output" = "/dev/null 1:3 666
/dev/zero 1:5 666
/opt/zero 1:5 666
/dev/net/tun 1:3 666
$TMP/host/tun 1:3 666" ] || { echo "$output"; return 1; }
	[ -z "$(ls -A "$TMP/host")" ] && [ -c "rootfs$BUNDLE/tun" ] && [ ! -e "$BUNDLE/tun" ]
	# In a user namespace the host's are bound there.
	rm -rf rootfs/opt "rootfs$TMP"
	update_config '.linux.devices = [] | .linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -hR 100000:100000 rootfs
	args stat -Lc '%n %t:%T' /dev/null /opt/zero
	runc run "$ID"
	expect_ok
	[ "$output" = $'/dev/null 1:3\n/opt/zero 1:5' ] || { echo "$output"; return 1; }
	[ -z "$(ls -A "$TMP/host")" ]
}

@test "a node that a mount has brought keeps its owner and mode" {
	mknod -m 640 "$TMP/null" c 1 3
	chown 12:34 "$TMP/null"
	update_config '.mounts += [{"destination": "/dev/null", "source": $s, "options": ["bind"]}]' --arg s "$TMP/null"
	args stat -c '%t:%T %a %u:%g' /dev/null
	runc run "$ID"
	expect_ok
	[ "$output" = '1:3 640 12:34' ]
	[ "$(stat -c '%a %u:%g' "$TMP/null")" = '640 12:34' ]
}

@test "a /dev that is a bind mount is left alone" {
	mkdir dev
	cp -a /dev/null dev/ 2>/dev/null || mknod dev/null c 1 3
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not))
		| .mounts += [{"destination":"/dev","type":"bind","source":$d,"options":["bind"]}]' --arg d "$BUNDLE/dev"
	args ls /dev
	runc run "$ID"
	expect_ok
	[ "$output" = null ]
}

@test "a node in a folder that a mount has brought keeps its owner and mode" {
	requires root
	mkdir "$TMP/usb"
	mknod -m 600 "$TMP/usb/001" c 1 3
	mkfifo -m 600 "$TMP/usb/pipe"
	chown 1000:44 "$TMP/usb/001" "$TMP/usb/pipe"
	# On the container's own /dev, on its root, and on a mount below another.
	mkdir -p rootfs/vol "$TMP/usb/deep"
	update_config '.mounts += [{"destination":"/dev/usb","source":$s,"options":["bind"]}, {"destination":"/vol","source":$s,"options":["bind"]},
			{"destination":"/tmp","type":"tmpfs","source":"tmpfs"}, {"destination":"/tmp/usb","source":$s,"options":["rbind"]}]
		| .linux.devices = [("/dev/usb", "/vol", "/tmp/usb") | {"path":(. + "/001"),"type":"c","major":1,"minor":3}, {"path":(. + "/pipe"),"type":"p","uid":7,"fileMode":438}]' --arg s "$TMP/usb"
	args stat -c '%a %u:%g' /dev/usb/001 /dev/usb/pipe
	runc run "$ID"
	expect_ok
	[ "$output" = $'600 1000:44\n600 1000:44' ] || { echo "$output"; return 1; }
	[ "$(stat -c '%a %u:%g' "$TMP/usb/001" "$TMP/usb/pipe")" = $'600 1000:44\n600 1000:44' ]
}

@test "a read-only /dev has its nodes all the same" {
	update_config '(.mounts[] | select(.destination == "/dev")).options += ["ro"]'
	sh_args 'echo x > /dev/null && ! touch /dev/new 2>/dev/null'
	runc run "$ID"
	expect_ok
}

@test "an unknown type of device is refused" {
	update_config '.linux.devices = [{"path":"/dev/x","type":"z","major":1,"minor":3}]'
	runc run "$ID"
	expect_error 'invalid device type "z"'
}

@test "a device outside /dev is made where it is to be" {
	requires root
	update_config '.linux.devices = [{"path":"/opt/a/null","type":"c","major":1,"minor":3}] | .linux.resources.devices = [{"allow":true,"access":"rwm"}]'
	sh_args 'echo x > /opt/a/null && stat -c %t:%T /opt/a/null'
	runc run "$ID"
	expect_ok
	[ "$output" = 1:3 ]
}

@test "a terminal is shown as /dev/console, though /dev and the root be read-only" {
	update_config '.process.terminal = true | (.mounts[] | select(.destination == "/dev")).options += ["ro"]'
	args stat -c %t /dev/console
	run script -qec "$RUNC --root $ROOT run $ID" /dev/null </dev/null
	expect_ok
	[[ $output == *88* ]]
}

@test "/dev/console of the image can be mounted on, without any mount on /dev" {
	touch rootfs/dev/console
	mkdir -p rootfs/dev/pts
	update_config '.process.terminal = true | .mounts |= map(select(.destination | startswith("/dev") | not))
		| .mounts += [{"destination":"/dev/pts","type":"devpts","source":"devpts","options":["newinstance","ptmxmode=0666","mode=0620"]}]'
	args stat -c %t /dev/console
	run script -qec "$RUNC --root $ROOT run $ID" /dev/null </dev/null
	expect_ok
	[[ $output == *88* ]]
	[ -f rootfs/dev/console ]
}

@test "nodes are the container's own, though rules about devices be set meanwhile" {
	requires root v1
	# On cgroup v1 all is denied until the last of many rules is written.
	update_config '.linux.resources.devices = [range(2000) | {"allow":true,"type":"b","major":(1000 + .),"minor":1,"access":"r"}]
		| .linux.devices = [range(30) | {"path":"/dev/own\(.)","type":"c","major":1,"minor":3}]'
	sh_args 'ls /dev | grep -c own; grep -c " /dev/[a-z0-9]* .* devtmpfs " /proc/self/mountinfo'
	local i
	for i in 1 2 3 4 5; do
		runc run "$ID"
		[ "$output" = $'30\n0' ] || { echo "$output"; return 1; }
	done
}
