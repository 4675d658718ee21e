#!/usr/bin/env bats

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

# A test that fails must not leave a file system that hangs: without the helper
# every look-up in it ends with an error.
teardown() {
	if [ -n "${helper:-}" ]; then
		kill "$helper" || true
		wait "$helper" || true
		umount -l "$TMP/fuse" || true
	fi
	common_teardown
}

# mount_entry JSON: adds an entry to config.json's mounts.
mount_entry() { update_config ".mounts += [$1]"; }

# attributes_of TARGET: has the container print the attributes of a mount.
attributes_of() { sh_args "grep ' $1 ' /proc/self/mountinfo | tail -n 1 | cut -d ' ' -f 6"; }

# with_source OPTIONS: runs the container where $BUNDLE/src is a tmpfs with
# these options, which the rest of the machine does not see.
with_source() {
	mkdir -p "$BUNDLE/src"
	run unshare -m sh -c 'mount --make-rprivate / && mount -t tmpfs -o "$1" src "$2" && shift 2 && exec "$@"' \
		sh "$1" "$BUNDLE/src" "$RUNC" --root "$ROOT" run "$ID"
}

bind_entry() { # OPTIONS-JSON
	mount_entry "{\"destination\":\"/mnt\",\"type\":\"bind\",\"source\":\"$BUNDLE/src\",\"options\":$1}"
}

@test "mounts are made in the order of config.json" {
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"first"},{"destination":"/mnt/a","type":"tmpfs","source":"second"},{"destination":"/mnt","type":"tmpfs","source":"third"}'
	sh_args "grep ' /mnt' /proc/self/mountinfo | sed 's/.* - tmpfs //' | cut -d ' ' -f 1"
	runc run "$ID"
	expect_ok
	[ "$output" = $'first\nsecond\nthird' ]
}

@test "a relative source is taken from the bundle" {
	mkdir src && echo hello >src/file
	mount_entry '{"destination":"/mnt","type":"bind","source":"src","options":["bind"]}'
	args cat /mnt/file
	runc run "$ID"
	expect_ok
	[ "$output" = hello ]
}

@test "a relative destination is taken from the root, with a warning" {
	mount_entry '{"destination":"mnt","type":"tmpfs","source":"here"}'
	args grep " /mnt .* - tmpfs here" /proc/self/mountinfo
	runc run "$ID"
	expect_ok
	[[ $output == *"/mnt"* ]]
}

@test "missing targets are made, a folder for a folder and a file for a file" {
	echo hello >file
	mount_entry "{\"destination\":\"/new/folder\",\"type\":\"bind\",\"source\":\"$BUNDLE\",\"options\":[\"bind\"]},{\"destination\":\"/new/er/file\",\"type\":\"bind\",\"source\":\"$BUNDLE/file\",\"options\":[\"bind\"]}"
	sh_args 'cat /new/er/file; test -e /new/folder/config.json && echo there'
	runc run "$ID"
	expect_ok
	[ "$output" = $'hello\nthere' ]
	[ -d rootfs/new/folder ] && [ -f rootfs/new/er/file ]
	[ "$(stat -c %a rootfs/new/folder)" = 755 ]
}

@test "a bind mount without options keeps its source's attributes" {
	bind_entry '["bind"]'
	attributes_of /mnt
	with_source nosuid,nodev,noexec,noatime
	expect_ok
	[ "$output" = rw,nosuid,nodev,noexec,noatime ]
}

@test "a bind mount with options has those" {
	bind_entry '["rbind","ro","nosuid"]'
	attributes_of /mnt
	with_source noatime
	expect_ok
	[ "$output" = ro,nosuid,noatime ]
}

@test "an option takes back what the source has" {
	bind_entry '["bind","exec","relatime","nodev"]'
	attributes_of /mnt
	with_source nodev,noexec,noatime
	expect_ok
	[ "$output" = rw,nodev,relatime ]
}

