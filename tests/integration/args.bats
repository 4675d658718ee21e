#!/usr/bin/env bats

load helpers

# usage_of WORDS ARGUMENTS...
usage_of() {
	local words=$1
	shift
	runc "$@"
	[ "$status" -eq 1 ]
	[[ $output == *"Incorrect Usage."* ]]
	expect_error "$words"
}

@test "a wrong number of arguments prints the usage and is refused" {
	local c
	for c in create run start delete state pause resume; do
		usage_of "runc: \"$c\" requires exactly 1 argument(s)" "$c"
		usage_of "runc: \"$c\" requires exactly 1 argument(s)" "$c" a b
	done
	usage_of 'runc: "kill" requires a minimum of 1 argument(s)' kill
	usage_of 'runc: "kill" requires a maximum of 2 argument(s)' kill a b c
	usage_of 'runc: "exec" requires a minimum of 1 argument(s)' exec
	usage_of 'runc: "ps" requires a minimum of 1 argument(s)' ps
	usage_of 'runc: "list" requires exactly 0 argument(s)' list x
}

@test "an unknown command gives 3" {
	runc nosuch
	[ "$status" -eq 3 ]
	expect_error "No help topic for 'nosuch'"
}

@test "an unknown flag prints the help and is refused" {
	runc --nosuch list
	[ "$status" -eq 1 ]
	expect_error "flag provided but not defined: -nosuch"
	[[ $output == *"GLOBAL OPTIONS:"* ]]
	runc list --nosuch
	[ "$status" -eq 1 ]
	expect_error "flag provided but not defined: -nosuch"
	[[ $output == *"runc list - lists containers"* ]]
}

@test "help shows that there are options, and indents every line of a description" {
	runc run --help
	expect_ok
	[[ $output == *$'\n   runc run [options] <container-id>\n'* ]]
	runc spec --help
	local description
	description=$(sed -n '/^DESCRIPTION:/,/^OPTIONS:/p' <<<"$output" | sed '1d;$d')
	[ "$(wc -l <<<"$description")" -gt 10 ]
	if grep -v '^   \|^$' <<<"$description"; then return 1; fi
	runc exec --help
	local flags
	flags=$(sed -n '/^OPTIONS:/,/^GLOBAL/s/^   \(--[a-z-]*\).*/\1/p' <<<"$output" | grep -vx -- --help)
	[ "$flags" = "$(LC_ALL=C sort <<<"$flags")" ]
	runc --help
	local c
	for c in create delete events exec kill list pause ps resume run spec start state update features; do
		grep -qE "^   $c  " <<<"$output"
	done
}

@test "spec writes no newline at the end" {
	rm config.json
	runc spec
	expect_ok
	[ "$(tail -c 1 config.json)" = '}' ]
}

@test "the root folder may not be /" {
	run "$RUNC" --root / list
	[ "$status" -eq 1 ]
	expect_error "Option --root argument should not be set to /"
}

@test "list fails on a root that was named and is missing" {
	run "$RUNC" --root "$TMP/nosuch" list
	[ "$status" -eq 1 ]
	expect_error "no such file or directory"
}

@test "--criu is accepted and ignored" {
	mkdir -p "$ROOT"
	runc --criu /nosuch list -q
	expect_ok
	[ -z "$output" ]
}

@test "the version's first line is what callers parse" {
	runc --version
	expect_ok
	[[ ${lines[0]} == "runc version "* ]]
	[[ $output == *$'\nspec: 1.'* ]]
}

@test "formats that do not exist are refused" {
	mkdir -p "$ROOT"
	runc list -f xml
	expect_error "invalid format option"
}

@test "spec refuses to overwrite config.json" {
	runc spec
	[ "$status" -eq 1 ]
	expect_error "File config.json exists. Remove it first"
}

@test "spec --rootless makes a configuration with a user namespace" {
	mkdir "$TMP/other"
	runc spec --rootless --bundle "$TMP/other"
	expect_ok
	jq -e '.linux.namespaces | any(.type == "user")' "$TMP/other/config.json"
	jq -e '.linux.uidMappings[0].hostID == '"$(id -u)" "$TMP/other/config.json"
}

@test "features are json with what the runtime knows" {
	runc features
	expect_ok
	jq -e '.ociVersionMax == "1.3.0" and (.hooks | length == 6) and (.mountOptions | index("rbind"))
		and (.linux.namespaces | index("time")) and .linux.seccomp.enabled and (.linux.seccomp.archs | length) == 18' <<<"$output"
}

@test "kill refuses a signal that does not exist" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc kill "$ID" NOSUCH
	[ "$status" -eq 1 ]
	expect_error 'unknown signal "NOSUCH"'
	state_is running
}
