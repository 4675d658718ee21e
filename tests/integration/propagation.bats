#!/usr/bin/env bats

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

# in_shared SCRIPT: runs it where all mounts are shared among themselves, as on
# a host with systemd, but not with this machine. "$@" is `runc run ID`.
in_shared() {
	run unshare -m sh -ec "mount --make-rprivate / && mount --make-rshared / && $1" \
		sh unshare -m --propagation unchanged "$RUNC" --root "$ROOT" run "$ID"
}

root_propagation() { sh_args "grep ' / / \\|rootfs / ' /proc/self/mountinfo | sed 's/ - .*//' | cut -d ' ' -f 7-"; }

@test "by default the root has no part in the host's mounts, its volumes are slaves" {
	mkdir vol
	update_config '.mounts += [{"destination":"/mnt","type":"bind","source":"vol","options":["rbind"]}]'
	sh_args "awk '\$5 == \"/\" || \$5 == \"/mnt\" { print \$5, \$7 }' /proc/self/mountinfo"
	in_shared '"$@"'
	expect_ok
	[[ $output == $'/ -\n/mnt master:'* ]] || { echo "$output"; return 1; }
}

@test "a slave root gets what the host mounts, and nothing else" {
	local p
	for p in slave rslave; do
		update_config '.linux.rootfsPropagation = $p' --arg p "$p"
		root_propagation
		in_shared '"$@"'
		expect_ok
		[[ $output == master:* && $output != *shared* ]] || { echo "$p: $output"; return 1; }
	done
}

@test "a private root has no part in the host's mounts" {
	local p
	for p in private rprivate; do
		update_config '.linux.rootfsPropagation = $p' --arg p "$p"
		root_propagation
		in_shared '"$@"'
		expect_ok
		[ -z "$output" ]
	done
}

@test "a shared root is shared" {
	update_config '.linux.rootfsPropagation = "shared"'
	root_propagation
	in_shared '"$@"'
	expect_ok
	[[ $output == shared:* ]]
}

@test "an unbindable root is unbindable" {
	update_config '.linux.rootfsPropagation = "unbindable"'
	root_propagation
	in_shared '"$@"'
	expect_ok
	[ "$output" = unbindable ]
}

@test "no mount of the container shows on the host, whatever the root's propagation" {
	local p
	export BUNDLE
	for p in shared rshared slave rslave private rprivate unbindable runbindable; do
		update_config '.linux.rootfsPropagation = $p' --arg p "$p"
		in_shared '"$@"; grep -F "$BUNDLE/rootfs/" /proc/self/mountinfo && exit 1; test -e /proc/self/stat'
		expect_ok || { echo "with $p"; return 1; }
	done
}

@test "[r]private without pivot_root is refused" {
	update_config '.linux.rootfsPropagation = "private"'
	runc run --no-pivot "$ID"
	expect_error "is not safe without pivot_root"
}

@test "an unknown propagation is refused" {
	update_config '.linux.rootfsPropagation = "x"'
	runc run "$ID"
	expect_error "rootfsPropagation=x is not supported"
}

@test "each mount takes the propagation of its options" {
	local p want
	while read -r p want; do
		update_config '.mounts = (.mounts[0:7] + [{"destination":"/mnt","type":"tmpfs","source":"x","options":[$p]}])' --arg p "$p"
		sh_args "grep ' /mnt ' /proc/self/mountinfo | sed 's/ - .*//' | cut -d ' ' -f 7-"
		runc run "$ID"
		expect_ok
		# shellcheck disable=SC2053 # a pattern
		[[ $output == $want ]] || { echo "$p gives $output"; return 1; }
	done <<-'END'
		shared shared:*
		rshared shared:*
		private
		rprivate
		slave
		unbindable unbindable
		runbindable unbindable
	END
}

@test "a volume in a shared root takes mounts to the host" {
	mkdir vol
	update_config '.linux.rootfsPropagation = "shared" | .mounts += [{"destination":"/mnt","type":"bind","source":$v,"options":["rbind","rshared"]}]
		| .process.capabilities.bounding += ["CAP_SYS_ADMIN"] | .process.capabilities.effective += ["CAP_SYS_ADMIN"] | .process.capabilities.permitted += ["CAP_SYS_ADMIN"]' --arg v "$BUNDLE/vol"
	sh_args 'mkdir /mnt/x && mount -t tmpfs inner /mnt/x'
	in_shared "mount -t tmpfs vol $BUNDLE/vol; \"\$@\"; grep 'vol/x .* - tmpfs inner' /proc/self/mountinfo"
	expect_ok
}