@test "a bind mount is not recursive, rbind is" {
	mount_entry "{\"destination\":\"/mnt\",\"type\":\"bind\",\"source\":\"$BUNDLE/src\",\"options\":[\"bind\"]},{\"destination\":\"/tmp\",\"type\":\"bind\",\"source\":\"$BUNDLE/src\",\"options\":[\"rbind\"]}"
	sh_args 'ls /mnt/sub /tmp/sub'
	mkdir -p src/sub
	run unshare -m sh -c 'mount --make-rprivate / && mount -t tmpfs x "$1" && touch "$1/file" && shift && exec "$@"' \
		sh "$BUNDLE/src/sub" "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = $'/mnt/sub:\n\n/tmp/sub:\nfile' ]
}

@test "recursive options reach all that is mounted below" {
	mount_entry "{\"destination\":\"/mnt\",\"type\":\"bind\",\"source\":\"$BUNDLE/src\",\"options\":[\"rbind\",\"rro\",\"rnosuid\",\"rnoatime\"]}"
	sh_args "grep ' /mnt' /proc/self/mountinfo | cut -d ' ' -f 5,6"
	mkdir -p src/sub
	run unshare -m sh -c 'mount --make-rprivate / && mount -t tmpfs x "$1" && shift && exec "$@"' \
		sh "$BUNDLE/src/sub" "$RUNC" --root "$ROOT" run "$ID"
	expect_ok
	[ "$output" = $'/mnt ro,nosuid,noatime\n/mnt/sub ro,nosuid,noatime' ]
}

@test "a bind mount of a missing source says which" {
	mount_entry '{"destination":"/mnt","type":"bind","source":"/nosuch","options":["bind"]}'
	runc run "$ID"
	expect_error "failed to fulfil mount request: open /nosuch: no such file or directory"
	[[ $output == *"mounts[7]"* ]]
}

@test "a bind mount with data is refused" {
	mount_entry '{"destination":"/mnt","type":"bind","source":"/tmp","options":["bind","size=1"]}'
	runc run "$ID"
	expect_error "bind mounts cannot have any filesystem-specific options applied"
}

@test "an unknown file system is named" {
	mount_entry '{"destination":"/mnt","type":"nosuchfs","source":"x"}'
	runc run "$ID"
	expect_error 'error mounting "x" to rootfs at "/mnt": '
	expect_error "no such device"
}

@test "an unknown option is named, in the file system's words" {
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x","options":["nosuchopt"]}'
	runc run "$ID"
	expect_error 'error mounting "x" to rootfs at "/mnt": '
	expect_error "invalid argument"
	expect_error "nosuchopt"
}

@test "a mount that failed leaves nothing behind" {
	mount_entry '{"destination":"/mnt","type":"nosuchfs","source":"x"}'
	runc create "$ID"
	expect_error "error mounting"
	[ ! -e "$ROOT/$ID" ]
	[ -z "$(find /sys/fs/cgroup -type d -name "$ID")" ]
}

@test "nothing is mounted onto the root" {
	mount_entry '{"destination":"/","type":"tmpfs","source":"x"}'
	runc run "$ID"
	expect_error 'error mounting'
}

@test "a tmpfs takes the mode of the folder it covers" {
	chmod 1770 rootfs/mnt
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x"},{"destination":"/tmp","type":"tmpfs","source":"x","options":["mode=0711"]}'
	args stat -c %a /mnt /tmp
	runc run "$ID"
	expect_ok
	[ "$output" = $'1770\n711' ]
}

@test "a tmpfs where the image has no folder has the mode of a new tmpfs" {
	mkdir rootfs/made
	chmod 700 rootfs/made
	ln -s nosuch rootfs/dangling
	mount_entry '{"destination":"/new","type":"tmpfs","source":"x"},{"destination":"/new/below","type":"tmpfs","source":"x"},
		{"destination":"/dangling","type":"tmpfs","source":"x"},{"destination":"/made/a","type":"tmpfs","source":"x","options":["uid=1"]}'
	args stat -c %a /new /new/below /nosuch /made/a
	runc run "$ID"
	expect_ok
	[ "$output" = $'1777\n1777\n1777\n1777' ] || { echo "$output"; return 1; }
}

@test "a tmpfs without a mode has the same one at the second start" {
	mount_entry '{"destination":"/new/deep","type":"tmpfs","source":"x"},{"destination":"/with","type":"tmpfs","source":"x","options":["mode=0711"]},
		{"destination":"/copy","type":"tmpfs","source":"x","options":["tmpcopyup"]}'
	args stat -c %a /new /new/deep /with /copy
	local i
	for i in 1 2 3; do
		runc run "$ID"
		expect_ok
		[ "$output" = $'755\n1777\n711\n1777' ] || { echo "start $i: $output"; return 1; }
	done
}

