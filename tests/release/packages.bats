#!/usr/bin/env bats
# The .deb on a Debian of its own (tests/box/box): installed, used by engines,
# upgraded under running containers, removed; then the distribution's runc has
# the containers that are left.
# ALSO=packages runs it: two packages are built for it.

setup_file() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	D=$BATS_FILE_TMPDIR
	export TOP D
	[[ " ${ALSO:-} " == *" packages "* ]] || return 0
	git -C "$TOP" rev-parse HEAD >/dev/null 2>&1 || return 0
	"$TOP/tests/box/box" build
	git clone -q "$TOP" "$D/src"
	make -s -C "$D/src" packages DIST="$D/old" PACKAGE_ARCHES=amd64 >"$D/log" 2>&1
	echo 99.0.0 >"$D/src/VERSION"
	git -C "$D/src" -c user.name=t -c user.email=t@localhost commit -qam "a newer one"
	FORMATS=deb make -s -C "$D/src" packages DIST="$D/new" PACKAGE_ARCHES=amd64 >>"$D/log" 2>&1
	make_image >"$D/image.tar"
}

# make_image: a root file system of busybox, for Podman and ctr to import.
make_image() {
	local r=$D/image a
	mkdir -p "$r"/{bin,dev,etc,proc,sys,tmp}
	cp "$(command -v busybox)" "$r/bin/"
	for a in sh sleep echo cat; do ln -s busybox "$r/bin/$a"; done
	tar -C "$r" -cf - .
}

setup() {
	[[ " ${ALSO:-} " == *" packages "* ]] || skip "ALSO=packages for it: builds two packages"
	[ -d "$D/src" ] || skip "needs the tree to be a clone of git"
	[ -f "$D/image.tar" ] || { cat "$D/log"; return 1; }
}

@test "the .rpm and the .apk are made, too" {
	[ -s "$(echo "$D"/old/*.rpm)" ] && [ -s "$(echo "$D"/old/*.apk)" ]
}

@test "the .deb: install, use by Podman and containerd, upgrade under running containers, remove" {
	cd "$TOP"
	run tests/box/box run --share "$TOP:ro" --share "$D:ro" --timeout 300 -- bash tests/release/in-box "$D"
	echo "$output"
	[ "$status" -eq 0 ]
}
