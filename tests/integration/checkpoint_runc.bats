#!/usr/bin/env bats
# Checkpoints of the distribution's runc are restored here, and the other way round.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts for shells inside; each test is a subshell; bats sets status

load helpers
load criu

setup() {
	setup_bundle
	needs_criu
	OTHER=/usr/sbin/runc
	[ "${RUNC_TEST_DRIVER:-cgroupfs}" = cgroupfs ] || skip "the other runc is not told of systemd"
	"$OTHER" --version 2>/dev/null | grep -q '^libseccomp: ' || skip "needs a runc other than this one as $OTHER"
	mkdir "$TMP/a"
	echo text >"$TMP/a/file"
	update_config '.mounts += [{destination: "/a", source: $t, type: "bind", options: ["bind"]}]' --arg t "$TMP/a"
	counts
}

# with RUNTIME ARGUMENTS...: with stdio that is pipes, as engines have it.
with() {
	local runtime=$1 in
	shift
	status=0
	exec {in}< <(exec 3>&- sleep 0)
	"$runtime" --root "$ROOT" "$@" <&"$in" > >(exec 3>&- {in}<&- cat >"$TMP/out") 2> >(exec 3>&- {in}<&- cat >"$TMP/err") 3>&- {in}<&- || status=$?
	exec {in}<&-
	output=$(cat "$TMP/err")
}

@test "a checkpoint of the other runc is restored here" {
	with "$OTHER" run -d "$ID"
	expect_ok
	wait_for test -s "$BUNDLE/rootfs/n"
	run "$OTHER" --root "$ROOT" checkpoint --image-path "$IMAGES" "$ID"
	expect_ok
	local n
	n=$(count)
	with "$RUNC" restore -d --image-path "$IMAGES" "$ID"
	expect_ok
	goes_on "$n"
	runc exec "$ID" cat /a/file
	[ "$output" = text ]
}

@test "a checkpoint of ours is restored by the other runc" {
	with "$RUNC" run -d "$ID"
	expect_ok
	wait_for test -s "$BUNDLE/rootfs/n"
	checkpoint
	local n
	n=$(count)
	with "$OTHER" restore -d --image-path "$IMAGES" "$ID"
	expect_ok
	goes_on "$n"
	runc exec "$ID" cat /a/file
	[ "$output" = text ]
}

@test "a container of the other runc is checkpointed here, and the other way round" {
	with "$OTHER" run -d "$ID"
	expect_ok
	wait_for test -s "$BUNDLE/rootfs/n"
	checkpoint
	with "$RUNC" restore -d --image-path "$IMAGES" "$ID"
	expect_ok
	goes_on "$(count)"
	run "$OTHER" --root "$ROOT" checkpoint --image-path "$TMP/two" "$ID"
	expect_ok
	with "$OTHER" restore -d --image-path "$TMP/two" "$ID"
	expect_ok
	goes_on "$(count)"
}