@test "tmpcopyup fills the tmpfs with what it covers" {
	mkdir rootfs/mnt/sub
	echo content >rootfs/mnt/sub/file
	chmod 666 rootfs/mnt/sub/file
	chown 12:34 rootfs/mnt/sub/file
	ln -s /nowhere rootfs/mnt/link
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x","options":["tmpcopyup"]}'
	sh_args 'cd /mnt; cat sub/file; stat -c "%a %u %g" sub/file; readlink link; echo new > sub/file'
	runc run "$ID"
	expect_ok
	[ "$output" = $'content\n666 12 34\n/nowhere' ]
	[ "$(cat rootfs/mnt/sub/file)" = content ]
}

@test "tmpcopyup leaves owner and mode of the tmpfs to its options" {
	chown 12:34 rootfs/mnt
	args stat -c '%a %u %g' /mnt
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x","options":["tmpcopyup","mode=1750","uid=5","gid=6"]}'
	runc run "$ID"
	expect_ok
	[ "$output" = '1750 5 6' ]
}

@test "tmpcopyup without options for it has the mode that it covers, and root as owner" {
	chown 12:34 rootfs/mnt
	chmod 1751 rootfs/mnt
	args stat -c '%a %u %g' /mnt
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x","options":["tmpcopyup"]}'
	runc run "$ID"
	expect_ok
	[ "$output" = '1751 0 0' ]
}

@test "tmpcopyup where there is nothing is a plain tmpfs" {
	mount_entry '{"destination":"/new","type":"tmpfs","source":"x","options":["tmpcopyup"]}'
	sh_args 'stat -c %a /new; ls -A /new'
	runc run "$ID"
	expect_ok
	[ "$output" = 1777 ]
}

@test "a read-only tmpfs can hold another mount" {
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x","options":["ro"]},{"destination":"/mnt/in","type":"tmpfs","source":"x"}'
	sh_args 'touch /mnt/in/x && ! touch /mnt/x 2>/dev/null'
	runc run "$ID"
	expect_ok
}

@test "a read-only root can hold a writable mount, and is read-only itself" {
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x"}'
	sh_args 'touch /mnt/x && ! touch /x 2>/dev/null && ! chmod 700 /bin 2>/dev/null'
	runc run "$ID"
	expect_ok
}

@test "an overlay with long options is mounted" {
	local o=lowerdir= i
	for i in 1 2 3; do
		mkdir -p "$BUNDLE/$(printf "$i%.0s" {1..90})"
		touch "$BUNDLE/$(printf "$i%.0s" {1..90})/$i"
		o+=$BUNDLE/$(printf "$i%.0s" {1..90}):
	done
	mount_entry "{\"destination\":\"/mnt\",\"type\":\"overlay\",\"source\":\"overlay\",\"options\":[\"${o%:}\",\"nodev\"]}"
	args ls -x /mnt
	runc run "$ID"
	expect_ok
	[[ $output =~ ^1\ +2\ +3 ]]
}

@test "remount changes a mount that is there" {
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x"},{"destination":"/mnt","type":"tmpfs","source":"x","options":["remount","ro","noexec"]}'
	attributes_of /mnt
	runc run "$ID"
	expect_ok
	[ "$output" = ro,noexec,relatime ]
}

@test "remount takes recursive options, too" {
	mount_entry '{"destination":"/mnt","type":"tmpfs","source":"x"},{"destination":"/mnt/sub","type":"tmpfs","source":"x"},{"destination":"/mnt","type":"tmpfs","source":"x","options":["remount","rro"]}'
	sh_args "grep ' /mnt' /proc/self/mountinfo | cut -d ' ' -f 5,6"
	runc run "$ID"
	expect_ok
	[ "$output" = $'/mnt ro,relatime\n/mnt/sub ro,relatime' ] || { echo "$output"; return 1; }
}

