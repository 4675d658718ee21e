#!/usr/bin/env bats
# A release has the same bytes, whoever builds it, and can be built from its
# source archive without a network.
# ALSO=release: with an empty cache for each build, so that nothing of the first
# one is taken for the second; a minute more on two cores.

setup_file() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	D=$BATS_FILE_TMPDIR
	export TOP D
	git -C "$TOP" rev-parse HEAD >/dev/null 2>&1 || return 0
	git clone -q "$TOP" "$D/one"
	make -s -C "$D/one" release DIST="$D/dist-one" ARCHES=amd64 >"$D/log" 2>&1
}

setup() {
	[ -d "$D/one" ] || skip "needs the tree to be a clone of git"
	[ -f "$D/dist-one/SHA256SUMS" ] || { cat "$D/log"; return 1; }
	mkdir "$BATS_TEST_TMPDIR/cache"
	[[ " ${ALSO:-} " != *" release "* ]] || export GOCACHE=$BATS_TEST_TMPDIR/cache
}

same() {
	(cd "$1" && sha256sum --quiet -c SHA256SUMS)
	diff "$D/dist-one/SHA256SUMS" "$1/SHA256SUMS"
}

@test "from git in another folder, by a user with another umask, time zone and language" {
	mkdir "$BATS_TEST_TMPDIR/a longer name"
	git clone -q "$TOP" "$BATS_TEST_TMPDIR/a longer name/two"
	(umask 077 && cd "$BATS_TEST_TMPDIR/a longer name/two" && env TZ=Asia/Tokyo LANG=de_DE.UTF-8 LC_ALL=C.UTF-8 USER=other HOME="$HOME" \
		make -s release DIST="$BATS_TEST_TMPDIR/dist" ARCHES=amd64)
	same "$BATS_TEST_TMPDIR/dist"
}

@test "from the source archive, without git and without a network" {
	tar -C "$BATS_TEST_TMPDIR" -xzf "$D"/dist-one/*.src.tar.gz
	cd "$BATS_TEST_TMPDIR"/runc-go-*
	# Neither modules nor checksums can be asked for.
	GOPROXY=off GOSUMDB=off GOFLAGS=-mod=vendor GOMODCACHE=$BATS_TEST_TMPDIR/none \
		make -s release DIST="$BATS_TEST_TMPDIR/dist" ARCHES=amd64
	same "$BATS_TEST_TMPDIR/dist"
}

@test "the archive has static binaries, man pages, completions and the licences of what is linked in" {
	tar -C "$BATS_TEST_TMPDIR" -xzf "$D"/dist-one/*-linux-amd64.tar.gz
	cd "$BATS_TEST_TMPDIR"/runc-go-*
	local b m
	for b in runc recvtty seccompagent; do
		[ -x "bin/$b" ]
		[[ $(od -An -c -N4 "bin/$b") == *E*L*F* ]]
		run ldd "bin/$b"
		[[ $output == *"not a dynamic executable"* ]]
	done
	[ "$(find man -name '*.8' | wc -l)" = "$(find "$TOP/man" -name '*.8' | wc -l)" ]
	[ -f completions/bash/runc ] && [ -f completions/zsh/_runc ] && [ -f completions/fish/runc.fish ]
	[ -s licences/go ] && [ -s licences/runc-go ]
	while read -r m; do
		[ -n "$(find "licences/${m//\//_}" -type f -size +0)" ] || { echo "no licence of $m"; return 1; }
	done < <(cd "$TOP" && go version -m "$BATS_TEST_TMPDIR"/runc-go-*/bin/* | awk '$1 == "dep" {print $2}' | sort -u)
	[ "$(uname -m)" != x86_64 ] || bin/runc --version | grep -qx "commit: $(git -C "$TOP" rev-parse HEAD)"
}

@test "the bill of materials names each module, its version and its licence" {
	local sbom
	sbom=$(echo "$D"/dist-one/*.spdx.json)
	jq -e '.spdxVersion == "SPDX-2.3" and (.packages | length) > 5 and ([.packages[] | .licenseConcluded] | index("NOASSERTION") == null)
		and ([.packages[].SPDXID] | (unique | length) == length)
		and ([.relationships[].relatedSpdxElement] - [.packages[].SPDXID, .files[].SPDXID] == [])' "$sbom"
	tar -C "$BATS_TEST_TMPDIR" -xzf "$D"/dist-one/*-linux-amd64.tar.gz
	cd "$BATS_TEST_TMPDIR"/runc-go-*
	jq -r '.files[] | .checksums[0].checksumValue + "  " + .fileName' "$sbom" | sha256sum --quiet -c -
}
