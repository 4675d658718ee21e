#!/usr/bin/env bats
# shellcheck disable=SC2016 # scripts are the container's to expand
load helpers

start_container() {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
}

@test "exec gives the process's output and exit status" {
	start_container
	runc exec "$ID" sh -c 'echo hi; exit 7'
	[ "$status" -eq 7 ]
	[ "$output" = hi ]
}

@test "exec of a process that a signal ended gives 128+N" {
	start_container
	runc exec "$ID" sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
}

@test "flags after exec's first argument are the command's own" {
	start_container
	runc exec "$ID" echo -e --cwd -t
	expect_ok
	[ "$output" = "--cwd -t" ]
}

@test "exec's failures give 255" {
	start_container
	runc exec "$ID"
	[ "$status" -eq 255 ]
	expect_error "exec failed: exec args cannot be empty"
	runc exec "$ID" nosuchcmd
	[ "$status" -eq 255 ]
	expect_error 'exec failed: unable to start container process: exec: "nosuchcmd": executable file not found in $PATH'
	runc exec "$ID" /mnt
	[ "$status" -eq 255 ]
	expect_error 'exec: "/mnt": is a directory'
	runc exec -u x "$ID" id
	[ "$status" -eq 255 ]
	expect_error 'exec failed: bad uid: strconv.Atoi: parsing "x": invalid syntax'
	runc exec -g -1 "$ID" id
	[ "$status" -eq 255 ]
	expect_error "additional-gids must be a positive number -1"
	runc exec nosuch true
	[ "$status" -eq 255 ]
	expect_error "exec failed: container does not exist"
}

@test "exec takes user, groups, environment and working directory from flags" {
	start_container
	runc exec -u 1000:1001 -g 5 -g 6 -e A=b,c --env D=e --cwd /tmp "$ID" \
		sh -c 'echo $(id -u) $(id -g) $(id -G) $A $D $(pwd)'
	expect_ok
	[ "$output" = "1000 1001 1001 5 6 b,c e /tmp" ]
}

@test "exec takes the process from a file" {
	start_container
	jq '.process | .args = ["sh", "-c", "echo $X; id -u; pwd"] | .env += ["X=y"] | .cwd = "/mnt" | .user.uid = 9' \
		config.json >"$TMP/process.json"
	runc exec -p "$TMP/process.json" "$ID"
	expect_ok
	[ "$output" = $'y\n9\n/mnt' ]
}

@test "exec --cap adds a capability, --no-new-privs sets the flag" {
	start_container
	runc exec "$ID" grep -E 'CapEff|NoNewPrivs' /proc/self/status
	expect_ok
	local before=$output
	runc exec --cap CAP_SYS_ADMIN --no-new-privs=false "$ID" grep -E 'CapEff|NoNewPrivs' /proc/self/status
	expect_ok
	[ "$output" != "$before" ]
	[[ $output == *"NoNewPrivs:"*0* ]]
	local eff
	eff=$(awk '/CapEff/ {print $2}' <<<"$output")
	((0x$eff & 1 << 21))
}

@test "exec gets the caller's standard input, to its end" {
	start_container
	run bash -c 'printf "a\nb\n" | "$@"' - "$RUNC" --root "$ROOT" exec "$ID" cat
	expect_ok
	[ "$output" = $'a\nb' ]
}

@test "exec -d returns at once and writes the pid file" {
	start_container
	detached exec -d --pid-file "$TMP/pid" "$ID" sleep 1000
	expect_ok
	run cat "/proc/$(cat "$TMP/pid")/comm"
	[ "$output" = sleep ]
}

@test "exec is refused in a stopped container" {
	start_container
	runc kill "$ID" KILL
	expect_ok
	wait_for state_is stopped
	runc exec "$ID" true
	[ "$status" -eq 255 ]
	expect_error "exec failed: cannot exec in a stopped container"
}

@test "exec refuses terminals and console sockets that do not fit" {
	start_container
	runc exec -d -t "$ID" sh
	expect_error "cannot allocate tty if runc will detach without setting console socket"
	runc exec --console-socket /nosuch "$ID" true
	expect_error "cannot use console socket if runc will not detach or allocate tty"
}

@test "exec --preserve-fds passes fds on, and a closed one stays closed" {
	start_container
	echo text >"$TMP/file"
	run bash -c 'exec "$@" 3<'"$TMP/file" - "$RUNC" --root "$ROOT" exec --preserve-fds 1 "$ID" sh -c 'cat <&3'
	expect_ok
	[ "$output" = text ]
	run bash -c 'exec 3<&- 4<&-; "$@"' - "$RUNC" --root "$ROOT" exec --preserve-fds 2 "$ID" ls /proc/self/fd
	expect_ok
	# 3 is the folder that ls itself has opened.
	[ "${lines[*]}" = "0 1 2 3" ] || { echo "$output"; return 1; }
}

@test "exec forwards signals to the process" {
	start_container
	"$RUNC" --root "$ROOT" exec "$ID" sh -c 'trap "exit 42" TERM; touch /dev/ready; while :; do sleep 0.1; done' 3>&- &
	local pid=$!
	wait_for __runc exec "$ID" test -e /dev/ready
	kill -TERM "$pid"
	local got=0
	wait "$pid" || got=$?
	[ "$got" -eq 42 ]
}

@test "exec ends with its process when nobody reads any more" {
	args sleep 100
	detached run -d "$ID"
	expect_ok
	run timeout -s KILL 20 bash -c '"$0" --root "$1" exec "$2" yes </dev/null | head -n 1; echo "${PIPESTATUS[0]}"' "$RUNC" "$ROOT" "$ID"
	# By SIGPIPE, in the end.
	[ "$output" = $'y\n141' ] || { echo "$output"; return 1; }
	wait_for alone
}

# alone: init is the container's only process.
alone() { [ "$(__runc ps --format json "$ID" | jq length)" = 1 ]; }

@test "exec's output is whole though its process ends at once" {
	args sleep 100
	detached run -d "$ID"
	expect_ok
	runc exec "$ID" sh -c 'head -c 300000 /dev/zero | tr "\0" x; head -c 300000 /dev/zero | tr "\0" y >&2'
	expect_ok
	[ ${#output} = 600000 ]
}

@test "exec with an empty --cwd takes that of config.json" {
	args sleep 1000
	update_config '.process.cwd = "/tmp"'
	detached run -d "$ID"
	expect_ok
	runc exec --cwd "" "$ID" pwd
	expect_ok
	[ "$output" = /tmp ]
}

@test "exec --process-label without SELinux is refused in words" {
	[ ! -e /sys/fs/selinux/status ] || skip "needs a kernel without SELinux"
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	runc exec --process-label x "$ID" true
	[ "$status" -eq 255 ]
	expect_error "selinux label is specified in config, but selinux is disabled or not supported"
}