@test "hidepid and other options of proc are passed on" {
	update_config '(.mounts[] | select(.type == "proc")).options = ["hidepid=2","nosuid"]'
	args grep -E ' /proc rw,nosuid,.* - proc proc rw,hidepid=(2|invisible)' /proc/self/mountinfo
	runc run "$ID"
	expect_ok
}

@test "nothing but proc is mounted on /proc" {
	update_config '(.mounts[] | select(.type == "proc")).type = "tmpfs"'
	runc run "$ID"
	expect_error "cannot be mounted because it is not of type proc"
}

@test "a known file of /proc may be covered, another may not" {
	echo 42 >uptime
	mount_entry "{\"destination\":\"/proc/uptime\",\"type\":\"bind\",\"source\":\"$BUNDLE/uptime\",\"options\":[\"bind\",\"ro\"]}"
	args cat /proc/uptime
	runc run "$ID"
	expect_ok
	[ "$output" = 42 ]
	update_config '.mounts[-1].destination = "/proc/version"'
	runc run "$ID"
	expect_error "cannot be mounted because it is inside /proc"
}

@test "the container's own cgroup is what a cgroup mount shows" {
	requires root
	sh_args 'for d in /sys/fs/cgroup/memory /sys/fs/cgroup; do if [ -e $d/cgroup.procs ]; then cat $d/cgroup.procs; break; fi; done'
	if [ "$LAYOUT" = v2 ]; then
		update_config '.linux.namespaces += [{"type":"cgroup"}] | .linux.namespaces |= unique'
	fi
	runc run "$ID"
	expect_ok
	[[ $output == *1* ]]
}

@test "a cgroup mount is read-only when its options say so" {
	sh_args 'd=/sys/fs/cgroup; [ -e $d/cgroup.procs ] || d=$d/memory; mkdir $d/x 2>/dev/null || echo denied'
	runc run "$ID"
	expect_ok
	[ "$output" = denied ]
}

@test "the tmpfs that holds the hierarchies of cgroup v1 is writable" {
	requires root v1
	local edit
	for edit in . '.linux.namespaces += [{"type":"cgroup"}]'; do
		update_config "$edit"
		args awk '$5 == "/sys/fs/cgroup" { print $6 } $5 ~ "^/sys/fs/cgroup/" && $6 !~ "^ro," { print $5 }' /proc/self/mountinfo
		runc run "$ID"
		expect_ok
		[ "$output" = rw,nosuid,nodev,noexec,relatime ] || { echo "$output"; return 1; }
	done
}

@test "with a cgroup namespace the root of the mount is the container's cgroup" {
	requires root
	update_config '.linux.namespaces += [{"type":"cgroup"}] | .linux.namespaces |= unique'
	sh_args "grep -E ' - cgroup2? ' /proc/self/mountinfo | cut -d ' ' -f 4 | sort -u"
	runc run "$ID"
	expect_ok
	[ "$output" = / ]
}

@test "the default mounts are those of the default spec" {
	sh_args "cut -d ' ' -f 5,6 /proc/self/mountinfo"
	runc run "$ID"
	expect_ok
	local m
	for m in '/ ro' '/proc rw' '/dev rw,nosuid' '/dev/pts rw,nosuid,noexec' '/dev/shm rw,nosuid,nodev,noexec' '/dev/mqueue rw,nosuid,nodev,noexec' '/sys ro,nosuid,nodev,noexec'; do
		[[ $'\n'$output == *$'\n'"$m"* ]] || { echo "no $m in $output"; return 1; }
	done
}

@test "--no-pivot moves the root instead" {
	sh_args 'ls /; touch /mnt/x 2>/dev/null || echo ro'
	runc run --no-pivot "$ID"
	expect_ok
	[[ $output == *bin* && $output == *ro* && $output != *boot* ]]
}

@test "the host keeps its /proc and /sys with --no-pivot" {
	runc run --no-pivot "$ID"
	expect_ok
	[ -e /proc/self/stat ] && [ -e /sys/kernel ]
}

@test "createContainer hooks find the mounts at the root's path" {
	update_config '.hooks.createContainer = [{"path":"/bin/sh","args":["sh","-c","cat \($r)/proc/1/comm > \($t); ls -d \($r)/dev/null >> \($t)"]}]' \
		--arg r "$BUNDLE/rootfs" --arg t "$TMP/seen"
	runc run "$ID"
	expect_ok
	grep -q "rootfs/dev/null" "$TMP/seen"
	[ "$(wc -l <"$TMP/seen")" = 2 ]
}

