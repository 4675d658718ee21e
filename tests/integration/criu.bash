# For tests of checkpoint and restore.
# shellcheck shell=bash disable=SC2154,SC2034

# find_criu: puts that of tests/criu/install first in PATH, unless there is one
# that works here.
find_criu() {
	criu check >/dev/null 2>&1 || PATH=${RUNC_TEST_CRIU:-${XDG_CACHE_HOME:-$HOME/.cache}/runc-tests/criu}/bin:$PATH
}

# needs_criu: for a test that cannot do without.
needs_criu() {
	requires root
	find_criu
	command -v criu >/dev/null || skip "needs CRIU (tests/criu/install)"
	criu check >/dev/null 2>&1 || skip "this CRIU cannot work on this kernel: $(criu check 2>&1 | grep -m 1 Error)"
	# CRIU would dump, and restore, the cgroups of everybody else.
	if [ -f /sys/fs/cgroup/cgroup.controllers ] && grep -qE '^[0-9]+:[^:]+:/$' /proc/self/cgroup; then
		skip "hierarchies of cgroup v1 are out of sight here, and CRIU sees them from their top"
	fi
	IMAGES=$TMP/images
	update_config '.root.readonly = false'
}

# counts: the container counts in its file /n.
counts() {
	# shellcheck disable=SC2016 # for the shell inside
	sh_args 'i=0; while :; do i=$((i + 1)); echo $i >/n.new; mv /n.new /n; sleep 0.02; done'
}

# count: how far it has come.
count() { cat "$BUNDLE/rootfs/n"; }

# beyond N: whether it has counted further than that.
beyond() { [ "$(count)" -gt "$1" ]; }

# counting: starts the container, which then counts.
counting() {
	counts
	detached run -d "$ID"
	expect_ok
	wait_for test -s "$BUNDLE/rootfs/n"
}

# checkpoint FLAGS...: of the test's container into IMAGES.
checkpoint() {
	runc checkpoint --image-path "$IMAGES" "$@" "$ID"
	[ "$status" -eq 0 ] || { echo "$output"; tail -n 30 "$IMAGES"/dump.log; return 1; }
}

# restore FLAGS...: the same way back.
restore() {
	detached restore -d --image-path "$IMAGES" "$@" "$ID"
	[ "$status" -eq 0 ] || { echo "$output"; tail -n 30 "$IMAGES"/restore.log; return 1; }
}

# goes_on: whether a restored counter has neither begun anew nor stands still.
goes_on() {
	state_is running
	wait_for beyond "$1"
}
