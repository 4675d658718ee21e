#!/usr/bin/env bats

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

@test "createRuntime runs in the runtime's mount namespace, createContainer in the container's" {
	add_hooks createRuntime createContainer
	runc run "$ID"
	expect_ok
	[ "$(cat "$TMP/mnt.createRuntime")" = "$(readlink /proc/self/ns/mnt)" ]
	[ "$(cat "$TMP/mnt.createContainer")" != "$(readlink /proc/self/ns/mnt)" ]
}

@test "startContainer runs inside, after start, with the container's environment" {
	update_config '.hooks.startContainer = [{"path": "/bin/sh", "args": ["sh", "-c", "echo hook $X $$"]}] | .process.env += ["X=y"] | .process.args = ["echo", "process"]'
	detached create "$ID"
	expect_ok
	[ ! -s "$TMP/out" ]
	runc start "$ID"
	expect_ok
	wait_for state_is stopped
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

@test "a failing poststop hook is a warning" {
	update_config '.hooks.poststop = [{"path": "/bin/false"}]'
	runc run "$ID"
	expect_ok
	[[ $output == *"level=warning"*"error running poststop hook #0: exit status 1"* ]]
	[ ! -e "$ROOT/$ID" ]
}

@test "a missing hook says so" {
	update_config '.hooks.createRuntime = [{"path": "/nosuch"}]'
	runc run "$ID"
	expect_error "error running createRuntime hook #0: fork/exec /nosuch: no such file or directory"
}

@test "a hook that takes too long is ended" {
	update_config '.hooks.createContainer = [{"path": "/bin/sleep", "args": ["sleep", "5"], "timeout": 1}]'
	runc run "$ID"
	[ "$status" -eq 1 ]
	expect_error "error running createContainer hook #0: hook ran past specified timeout of 1.0s"
}

@test "a hook's args[0] is passed as it is" {
	update_config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["zero", "-c", "echo $0 > '"$TMP"'/zero"]}]'
	runc run "$ID"
	expect_ok
	[ "$(cat "$TMP/zero")" = /bin/sh ] || [ "$(cat "$TMP/zero")" = zero ]
}