@test "every option that features lists is understood by tmpfs and by a bind mount" {
	mkdir -p src
	local o
	for o in $(__runc features | jq -r '.mountOptions[]'); do
		case $o in
		idmap | ridmap | remount) continue ;; # need more than themselves
		bind | rbind | tmpcopyup) ;;
		*)
			update_config '.mounts = (.mounts[0:7] + [{"destination":"/mnt","type":"tmpfs","source":"x","options":[$o]}])' --arg o "$o"
			runc run "$ID"
			expect_ok || { echo "tmpfs with $o"; return 1; }
			;;
		esac
		[ "$o" = tmpcopyup ] && continue
		update_config '.mounts = (.mounts[0:7] + [{"destination":"/mnt","type":"bind","source":$s,"options":["rbind",$o]}])' --arg o "$o" --arg s "$BUNDLE/src"
		runc run "$ID"
		expect_ok || { echo "bind with $o"; return 1; }
	done
}

@test "without a mount namespace the container's mounts end with it, and no others" {
	requires root
	update_config 'del(.linux.namespaces[] | select(.type == "mount")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .mounts += [{"destination":"/mnt","type":"tmpfs","source":"lower"},{"destination":"/mnt","type":"tmpfs","source":"upper"},{"destination":"/tmp","type":"tmpfs","source":"own"}]'
	sh_args 'grep -c " lower \| upper " /proc/self/mountinfo'
	runc run "$ID"
	expect_ok
	[ "$output" = 2 ]
	if grep -F " $TMP/" /proc/self/mountinfo; then return 1; fi
	# A start that fails late.
	args nosuch
	runc run "$ID"
	expect_error "nosuch"
	if grep -F " $TMP/" /proc/self/mountinfo; then return 1; fi
	# A hook that fails, after all is mounted.
	args true
	update_config '.hooks.createRuntime = [{"path":"/bin/false"}]'
	runc run "$ID"
	[ "$status" -ne 0 ]
	if grep -F " $TMP/" /proc/self/mountinfo; then return 1; fi
	# What others mount on it, or in its place, stays.
	update_config 'del(.hooks)'
	args sleep 100
	detached run -d "$ID"
	expect_ok
	umount rootfs/tmp
	mount -t tmpfs foreign rootfs/tmp
	mount -t tmpfs foreign rootfs/mnt
	runc delete --force "$ID"
	expect_ok
	run grep -F " $TMP/" /proc/self/mountinfo
	umount rootfs/tmp
	umount -R rootfs/mnt rootfs/mnt rootfs/mnt || true
	[ "$(grep -c foreign <<<"$output")" = 2 ] || { echo "$output"; return 1; }
	[[ $output != */rootfs/proc* && $output != */rootfs/dev* && $output != *" own "* ]] || { echo "$output"; return 1; }
}

# behind MOUNT...: the source of the last mount is what the first one shows.
behind() {
	mkdir -p vol rootfs/a rootfs/b
	echo earlier >vol/file
	echo image >rootfs/a/file
	args cat /b/file
	update_config '.mounts += [{"destination":"/a","type":"bind","source":"vol","options":["bind"]},
		{"destination":"/b","type":"bind","source":"rootfs/a","options":["bind"]}]'
}

@test "the source of a bind mount may be what an earlier mount shows" {
	behind
	runc run "$ID"
	expect_ok
	[ "$output" = earlier ]
}

@test "the source of a bind mount may be what an earlier mount shows, in a user namespace too" {
	requires root userns
	behind
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
	runc run "$ID"
	expect_ok
	[ "$output" = earlier ]
}

@test "a bind mount of a folder on a file, or the other way, says so" {
	mkdir vol
	touch vol/file
	local s d
	while read -r s d; do
		update_config '.mounts = .mounts[0:7] + [{"destination":$d,"type":"bind","source":$s,"options":["bind"]}]' --arg s "$s" --arg d "$d"
		runc run "$ID"
		expect_error "error mounting"
		expect_error "not a directory"
	done <<-END
		vol /bin/busybox
		vol/file /mnt
	END
}

