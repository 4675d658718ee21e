#!/usr/bin/env bats
# What bash offers when Tab is pressed.

load helpers

# offered WORD...: completes the last word; gives what is offered, one a line.
offered() {
	# shellcheck disable=SC1091 # found at run time
	source "$TOP/contrib/completions/bash/runc"
	COMP_WORDS=("$RUNC" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_runc
	printf '%s\n' "${COMPREPLY[@]}"
}

# offers WORD: among $output's lines.
offers() {
	grep -qxF -e "$1" <<<"$output" || { echo "not offered: $1; but: $output"; return 1; }
}

@test "completion offers every command" {
	run offered ''
	local c
	for c in checkpoint create delete events exec features kill list pause ps restore resume run spec start state update; do
		offers "$c"
	done
	run ! offers init
}

@test "completion finishes a command after global flags" {
	run offered --root "$TMP" --debug del
	[ "$output" = delete ]
}

@test "completion offers the global flags before a command" {
	run offered --
	offers --root
	offers --systemd-cgroup
	run ! offers --bundle
}

@test "completion offers a command's own flags" {
	run offered run --
	offers --bundle
	offers --detach
	offers --preserve-fds
	run ! offers --root
	run offered exec --n
	[ "$output" = --no-new-privs ]
}

@test "completion offers values of flags" {
	run offered --log-format j
	[ "$output" = json ]
	run offered list --format ''
	offers table
	offers json
	run offered checkpoint --manage-cgroups-mode s
	offers soft
	offers strict
	mkdir "$TMP/folder"
	run offered run --bundle "$TMP/fold"
	[ "$output" = "$TMP/folder" ]
}

@test "completion offers the ids of containers, and then signals" {
	requires root
	detached create "$ID"
	expect_ok
	# shellcheck disable=SC2153 # of helpers.bash
	run offered --root "$ROOT" delete ''
	[ "$output" = "$ID" ]
	run offered --root "$ROOT" kill "$ID" KI
	[ "$output" = KILL ]
	run offered --root "$ROOT" create ''
	[ -z "$output" ]
}
