#!/usr/bin/env bats

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

setup() {
	setup_bundle
	# A hook that notes its moment, environment and state.
	cat >"$TMP/hook" <<-E
		#!/bin/sh
		cat >"$TMP/state.\$1"
		echo "\$1 A=\$A" >>"$TMP/order"
		readlink /proc/self/ns/mnt >"$TMP/mnt.\$1"
	E
	chmod 755 "$TMP/hook"
	chmod 777 "$TMP"
}

add_hooks() { # KIND...
	local k
	for k; do
		update_config '.hooks[$k] = [{"path": $p, "args": ["hook", $k], "env": ["A=" + $k, "PATH=/bin:/usr/bin"]}]' --arg k "$k" --arg p "$TMP/hook"
	done
}

@test "hooks run at their moments, in order, with their environment" {
	add_hooks prestart createRuntime createContainer poststart poststop
	runc run "$ID"
	expect_ok
	[ "$(cat "$TMP/order")" = "$(printf '%s\n' prestart createRuntime createContainer poststart poststop | sed 's/.*/& A=&/')" ]
}

@test "hooks get the container's state" {
	add_hooks createRuntime createContainer poststart poststop
	args sleep 0.1
	runc run "$ID"
	expect_ok
	local k
	for k in createRuntime createContainer poststart poststop; do
		jq -e --arg id "$ID" --arg b "$BUNDLE" '.ociVersion and .id == $id and .bundle == $b' "$TMP/state.$k"
	done
	jq -e '.status == "creating" and .pid > 1' "$TMP/state.createRuntime"
	jq -e '.status == "creating" and .pid == 1' "$TMP/state.createContainer"
	jq -e '.status == "running" and .pid > 1' "$TMP/state.poststart"
	jq -e '.status == "stopped"' "$TMP/state.poststop"
}

@test "hooks start in the bundle, createContainer in the root file system" {
	local k
	for k in prestart createRuntime createContainer poststart poststop; do
		update_config '.hooks[$k] = [{"path": "/bin/sh", "args": ["sh", "-c", "pwd -P >" + $f]}]' --arg k "$k" --arg f "$TMP/cwd.$k"
	done
	runc run "$ID"
	expect_ok
	for k in prestart createRuntime poststart poststop; do
		[ "$(cat "$TMP/cwd.$k")" = "$BUNDLE" ]
	done
	[ "$(cat "$TMP/cwd.createContainer")" = "$BUNDLE/rootfs" ]
}

@test "createRuntime runs in the runtime's mount namespace, createContainer in the container's" {
	add_hooks createRuntime createContainer
	runc run "$ID"
	expect_ok
	[ "$(cat "$TMP/mnt.createRuntime")" = "$(readlink /proc/self/ns/mnt)" ]
	[ "$(cat "$TMP/mnt.createContainer")" != "$(readlink /proc/self/ns/mnt)" ]
}

@test "createContainer starts in the container's root, createRuntime in the bundle" {
	update_config '.hooks = {
		createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "pwd -P >" + $f + ".runtime"]}],
		createContainer: [{path: "/bin/sh", args: ["sh", "-c", "pwd -P >" + $f + ".container"]}]}' --arg f "$TMP/cwd"
	runc run "$ID"
	expect_ok
	[ "$(cat "$TMP/cwd.runtime")" = "$BUNDLE" ]
	[ "$(cat "$TMP/cwd.container")" = "$BUNDLE/rootfs" ]
}

# inside KIND [ENV-JSON]: a hook in the container that notes what it finds.
inside() {
	update_config '.root.readonly = false | .hooks[$k] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat >/state; (echo X=$X; readlink /proc/self/ns/pid; pwd; ls /proc/self/fd | wc -l) >/found"], "env": $e}]' \
		--arg k "$1" --argjson e "${2:-null}"
}

@test "startContainer runs inside, after start and before the process, with the container's environment" {
	inside startContainer
	update_config '.process.env += ["X=y"] | .process.cwd = "/etc"'
	sh_args 'cat /found; readlink /proc/self/ns/pid; sleep 0.1'
	detached create "$ID"
	expect_ok
	[ ! -e rootfs/found ]
	runc start "$ID"
	expect_ok
	wait_for state_is stopped
	# fds: those of stdio, and of ls itself.
	[ "$(sed 2d "$TMP/out" | head -n 3)" = $'X=y\n/etc\n4' ] || { cat "$TMP/out"; return 1; }
	[ "$(sed -n 2p "$TMP/out")" = "$(sed -n 5p "$TMP/out")" ]
	jq -e --arg id "$ID" --arg b "$BUNDLE" '.status == "created" and .pid == 1 and .id == $id and .bundle == $b' rootfs/state
}