@test "labels for SELinux are without effect where there is none" {
	[ ! -d /sys/fs/selinux ] || skip "the kernel has SELinux"
	mkdir vol
	update_config '.linux.mountLabel = "system_u:object_r:container_file_t:s0"
		| .mounts += [{"destination":"/a","type":"bind","source":"vol","options":["bind","z"]},
			{"destination":"/b","type":"bind","source":"vol","options":["rbind","Z"]}]'
	args grep -c context= /proc/self/mountinfo
	runc run "$ID"
	[ "$status" -eq 1 ]
	[ "$output" = 0 ]
}

@test "devpts, mqueue and shm have the modes and groups of their options" {
	sh_args 'stat -c "%a %t:%T" /dev/pts/ptmx; touch /dev/mqueue/queue && ls /dev/mqueue; stat -c %a /dev/shm; grep " /dev/pts " /proc/self/mountinfo'
	runc run "$ID"
	expect_ok
	[[ $output == $'666 5:2\nqueue\n1777\n'*gid=5,mode=620,ptmxmode=666 ]] || { echo "$output"; return 1; }
}

@test "access times of a bind mount are those of its options" {
	mkdir vol
	local o want
	args grep ' /mnt ' /proc/self/mountinfo
	while read -r o want; do
		update_config '.mounts = .mounts[0:7] + [{"destination":"/mnt","type":"bind","source":"vol","options":($o | split(","))}]' --arg o "$o"
		runc run "$ID"
		expect_ok
		[[ $output == *" /mnt $want "* ]] || { echo "$o: $output"; return 1; }
	done <<-END
		bind,noatime rw,noatime
		bind,strictatime rw
		bind,relatime rw,relatime
		bind,ro,nodiratime,relatime ro,nodiratime,relatime
		rbind,rro,rnoatime ro,noatime
		rbind,rro,rw,relatime ro,relatime
	END
}

@test "a mount without a type, or of type none, may be a bind mount" {
	mkdir vol
	echo here >vol/file
	args cat /mnt/file
	local t
	for t in '{}' '{"type":"none"}' '{"type":""}'; do
		update_config '.mounts = .mounts[0:7] + [{"destination":"/mnt","source":"vol","options":["rbind","rprivate"]} + $t]' --argjson t "$t"
		runc run "$ID"
		expect_ok
		[ "$output" = here ]
	done
}

@test "a bind mount without a source is refused, and the field named" {
	local o
	for o in '{"source":""}' '{}'; do
		update_config '.mounts = .mounts[0:7] + [{"destination":"/mnt","type":"bind","options":["rbind"]} + $o]' --argjson o "$o"
		runc run "$ID"
		expect_error "a bind mount needs a source"
		expect_error "mounts[7].source"
	done
	update_config '.mounts = .mounts[0:7] + [{"destination":"/mnt","type":"tmpfs","source":"x"},{"destination":"/mnt","options":["remount","bind","ro"]}]'
	attributes_of /mnt
	runc run "$ID"
	expect_ok
	[ "$output" = ro,relatime ]
}

@test "a destination that begins with the root's path on the host is one below it" {
	mkdir vol
	mount_entry "{\"destination\":\"$BUNDLE/rootfs/mnt/x\",\"type\":\"tmpfs\",\"source\":\"here\"},
		{\"destination\":\"$BUNDLE/rootfs-not/x\",\"type\":\"tmpfs\",\"source\":\"there\"}"
	args awk '/ (t?here) / { print $5 }' /proc/self/mountinfo
	runc run "$ID"
	expect_ok
	[ "$output" = $'/mnt/x\n'"$BUNDLE/rootfs-not/x" ] || { echo "$output"; return 1; }
	update_config '.mounts[-1].destination = $d' --arg d "$BUNDLE/rootfs/"
	runc run "$ID"
	expect_error "the root of the container cannot be mounted over"
}

# ordered: sources are what earlier entries have mounted. The folder of the
# first ones is closed to the root of a user namespace.
ordered() {
	mkdir -p secret/a/x secret/b/y secret/c/z rootfs/final
	local d
	for d in a b c; do echo $d >secret/$d/file; done
	chmod 700 secret
	update_config '.mounts += ([["secret/a","/mnt"], ["secret/b","/mnt/x"], ["secret/c","/mnt/x/y"], ["secret/a","/mnt/x/y/z"],
		["rootfs/mnt/x","/mnt/x/y/z/x"], ["rootfs/mnt/x/y","/mnt/x/y/z"], ["rootfs/mnt","/final"]]
		| map({"destination":.[1],"type":"bind","source":.[0],"options":["rbind"]}))'
	ordered_script
}