@test "a volume in a slave root does not" {
	mkdir vol
	update_config '.mounts += [{"destination":"/mnt","type":"bind","source":$v,"options":["rbind"]}]
		| .process.capabilities.bounding += ["CAP_SYS_ADMIN"] | .process.capabilities.effective += ["CAP_SYS_ADMIN"] | .process.capabilities.permitted += ["CAP_SYS_ADMIN"]' --arg v "$BUNDLE/vol"
	sh_args 'mkdir /mnt/x && mount -t tmpfs inner /mnt/x && grep " /mnt/x " /proc/self/mountinfo'
	in_shared "mount -t tmpfs vol $BUNDLE/vol; \"\$@\"; ! grep 'tmpfs inner' /proc/self/mountinfo"
	expect_ok
}

@test "a slave volume sees what the host mounts later" {
	mkdir vol
	mkfifo vol/ready vol/go
	mkdir vol/in
	update_config '.mounts += [{"destination":"/mnt","type":"bind","source":$v,"options":["rbind"]}]' --arg v "$BUNDLE/vol"
	sh_args 'echo > /mnt/ready; read x < /mnt/go; grep -q " /mnt/in .*later" /proc/self/mountinfo && echo seen'
	in_shared "mount --bind $BUNDLE/vol $BUNDLE/vol; mount --make-shared $BUNDLE/vol; \"\$@\" > $TMP/said & read x < $BUNDLE/vol/ready; mount -t tmpfs later $BUNDLE/vol/in; echo > $BUNDLE/vol/go; wait; cat $TMP/said"
	expect_ok
	[ "$output" = seen ]
}

# tags: the container prints the mounts of /a and what they have of propagation.
tags() {
	args awk '$5 ~ "^/a" { o = ""; for (i = 7; $i != "-"; i++) { sub(/:.*/, "", $i); o = o " " $i } printf "%s%s;", $5, o }' /proc/self/mountinfo
}

@test "a mount keeps the propagation of its options, whatever that of the root" {
	local prop p want
	mkdir -p vol/in
	tags
	for prop in shared rshared slave rslave rprivate; do
		while read -r p want; do
			update_config '.linux.rootfsPropagation = $r | .mounts = .mounts[0:7] + [{"destination":"/a","type":"bind","source":$v,"options":["rbind",$p]},
				{"destination":"/a/in","type":"tmpfs","source":"x","options":[$p]}]' --arg r "$prop" --arg p "$p" --arg v "$BUNDLE/vol"
			in_shared 'exec "$@"'
			expect_ok
			[ "${output// master/}" = "$want" ] || { echo "root $prop, mount $p: $output"; return 1; }
		done <<-'END'
			rprivate /a;/a/in;
			unbindable /a unbindable;/a/in unbindable;
			shared /a shared;/a/in shared;
			rslave /a;/a/in;
		END
	done
}

@test "a mount below a shared one can have any propagation" {
	local p want
	mkdir vol
	tags
	while read -r p want; do
		update_config '.mounts = .mounts[0:7] + [{"destination":"/a","type":"tmpfs","source":"x","options":["rshared"]},
			{"destination":"/a/in","type":"tmpfs","source":"x","options":[$p]}, {"destination":"/a/vol","type":"bind","source":$v,"options":["bind",$p]}]' --arg p "$p" --arg v "$BUNDLE/vol"
		runc run "$ID"
		expect_ok
		[ "$output" = "$want" ] || { echo "$p gives $output"; return 1; }
	done <<-'END'
		private /a shared;/a/in;/a/vol;
		rslave /a shared;/a/in;/a/vol;
		shared /a shared;/a/in shared;/a/vol shared;
		runbindable /a shared;/a/in unbindable;/a/vol unbindable;
	END
}

@test "a private volume in an rshared root takes no mounts to the host, a shared one does" {
	mkdir private shared
	update_config '.linux.rootfsPropagation = "rshared" | .mounts += [{"destination":"/a","type":"bind","source":($v + "/private"),"options":["rbind","rprivate"]},
			{"destination":"/b","type":"bind","source":($v + "/shared"),"options":["rbind","rshared"]}]
		| .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])' --arg v "$BUNDLE"
	sh_args 'mkdir /a/x /b/x && mount -t tmpfs inner /a/x && mount -t tmpfs inner /b/x'
	in_shared "mount -t tmpfs p $BUNDLE/private; mount -t tmpfs s $BUNDLE/shared; \"\$@\"; grep -o '/[a-z]*/x .* - tmpfs inner' /proc/self/mountinfo | cut -d ' ' -f 1"
	expect_ok
	[ "$output" = /shared/x ] || { echo "$output"; return 1; }
}