@test "startContainer has its own environment, when it is given one" {
	inside startContainer '["X=own","PATH=/bin"]'
	update_config '.process.env += ["X=y"]'
	runc run "$ID"
	expect_ok
	[ "$(head -n 1 rootfs/found)" = X=own ]
}

@test "when startContainer fails the process does not run" {
	update_config '.hooks.startContainer = [{"path": "/bin/true"}, {"path": "/bin/sh", "args": ["sh", "-c", "echo why >&2; exit 3"]}]'
	args echo process
	runc run "$ID"
	expect_error "error running startContainer hook #1: exit status 3, stdout: , stderr: why"
	[[ $output != *process* || $output == *"start container process"* ]]
	[ ! -e "$ROOT/$ID" ]
}

@test "hooks without an environment have none" {
	local k
	for k in prestart createRuntime createContainer poststart poststop; do
		update_config '.hooks[$k] = [{"path": "/usr/bin/env", "args": ["env"]}, {"path": "/bin/sh", "args": ["sh", "-c", "tr \"\\0\" \"\\n\" </proc/self/environ >" + $f]}]' --arg k "$k" --arg f "$TMP/env.$k"
	done
	LEAKED=1 runc run "$ID"
	expect_ok
	for k in prestart createRuntime createContainer poststart poststop; do
		[ -e "$TMP/env.$k" ] && [ ! -s "$TMP/env.$k" ] || { echo "$k"; cat "$TMP/env.$k"; return 1; }
	done
}

@test "after a hook that fails no other of its moment, nor of a later one, runs" {
	update_config '.hooks = {"createRuntime": [{"path":"/usr/bin/touch","args":["touch",$t + "/one"]},{"path":"/bin/false"},{"path":"/usr/bin/touch","args":["touch",$t + "/two"]}],
		"createContainer": [{"path":"/usr/bin/touch","args":["touch",$t + "/three"]}], "poststop": [{"path":"/usr/bin/touch","args":["touch",$t + "/stopped"]}]}' --arg t "$TMP"
	runc run "$ID"
	expect_error "error running createRuntime hook #1: exit status 1"
	[ -e "$TMP/one" ] && [ ! -e "$TMP/two" ] && [ ! -e "$TMP/three" ]
}

@test "each hook that takes too long is ended" {
	local k
	for k in prestart createRuntime createContainer startContainer poststart; do
		update_config '.hooks = {($k): [{"path": "/bin/sh", "args": ["sh", "-c", "sleep 5 & exec sleep 100"], "env": ["PATH=/bin:/usr/bin"], "timeout": 1}]}' --arg k "$k"
		args sleep 1000
		runc run "$ID"
		expect_error "error running $k hook #0: hook ran past specified timeout of 1.0s"
		[ ! -e "$ROOT/$ID" ]
	done
}

@test "a failing hook ends the container, and nothing is left" {
	local k
	for k in prestart createRuntime createContainer; do
		update_config '.hooks = {($k): [{"path": "/bin/false"}]}' --arg k "$k"
		runc run "$ID"
		[ "$status" -eq 1 ]
		expect_error "error running $k hook #0: exit status 1, stdout: , stderr: "
		[ ! -e "$ROOT/$ID" ]
	done
}

@test "a failing poststart hook ends the container" {
	args sleep 1000
	update_config '.hooks.poststart = [{"path": "/bin/false"}]'
	runc run "$ID"
	[ "$status" -eq 1 ]
	expect_error "runc run failed: error running poststart hook #0: exit status 1"
	[ ! -e "$ROOT/$ID" ]
}

@test "every poststop hook runs, and one that fails is a warning with its output" {
	local way
	update_config '.hooks.poststop = [{"path":"/bin/false"}, {"path":"/usr/bin/touch","args":["touch",$t + "/one"]},
		{"path":"/bin/sh","args":["sh","-c","echo words; echo more >&2; exit 3"]}, {"path":"/usr/bin/touch","args":["touch",$t + "/two"]}]' --arg t "$TMP"
	for way in run delete "delete --force"; do
		rm -f "$TMP/one" "$TMP/two"
		[ "$way" = run ] || {
			detached create "$ID"
			expect_ok
		}
		# shellcheck disable=SC2086 # words
		runc $way "$ID"
		[ "$status" = 0 ] || { echo "$way: $output"; return 1; }
		[[ $output == *"level=warning"*"error running poststop hook #0: exit status 1"*"level=warning"*"error running poststop hook #2: exit status 3, stdout: words"*"stderr: more"* ]] ||
			{ echo "$way: $output"; return 1; }
		[ -e "$TMP/one" ] && [ -e "$TMP/two" ] || { echo "$way: a hook was left out"; return 1; }
		[ ! -e "$ROOT/$ID" ]
	done
}

