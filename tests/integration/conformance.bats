#!/usr/bin/env bats
# Rules of the runtime specification that no other file's tests are about:
# docs/spec-conformance.md.

# shellcheck disable=SC2154 # bats sets status, output and lines

load helpers

# refused CHANGE WORDS: with this in config.json nothing is made.
refused() {
	cp config.json kept.json
	update_config "$1"
	runc run "$ID"
	expect_error "$2"
	[ ! -e "$ROOT/$ID" ]
	mv kept.json config.json
}

@test "what becomes of config.json after create does not matter" {
	requires root
	args sleep 1000
	detached create "$ID"
	expect_ok
	args false
	update_config '.hostname = "later"'
	runc start "$ID"
	expect_ok
	[ "$(tr '\0' ' ' <"/proc/$(init_pid)/cmdline")" = "sleep 1000 " ]
	runc exec "$ID" hostname
	[ "$output" = runc ]
}

@test "paths that have to be absolute" {
	requires root
	refused '.process.cwd = "tmp"' 'Cwd must be an absolute path'
	refused '(.linux.namespaces[] | select(.type == "uts")).path = "proc/self/ns/uts"' 'is not absolute (config.json: linux.namespaces'
}

@test "a namespace type that is listed twice is refused" {
	requires root
	refused '.linux.namespaces += [{"type": "uts"}]' 'duplicated ns'
}

@test "a root file system that is missing is refused" {
	requires root
	refused '.root.path = "/no/such/folder"' 'no such file or directory (config.json: root.path)'
}

@test "a hook whose time limit is not above zero fails" {
	requires root
	refused '.hooks.createRuntime = [{"path": "/bin/sleep", "args": ["sleep", "1"], "timeout": 0}]' 'hook ran past specified timeout'
	refused '.hooks.createRuntime = [{"path": "/bin/sleep", "args": ["sleep", "1"], "timeout": -1}]' 'hook ran past specified timeout'
}

@test "the size of a terminal without a terminal does not matter" {
	requires root
	update_config '.process.consoleSize = {"height": 1, "width": 2}'
	runc run "$ID"
	expect_ok
}

@test "unknown properties and annotations are ignored" {
	requires root
	update_config '.unknown = {"a": 1} | .linux.unknown = [1] | .process.unknown = "x" | .annotations = {"org.example.unknown": "x"}'
	runc run "$ID"
	expect_ok
	[ -z "$output" ]
}

@test "a signal for a stopped container is refused" {
	requires root
	detached run -d "$ID"
	expect_ok
	wait_for state_is stopped
	runc kill "$ID" TERM
	expect_error "container not running"
	state_is stopped
}
