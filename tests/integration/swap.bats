#!/usr/bin/env bats
# A node on which runc is replaced by this runtime, or the other way round, while
# containers of either are there: docs/swap.md.

# shellcheck disable=SC2016,SC2154 # scripts for shells inside; bats sets status and output

load helpers

setup() {
	requires root
	THEIRS=/usr/sbin/runc
	[ -x "$THEIRS" ] && ! cmp -s "$THEIRS" "${RUNC_TEST_BINARY:-$RUNC}" || skip "needs Debian's runc"
	# The older one tells nothing of a controller that its own limits need.
	requires_controller memory
	requires_controller pids
	setup_bundle
	name_cgroup "$ID"
	DRIVER=()
	[ "${RUNC_TEST_DRIVER:-cgroupfs}" != systemd ] || DRIVER=(--systemd-cgroup)
	update_config '.ociVersion = "1.0.2" | .linux.resources += {memory: {limit: 67108864}, pids: {limit: 50}}'
	args sleep 1000
}

# by ours|theirs ARGUMENTS...: under run, with stdio that a container may keep.
by() {
	local which=$1
	shift
	status=0
	case $which in
	ours) "$RUNC" --root "$ROOT" "$@" </dev/null >"$TMP/out" 2>"$TMP/err" 3>&- || status=$? ;;
	theirs) "$THEIRS" "${DRIVER[@]}" --root "$ROOT" "$@" </dev/null >"$TMP/out" 2>"$TMP/err" 3>&- || status=$? ;;
	esac
	output=$(cat "$TMP/out" "$TMP/err")
	[ "$status" -eq 0 ] || { echo "$which $*: $status: $output"; return 1; }
}

# seen_as STATUS: by both.
seen_as() {
	local which
	for which in ours theirs; do
		by "$which" state "$ID"
		[ "$(jq -r .status "$TMP/out")" = "$1" ] || { echo "$which: $output"; return 1; }
		by "$which" list -f json
		[ "$(jq -r '.[0].status' "$TMP/out")" = "$1" ]
	done
}

says() { [ "$output" = "$1" ] || { echo "says: $output"; return 1; }; }

stopped() { [ "$(__runc state "$ID" | jq -r .status)" = stopped ]; }

# swapped FROM TO: the whole life of a container of FROM's in the hands of TO,
# and of FROM again.
swapped() {
	local from=$1 to=$2 pid
	# created
	by "$from" create "$ID"
	seen_as created
	by "$to" start "$ID"
	seen_as running
	pid=$(init_pid)
	# running, with an exec session of the one before
	by "$from" exec -d --pid-file "$TMP/session" "$ID" sleep 999
	by "$to" exec "$ID" cat /proc/1/cmdline
	[ "$(tr '\0' ' ' <"$TMP/out")" = "sleep 1000 " ]
	by "$to" ps -f json "$ID"
	[ "$(jq -c sort "$TMP/out")" = "$(jq -nc '[$ARGS.positional[] | tonumber] | sort' --args "$pid" "$(cat "$TMP/session")")" ]
	by "$to" events --stats "$ID"
	[ "$(jq .data.pids.limit "$TMP/out")" = 50 ]
	# limits
	by "$to" update --pids-limit 40 "$ID"
	by "$from" events --stats "$ID"
	[ "$(jq .data.pids.limit "$TMP/out")" = 40 ]
	# The limit that was not named is still in force, and still known.
	[ "$(jq .data.memory.usage.limit "$TMP/out")" = 67108864 ]
	by "$from" update --memory 128M "$ID"
	by "$to" events --stats "$ID"
	[ "$(jq .data.memory.usage.limit "$TMP/out")" = 134217728 ] && [ "$(jq .data.pids.limit "$TMP/out")" = 40 ]
	# paused
	by "$from" pause "$ID"
	seen_as paused
	by "$to" resume "$ID"
	seen_as running
	by "$to" pause "$ID"
	by "$from" resume "$ID"
	by "$from" exec "$ID" echo back
	says back
	# The session is the same process as before.
	[ "$(tr '\0' ' ' <"/proc/$(cat "$TMP/session")/cmdline")" = "sleep 999 " ]
	# stopped
	by "$to" kill "$ID" KILL
	wait_for stopped
	seen_as stopped
	by "$from" delete "$ID"
	[ ! -e "$ROOT/$ID" ]
}

@test "runc's containers in our hands, and back" { swapped theirs ours; }

@test "our containers in runc's hands, and back" { swapped ours theirs; }

@test "each state is deleted by the other one" {
	local from to state
	for from in ours theirs; do
		to=theirs
		[ "$from" = ours ] || to=ours
		for state in created running paused stopped; do
			by "$from" create "$ID"
			[ "$state" = created ] || by "$from" start "$ID"
			[ "$state" != paused ] || by "$from" pause "$ID"
			[ "$state" != stopped ] || { by "$from" kill "$ID" KILL && wait_for stopped; }
			# Debian's runc, too, needs a container to be thawed for its end.
			[ "$state.$to" != paused.theirs ] || by "$to" resume "$ID"
			by "$to" delete --force "$ID"
			[ ! -e "$ROOT/$ID" ] || { echo "$from $state"; return 1; }
		done
	done
}

@test "user namespaces: entered, updated and removed by the other one" {
	requires userns
	chown -R 100000:100000 rootfs
	update_config '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	local from to
	for from in ours theirs; do
		to=theirs
		[ "$from" = ours ] || to=ours
		by "$from" create "$ID"
		by "$to" start "$ID"
		by "$to" exec "$ID" sh -c 'id -u; cat /proc/self/uid_map'
		[ "$(tr -s ' \n' ' ' <"$TMP/out")" = '0 0 100000 65536 ' ]
		by "$to" update --pids-limit 30 "$ID"
		by "$to" exec -u 5 "$ID" id -u
		says 5
		by "$from" exec "$ID" id -u
		says 0
		by "$to" delete --force "$ID"
	done
}

@test "a wait in the foreground goes on, and ends with the status" {
	local from to
	for from in "$RUNC" "$THEIRS ${DRIVER[*]}"; do
		to=theirs
		[ "$from" = "$RUNC" ] || to=ours
		sh_args 'trap "exit 7" TERM; while :; do sleep 0.1; done'
		$from --root "$ROOT" run "$ID" </dev/null >"$TMP/said" 2>&1 3>&- &
		local run=$! code=0
		wait_for state_is running
		sleep 0.3 # until the trap is set
		by "$to" kill "$ID" TERM
		wait "$run" || code=$?
		[ "$code" -eq 7 ] || { echo "$from: $code: $(cat "$TMP/said")"; return 1; }
	done
}
