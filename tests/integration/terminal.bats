#!/usr/bin/env bats

load helpers

setup() {
	command -v script >/dev/null || skip "needs script(1), which gives the runtime a terminal"
	setup_bundle
	update_config '.process.terminal = true'
}

# in_terminal runs the runtime as a person would, in a terminal; what appears
# there becomes $output, with plain newlines.
in_terminal() {
	run script --quiet --return --command "$(printf '%q ' "$RUNC" --root "$ROOT" "$@")" /dev/null </dev/null
	output=${output//$'\r'/}
	# The end of script's own input is echoed, wherever it falls.
	output=${output//^@/}
	output=$(printf %s "$output")
}

@test "a terminal is made in the container's own devpts" {
	sh_args 'tty'
	in_terminal run "$ID"
	expect_ok
	[ "$output" = /dev/pts/0 ]
}

@test "standard input, output and error are the terminal" {
	# shellcheck disable=SC2016 # for the container's shell
	sh_args 'for fd in 0 1 2; do test -t $fd && echo yes; done'
	in_terminal run "$ID"
	expect_ok
	[ "$output" = $'yes\nyes\nyes' ]
}

@test "the terminal is the process's controlling terminal" {
	sh_args 'echo spoken >/dev/tty'
	in_terminal run "$ID"
	expect_ok
	[ "$output" = spoken ]
}

@test "the terminal is at /dev/console" {
	sh_args 'test /dev/console -ef /dev/pts/0 || stat -c %t:%T /dev/console /dev/pts/0; echo spoken >/dev/console'
	in_terminal run "$ID"
	expect_ok
	[[ $output == *spoken* ]]
}

@test "in the foreground the terminal has the size of the caller's" {
	sh_args 'stty size'
	run script --quiet --return --command \
		"stty rows 33 cols 91; $(printf '%q ' "$RUNC" --root "$ROOT" run "$ID")" /dev/null </dev/null
	expect_ok
	[[ $output == *"33 91"* ]]
}

@test "the terminal belongs to the process's user" {
	update_config '.process.user = {"uid": 1000, "gid": 1000}'
	sh_args 'stat -c %u /dev/pts/0'
	in_terminal run "$ID"
	expect_ok
	[ "$output" = 1000 ]
}

@test "the process's exit status comes through a terminal" {
	sh_args 'exit 7'
	in_terminal run "$ID"
	[ "$status" -eq 7 ]
}

@test "an exec'd process gets a terminal of the container's" {
	update_config '.process.terminal = false | .process.args = ["sleep", "1000"]'
	detached run -d "$ID"
	expect_ok
	in_terminal exec -t "$ID" tty
	expect_ok
	[ "$output" = /dev/pts/0 ]
}

@test "a container without devpts cannot have a terminal" {
	update_config '.mounts |= map(select(.destination != "/dev/pts"))'
	sh_args true
	in_terminal run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *devpts* || $output == */dev/pts* ]]
}

@test "create with a terminal needs a console socket" {
	runc create "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot allocate tty if runc will detach without setting console socket"* ]]
}

@test "a detached run with a terminal needs a console socket" {
	detached run -d "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot allocate tty if runc will detach without setting console socket"* ]]
}

@test "a console socket without a terminal is refused" {
	update_config '.process.terminal = false'
	runc create --console-socket /nosuch "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot use console socket if runc will not detach or allocate tty"* ]]
}

@test "a container whose ptmx is a symlink gets no terminal from elsewhere" {
	update_config '.mounts |= map(select(.destination != "/dev/pts" and .destination != "/dev"))
		| .root.readonly = false'
	mkdir -p rootfs/dev/pts
	ln -s /dev/zero rootfs/dev/pts/ptmx
	sh_args true
	in_terminal run "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"/dev/pts is not a devpts"* ]]
}