ordered_script() {
	sh_args 'for top in /mnt /final; do
		for d in "" x x/y x/y/z x/y/z/z x/y/z/z/x x/y/z/z/x/y x/y/z/z/x/y/z; do cat $top/$d/file || echo none; done
	done | tr "\n" " "'
}

ordered_ok() {
	runc run "$ID"
	[[ $output == *"not supported by the kernel"* ]] && skip "no id-mapped mounts on this file system"
	expect_ok
	[ "$output" = "a b c c a b c a a b c c a b c a " ] || { echo "$output"; return 1; }
}

@test "bind mounts show what earlier entries have mounted" {
	ordered
	ordered_ok
}

@test "bind mounts show what earlier entries have mounted, in a user namespace, with maps and with both" {
	requires root userns
	local which
	ordered
	cp config.json plain.json
	for which in 7,8,9,10 11,12,13; do
		jq ".mounts[$which] += {uidMappings:[{containerID:0,hostID:100000,size:65536}],gidMappings:[{containerID:0,hostID:100000,size:65536}]}" plain.json >config.json
		ordered_ok
	done
	jq '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings' plain.json >userns.json
	chown -hR 100000:100000 rootfs
	cp userns.json config.json
	ordered_ok
	for which in 7,8,9,10 11,12,13; do
		jq ".mounts[$which].options += [\"idmap\"]" userns.json >config.json
		ordered_ok
	done
}

@test "bind mounts show what earlier entries have mounted, for an ordinary user too" {
	# There is no driver for systemd for them on cgroup v1.
	requires root userns cgroupfs
	ordered
	local mounts
	mounts=$(jq .mounts[7:] config.json)
	rm config.json
	"$RUNC" spec --rootless
	update_config '.process.terminal = false | .linux.uidMappings[0].hostID = 65534 | .linux.gidMappings[0].hostID = 65534 | .mounts += $m' --argjson m "$mounts"
	ordered_script
	chown -hR 65534:65534 "$BUNDLE"
	install -d -o 65534 -g 65534 "$TMP/rl"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$RUNC" --root "$TMP/rl" run "$ID"
	expect_ok
	[ "$output" = "a b c c a b c a a b c c a b c a " ] || { echo "$output"; return 1; }
}

@test "a target behind a dangling symlink with .. is made where its text leads" {
	echo zone >zone
	rm -f rootfs/etc/localtime
	ln -s /a/b/../../c/X rootfs/etc/localtime
	ln -s ../no/../../share/./Y rootfs/etc/other
	mount_entry '{"destination":"/etc/localtime","type":"bind","source":"zone","options":["bind"]},
		{"destination":"/etc/other/dir","type":"tmpfs","source":"other"}'
	sh_args 'cat /c/X; grep -c " /share/Y/dir .* other " /proc/self/mountinfo; test -e /a || echo missing'
	runc run "$ID"
	expect_ok
	[ "$output" = $'zone\n1\nmissing' ] || { echo "$output"; return 1; }
	[ -f rootfs/c/X ] && [ ! -e rootfs/a ] && [ ! -e rootfs/no ]
}

# read_only_root: runs the container where its root cannot be written.
read_only_root() {
	run unshare -m sh -ec 'mount --make-rprivate /; mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; shift; exec "$@"' \
		sh "$BUNDLE/rootfs" "$RUNC" --root "$ROOT" run "$ID"
}

