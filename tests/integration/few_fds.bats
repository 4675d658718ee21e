#!/usr/bin/env bats
# A small limit on file descriptors: what cannot work ends in one clear line,
# and leaves nothing.

load helpers

setup() {
	# With systemd a script starts the program under test, and a shell needs more.
	requires cgroupfs
	setup_bundle
	# A container may not raise the limit again.
	update_config '.process.rlimits = [] | .process.args = ["sleep", "1000"]'
}

# limited N ARGUMENTS...: by at most N file descriptors.
limited() {
	local n=$1
	shift
	status=0
	(
		ulimit -n "$n"
		exec timeout -k 5 20 "$RUNC" --root "$ROOT" "$@" </dev/null 3>&- 4>&-
	) >"$TMP/out" 2>"$TMP/err" || status=$?
	output=$(cat "$TMP/err")
	case $status in
	0) return 0 ;;
	1) ;;
	255) [ "$1" = exec ] || { echo "$n: $*: status 255: $output"; return 1; } ;;
	*) echo "$n: $*: status $status: $output"; return 1 ;;
	esac
	[ "$(wc -l <"$TMP/err")" = 1 ] && [[ $output == *"level=error msg="*"too many open files"* || $output == *"level=error msg="*"invalid argument"* ]] ||
		{ echo "$n: $*: $output"; return 1; }
}

@test "create and run by few file descriptors work, or leave nothing" {
	name_cgroup "$ID"
	local n command
	for n in 8 10 12 16 20 32 64; do
		for command in create run "run -d"; do
			[ "$command" != run ] || args true
			# shellcheck disable=SC2086 # words
			limited "$n" $command "$ID"
			[ "$command" != run ] || args sleep 1000
			if [ "$status" != 0 ] || [ "$command" = run ]; then
				[ -z "$(ls "$ROOT")" ]
				[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null)" ]
			else
				__runc delete --force "$ID"
			fi
		done
	done
	[ "$status" = 0 ]
}

@test "exec by few file descriptors works, or says why not" {
	detached run -d "$ID"
	expect_ok
	local n
	for n in 8 10 12 16 20 32 64; do
		limited "$n" exec "$ID" true
		limited "$n" exec -d "$ID" true
		limited "$n" exec -t "$ID" true
	done
	[ "$status" = 0 ]
	state_is running
}

@test "every other command by few file descriptors works, or says why not" {
	local n command
	for n in 8 10 12 16 20 32; do
		detached run -d "$ID"
		expect_ok
		detached create "$ID-2"
		expect_ok
		for command in "state $ID" list "list -f json" "ps -f json $ID" "ps $ID" "kill $ID 0" "events --stats $ID" features --version --help "start $ID-2"; do
			# shellcheck disable=SC2086 # words
			limited "$n" $command
		done
		if [ "$(id -u)" = 0 ]; then
			! __runc update --pids-limit 100 "$ID" 2>/dev/null || limited "$n" update --pids-limit 100 "$ID"
			limited "$n" pause "$ID"
			limited "$n" resume "$ID"
			__runc resume "$ID" >/dev/null 2>&1 || true
		fi
		mkdir "$TMP/spec-$n"
		limited "$n" spec -b "$TMP/spec-$n"
		# A container that runs is never taken for one that has ended.
		limited "$n" delete "$ID" && [ "$status" = 0 ] && { echo "deleted"; return 1; }
		state_is running
		limited "$n" delete --force "$ID"
		[ "$status" = 0 ] || __runc delete --force "$ID"
		__runc delete --force "$ID-2"
		[ -z "$(ls "$ROOT")" ]
	done
}
