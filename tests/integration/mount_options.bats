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
	# With any option a bind mount has those alone, as after mount(8). Access
	# times stay unless an option sets one: then all are replaced.
	FULL=$'
rw rw,noatime,nodiratime
suid rw,noatime,nodiratime
ro ro,noatime,nodiratime
nosuid rw,nosuid,noatime,nodiratime
atime rw,noatime,nodiratime
diratime rw,noatime,nodiratime
relatime rw,relatime
strictatime rw
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
	as_expected
}

# bound SOURCE-FLAGS OPTIONS: the flags of a bind mount of a source that is
# mounted with these.
bound() {
	mkdir -p src
	update_config '.mounts = .mounts[0:7] + [{"destination":"/m","type":"bind","source":$s,"options":($o | split(","))}]' --arg s "$BUNDLE/src" --arg o "$2"
	args awk '$5 == "/m" { print $6 }' /proc/self/mountinfo
	run unshare -m sh -ec 'mount --make-rprivate /; mount -t tmpfs x "$1"; mount -o "remount,bind,$2" "$1"; shift 2; exec "$@"' \
		sh "$BUNDLE/src" "$1" "$RUNC" --root "$ROOT" run "$ID"
}

# The whole table is TestBindFlags of libcontainer/rootfs.
@test "flags of bind mounts are those of runc, without and with a user namespace" {
	requires root userns
	local source options plain userns want kind
	for kind in plain userns; do
		[ $kind = plain ] || user_namespace
		while IFS='|' read -r source options plain userns; do
			want=$plain
			[ $kind = plain ] || want=$userns
			bound "$source" "$options"
			if [ "$want" = refused ]; then
				expect_error "cannot clear locked flags" || { echo "$kind: $source, $options"; return 1; }
				continue
			fi
			expect_ok
			[ "$output" = "$want" ] || { echo "$kind: $source, $options: $output, not $want"; return 1; }
		done <<-'END'
			ro,noexec,nosymfollow,nodiratime|bind|ro,noexec,nodiratime,relatime,nosymfollow|ro,noexec,nodiratime,relatime,nosymfollow
			ro,noexec,nosymfollow,nodiratime|bind,dev|rw,nodiratime,relatime|ro,noexec,nodiratime,relatime
			nodev,nosuid,noexec,noatime|bind,dev,suid,exec,atime|rw,noatime|refused
			rw,nodev,nosymfollow|bind,ro,symfollow|ro,relatime|ro,nodev,relatime
			rw,nodev,nosymfollow|bind,rw|rw,relatime|rw,nodev,relatime
			noatime|bind|rw,noatime|rw,noatime
			noatime|bind,norelatime|rw,noatime|rw,noatime
			noatime|bind,atime|rw,noatime|rw,noatime
			noatime|bind,relatime|rw,relatime|refused
			noatime|bind,strictatime|rw|refused
		END
	done
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
