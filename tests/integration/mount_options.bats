#!/usr/bin/env bats
# What each option does to a mount, and with an r before it to those below.

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

# Of a source that is mounted without options, and of one with all of them.
BARE=$'
ro ro,relatime
rw rw,relatime
nosuid rw,nosuid,relatime
nodev rw,nodev,relatime
noexec rw,noexec,relatime
noatime rw,noatime
nodiratime rw,nodiratime,relatime
relatime rw,relatime
strictatime rw
nosymfollow rw,relatime,nosymfollow'
FULL=$'
rw rw,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow
suid ro,nodev,noexec,noatime,nodiratime,nosymfollow
dev ro,nosuid,noexec,noatime,nodiratime,nosymfollow
exec ro,nosuid,nodev,noatime,nodiratime,nosymfollow
atime ro,nosuid,nodev,noexec,nodiratime,relatime,nosymfollow
diratime ro,nosuid,nodev,noexec,noatime,nosymfollow
relatime ro,nosuid,nodev,noexec,nodiratime,relatime,nosymfollow
strictatime ro,nosuid,nodev,noexec,nodiratime,nosymfollow
symfollow ro,nosuid,nodev,noexec,noatime,nodiratime'

# mounts TABLE SOURCE PREFIX: one of each option, and what is to be found.
mounts() {
	local o want
	while read -r o want; do
		[ -n "$o" ] || continue
		update_config '.mounts += [{"destination":("/m/" + $d),"type":"bind","source":$s,"options":["rbind",$o]}]' --arg d "$2-$o" --arg s "$BUNDLE/$2" --arg o "$3$o"
		echo "/m/$2-$o $want" >>expected
		[ -z "$3" ] || echo "/m/$2-$o/sub $want" >>expected
	done <<<"$1"
}

# with_sources: runs the container where both sources are mounted, with one
# more below each.
with_sources() {
	mkdir -p bare full
	args awk '$5 ~ "^/m/" && (below || $5 !~ "/sub$") { print $5, $6 }' "below=${1:-0}" /proc/self/mountinfo
	run unshare -m sh -ec 'mount --make-rprivate /
		for o in bare full; do
			mount -t tmpfs x "$1/$o"
			mkdir "$1/$o/sub"
			mount -t tmpfs y "$1/$o/sub"
		done
		for d in "$1/full" "$1/full/sub"; do
			mount -o remount,bind,ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow "$d"
		done
		shift
		exec "$@"' sh "$BUNDLE" "$RUNC" --root "$ROOT" run "$ID"
}

user_namespace() {
	requires userns
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
}

as_expected() {
	expect_ok
	diff expected <(echo "$output")
}

@test "each recursive option changes the mount and those below" {
	requires root
	mounts "$BARE" bare r
	mounts "$FULL" full r
	with_sources 1
	as_expected
}

@test "each recursive option that adds a restriction does so in a user namespace, too" {
	requires root
	user_namespace
	# Times cannot be changed there, neither by mount(8).
	mounts "$(sed '/^[a-z]*atime /d' <<<"$BARE")" bare r
	with_sources 1
	as_expected
}

@test "each recursive option that lifts one is refused in a user namespace" {
	requires root
	user_namespace
	local o
	for o in rrw rsuid rdev rexec ratime rdiratime rstrictatime rrelatime; do
		update_config '.mounts = .mounts[0:7] + [{"destination":"/m/x","type":"bind","source":$s,"options":["rbind",$o]}]' --arg s "$BUNDLE/full" --arg o "$o"
		with_sources
		expect_error "operation not permitted"
		expect_error "(config.json: mounts[7])"
	done
}

@test "each option changes the mount, and clears all others of its source but access times" {
	requires root
	mounts "$BARE" bare ''
	# With any option a bind mount has those alone, as after mount(8).
	FULL=$'
rw rw,noatime,nodiratime
suid rw,noatime,nodiratime
ro ro,noatime,nodiratime
nosuid rw,nosuid,noatime,nodiratime
atime rw,nodiratime,relatime
diratime rw,noatime
relatime rw,nodiratime,relatime
strictatime rw,nodiratime
nosymfollow rw,noatime,nodiratime,nosymfollow'
	mounts "$FULL" full ''
	with_sources
	as_expected
}

@test "in a user namespace an option adds to what its source's owner has locked" {
	requires root
	user_namespace
	mounts $'
ro ro,nosuid,nodev,noexec,noatime,nodiratime
nosuid ro,nosuid,nodev,noexec,noatime,nodiratime
noatime ro,nosuid,nodev,noexec,noatime,nodiratime' full ''
	with_sources
	sed -i 's/$/,nosymfollow/' expected
	as_expected
}

@test "in a user namespace no option clears what its source's owner has locked" {
	requires root
	user_namespace
	local o
	for o in rw suid dev exec atime diratime; do
		update_config '.mounts = .mounts[0:7] + [{"destination":"/m/x","type":"bind","source":$s,"options":["rbind",$o]}]' --arg s "$BUNDLE/full" --arg o "$o"
		with_sources
		expect_error "cannot clear locked flags"
	done
}
