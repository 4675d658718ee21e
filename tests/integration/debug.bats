#!/usr/bin/env bats
# --debug tells the steps, those inside the container too, and where in the code
# they are. Some of the words are what scripts look for.

load helpers

# tells FILE WORDS...: debug lines with each of the words.
tells() {
	local file=$1 w
	shift
	for w; do
		grep level=debug "$file" | grep -qF -- "$w" || { echo "no debug line with: $w"; cat "$file"; return 1; }
	done
}

@test "without --debug nothing is told" {
	__runc run "$ID" 2>"$TMP/err"
	[ ! -s "$TMP/err" ]
}

@test "--debug of run tells of the runtime and of init" {
	__runc --debug run "$ID" 2>"$TMP/err"
	tells "$TMP/err" "nsexec container setup" "child process in init()" "has been started" "state folder of $ID"
}

@test "--debug names file and function of the step, inside as well" {
	__runc --debug run "$ID" 2>"$TMP/err"
	grep "child process in init()" "$TMP/err" | grep -q 'func=.*libcontainer.*file=.*\.go:[1-9]'
	grep "nsexec container setup" "$TMP/err" | grep -q 'func=.*launch.*file=.*/launch.go:[1-9]'
}

@test "--debug with --log goes to the file alone" {
	__runc --log "$TMP/log" --debug run "$ID" 2>"$TMP/err"
	[ ! -s "$TMP/err" ]
	tells "$TMP/log" "nsexec container setup" "child process in init()"
}

@test "--debug as json has one object a line" {
	__runc --log "$TMP/log" --log-format json --debug run "$ID"
	jq -se 'map(select(.level == "debug" and .time and .file and .func and .msg)) | length > 5' "$TMP/log"
}

@test "--debug of create, start, kill and delete" {
	args sleep 1000
	detached --log "$TMP/create" --debug create "$ID"
	expect_ok
	tells "$TMP/create" "nsexec container setup" "child process in init()" "waiting for start"
	__runc --log "$TMP/start" --debug start "$ID"
	tells "$TMP/start" "has been started"
	__runc --log "$TMP/kill" --debug kill "$ID" 0
	tells "$TMP/kill" "signal 0 to container $ID"
	__runc --log "$TMP/delete" --debug delete --force "$ID"
	tells "$TMP/delete" "signal 9" "destroying container $ID"
}

@test "--debug of exec, on each way into the container" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	local way
	for way in "" go relay; do
		_RUNC_TEST_INIT=$way __runc --log "$TMP/log.$way" --debug exec "$ID" true
		tells "$TMP/log.$way" "nsexec container setup" "child process in init()" "setns_init: about to exec"
	done
	tells "$TMP/log." "stub: "
}

@test "--debug tells how the binary is sealed, and an initial affinity of exec" {
	requires root
	args sleep 1000
	__runc --log "$TMP/log" --debug run -d "$ID" </dev/null >/dev/null 2>&1 3>&-
	tells "$TMP/log" "runc exeseal: using "
	update_config '.process.execCPUAffinity = {initial: "0"}'
	runc delete --force "$ID"
	detached run -d "$ID"
	expect_ok
	__runc --log "$TMP/exec" --debug exec "$ID" true
	tells "$TMP/exec" "]: affinity: 0x1"
}

@test "--debug of a start that fails tells how far it came" {
	args nosuchcmd
	runc --log "$TMP/log" --debug run "$ID"
	expect_error "executable file not found"
	tells "$TMP/log" "dropping privileges"
	grep level=error "$TMP/log" | grep -q "executable file not found"
}

@test "--debug tells the flags of the seccomp filter" {
	local flags number
	while read -r flags number; do
		case $flags in
		none) update_config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"}' ;;
		empty) update_config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: []}' ;;
		*) update_config ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", flags: [$flags]}" ;;
		esac
		runc --debug run "$ID"
		expect_ok
		[[ $output == *"\"seccomp filter flags: $number\""* ]] || { echo "$flags: $(grep flags: <<<"$output")"; return 1; }
		runc --debug --log-format json run "$ID"
		[[ $output == *"\"msg\":\"seccomp filter flags: $number\""* ]]
	done <<-'EOT'
		none 4
		empty 0
		"SECCOMP_FILTER_FLAG_LOG" 2
		"SECCOMP_FILTER_FLAG_SPEC_ALLOW" 4
		"SECCOMP_FILTER_FLAG_TSYNC" 1
		"SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW" 6
		"SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_TSYNC" 3
	EOT
}

@test "an invalid log format makes no log file" {
	runc --log-format x --log "$TMP/log" list
	expect_error "invalid log-format: x"
	[ ! -e "$TMP/log" ]
}

@test "a wrong value of --rootless is refused before anything is made" {
	runc --rootless x run "$ID"
	expect_error 'strconv.ParseBool: parsing "x": invalid syntax'
	[ ! -e "$ROOT/$ID" ]
}

@test "an empty --root is the current folder" {
	mkdir "$TMP/here"
	cd "$TMP/here"
	args sleep 1000
	status=0
	"$RUNC" --root "" run -d --bundle "$BUNDLE" "$ID" </dev/null >"$TMP/out" 2>&1 3>&- || status=$?
	output=$(cat "$TMP/out")
	expect_ok
	[ -f "$TMP/here/$ID/state.json" ]
	run "$RUNC" --root "" list -q
	[ "$output" = "$ID" ]
	"$RUNC" --root "" delete --force "$ID"
}