@test "a failing hook's own exit status is not the runtime's" {
	local k
	for k in prestart createRuntime createContainer poststart; do
		update_config '.hooks = {($k): [{"path":"/bin/sh","args":["sh","-c",$c]}]}' --arg k "$k" --arg c 'exit 42'
		runc run "$ID"
		[ "$status" = 1 ] || { echo "$k: $status"; return 1; }
		update_config '.hooks = {($k): [{"path":"/bin/sh","args":["sh","-c",$c]}]}' --arg k "$k" --arg c 'kill -9 $$'
		runc run "$ID"
		[ "$status" = 1 ] || { echo "$k, killed: $status"; return 1; }
	done
	update_config '.hooks = {"createRuntime": [{"path":"/bin/sh","args":["sh","-c","exit 42"]}]}'
	runc create "$ID"
	[ "$status" = 1 ]
	update_config '.hooks = {"poststart": [{"path":"/bin/sh","args":["sh","-c","exit 42"]}]}'
	detached create "$ID"
	expect_ok
	runc start "$ID"
	[ "$status" = 1 ]
}

@test "a signal ends a start while the child of a hook holds the hook's stdout" {
	local k s pid
	# end_child: one of the container's PID namespace ends with that, and its
	# number means nothing here.
	end_child() { [ "$k" = createContainer ] || kill "$(cat "$TMP/in")"; }
	for k in prestart createRuntime createContainer poststart; do
		for s in HUP INT TERM; do
			rm -f "$TMP/in"
			# The shell waits for its child, which has the pipes as well.
			update_config '.hooks = {($k): [{"path":"/bin/sh","args":["sh","-c",$c],"env":["PATH=/bin:/usr/bin"]}]}' --arg k "$k" --arg c "sleep 50 & echo \$! >$TMP/in; wait"
			# A shell's background job ignores INT.
			env --default-signal "$RUNC" --root "$ROOT" run "$ID" </dev/null >"$TMP/out" 2>&1 3>&- &
			pid=$!
			wait_for test -s "$TMP/in"
			kill "-$s" "$pid"
			# Far sooner than the hook's child.
			wait_for gone "$pid" || { echo "$k $s: still there"; end_child; return 1; }
			end_child
			wait "$pid" && return 1
			[ ! -e "$ROOT/$ID" ] || { echo "$k $s"; cat "$TMP/out"; return 1; }
		done
	done
}

@test "a child that a hook leaves behind does not hold the start, and the hook's own output is whole" {
	update_config '.hooks = {"createRuntime": [{"path":"/bin/sh","args":["sh","-c","sleep 60 & echo $! >\($t)/left"],"env":["PATH=/bin:/usr/bin"]}]}' --arg t "$TMP"
	run timeout 20 "$RUNC" --root "$ROOT" run "$ID"
	kill "$(cat "$TMP/left")"
	expect_ok
	update_config '.hooks = {"createRuntime": [{"path":"/bin/sh","args":["sh","-c","sleep 60 & echo $! >\($t)/left; seq 5000; exit 3"],"env":["PATH=/bin:/usr/bin"]}]}' --arg t "$TMP"
	run timeout 20 "$RUNC" --root "$ROOT" run "$ID"
	kill "$(cat "$TMP/left")"
	expect_error "exit status 3, stdout: 1"
	[[ $output == *5000* ]]
}

@test "a missing hook says so" {
	update_config '.hooks.createRuntime = [{"path": "/nosuch"}]'
	runc run "$ID"
	expect_error "error running createRuntime hook #0: fork/exec /nosuch: no such file or directory"
}

@test "a hook's args[0] is passed as it is" {
	update_config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["zero", "-c", "echo $0 > '"$TMP"'/zero"]}]'
	runc run "$ID"
	expect_ok
	[ "$(cat "$TMP/zero")" = /bin/sh ] || [ "$(cat "$TMP/zero")" = zero ]
}