@test "one error names all mount points that a read-only image lacks" {
	requires root
	mkdir vol rootfs/here
	ln -s here rootfs/link
	rmdir rootfs/sys rootfs/proc
	update_config '.mounts += ([["/here"],["/a"],["/b/c"],["/link"],["/link/d"],["/here/e"],["/dev/f"]] | map({"destination":.[0],"type":"tmpfs","source":"x"}))
		| .hooks.createRuntime = [{"path":"/bin/sh","args":["sh","-c","touch \($t)"]}]' --arg t "$TMP/hook"
	read_only_root
	expect_error "read-only and lacks mount points"
	# /sys/fs/cgroup, /link/d, /here/e and /dev/f are below other mounts.
	expect_error ": /proc (mounts[0].destination), /sys (mounts[5].destination), /a (mounts[8].destination), /b/c (mounts[9].destination) (config.json"
	[ ! -e "$TMP/hook" ]
	mkdir -p rootfs/sys rootfs/proc rootfs/a rootfs/b/c
	read_only_root
	expect_ok
	[ -e "$TMP/hook" ]
}

@test "without a mount namespace a read-only root is without effect, and hooks run" {
	requires root
	update_config 'del(.linux.namespaces[] | select(.type == "mount")) | .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .mounts = [] | .root.readonly = true
		| .hooks = ({} | .createRuntime = [{"path":"/bin/sh","args":["sh","-c","echo createRuntime >>\($t)"]}]
			| .createContainer = [{"path":"/bin/sh","args":["sh","-c","echo createContainer >>\($t)"]}]
			| .startContainer = [{"path":"/bin/sh","args":["sh","-c","echo startContainer >/seen"]}])' --arg t "$TMP/seen"
	args touch /new
	local before
	before=$(sort /proc/self/mountinfo)
	runc run "$ID"
	expect_ok
	[ -e rootfs/new ] && [ -e rootfs/seen ]
	[ "$(cat "$TMP/seen")" = $'createRuntime\ncreateContainer' ]
	diff <(echo "$before" | grep -F "$TMP") <(sort /proc/self/mountinfo | grep -F "$TMP")
}

@test "a start whose source hangs in its file system ends by a signal, and leaves nothing" {
	requires root userns
	[ -c /dev/fuse ] || skip "the kernel has no FUSE"
	cc -O -o "$TMP/hung" "$BATS_TEST_DIRNAME/hung.c"
	mkdir "$TMP/fuse" vol
	"$TMP/hung" "$TMP/fuse" >"$TMP/said" 2>&1 3>&- &
	helper=$!
	local pid kind
	wait_for test -s "$TMP/said"
	grep -q mounted "$TMP/said" || skip "FUSE cannot be mounted here: $(cat "$TMP/said")"
	mount_entry "{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"vol\",\"options\":[\"bind\"]},
		{\"destination\":\"/b\",\"type\":\"bind\",\"source\":\"$TMP/fuse/x\",\"options\":[\"bind\"]}"
	for kind in plain userns; do
		if [ $kind = userns ]; then
			chown -hR 100000:100000 rootfs
			update_config '.linux.namespaces += [{"type":"user"}]
				| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
		fi
		"$RUNC" --root "$ROOT" run "$ID" </dev/null >"$TMP/out" 2>&1 3>&- &
		pid=$!
		# The first target is made, so the second source is next.
		wait_for test -d rootfs/a
		sleep 0.3
		kill -TERM $pid
		wait_for sh -c "! kill -0 $pid 2>/dev/null"
		wait $pid || true
		[ ! -e "$ROOT/$ID" ] || { echo "$kind: the state folder is left"; return 1; }
		rmdir rootfs/a
	done
}

@test "a null byte in a mount is refused" {
	local f
	for f in destination source type 'options[0]'; do
		mount_entry '{"destination":"/a","type":"tmpfs","source":"x","options":["ro"]}'
		update_config ".mounts[-1].$f += \"\\u0000\""
		runc run "$ID"
		expect_error "mount field contains null byte"
	done
	[ ! -e rootfs/a ]
}

@test "what is mounted for cgroup v1 is not executable and has no devices, whatever the options" {
	requires root v1
	update_config '(.mounts[] | select(.type == "cgroup")).options = [] | .linux.namespaces += [{"type":"cgroup"}]'
	args awk '$5 ~ "^/sys/fs/cgroup" { n++; if ($6 !~ /nosuid,nodev,noexec/) print } END { print (n > 3) }' /proc/self/mountinfo
	runc run "$ID"
	expect_ok
	[ "$output" = 1 ] || { echo "$output"; return 1; }
}
