#!/usr/bin/env bats
# A neighbour attacks: a container that joins another one's PID namespace by its
# path and has CAP_SYS_PTRACE, and no other capability, as a debug container or
# a pod with a shared PID namespace has it. It sees whatever enters that
# namespace.
# ROUNDS=300 makes that many attempts of each, 6 by default.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts expand in the container; bats sets status and output

load helpers

ROUNDS=${ROUNDS:-6}

setup() {
	setup_bundle
	requires root
	cc -O -static -D_GNU_SOURCE -o rootfs/bin/neighbour "$BATS_TEST_DIRNAME/neighbour.c"
	args sleep 1000
}

# victim [EXPRESSION]: the container that is entered runs.
victim() {
	update_config "${1:-.}"
	detached run -d "$ID"
	expect_ok
	VICTIM_PID=$(init_pid)
	JOINED='(.linux.namespaces[] | select(.type == "pid")) += {"path": "/proc/'$VICTIM_PID'/ns/pid"}'
	cp config.json victim.json
}

# neighbour ARGUMENTS...: the other one watches, and has begun.
neighbour() {
	jq '.process.args = $ARGS.positional | .process.terminal = false | .process.user = {"uid": 0, "gid": 0}
		| .process.capabilities |= map_values(["CAP_SYS_PTRACE"]) | del(.hooks) | del(.linux.seccomp)
		| '"$JOINED" victim.json --args /bin/neighbour "$@" >config.json
	: >"$TMP/seen"
	__runc run -d "$ID-n" </dev/null >"$TMP/seen" 2>&1 3>&- || { cat "$TMP/seen"; return 1; }
	cp victim.json config.json
	wait_for grep -q watching "$TMP/seen"
}

# saw WORDS: it has.
saw() { grep -q "$1" "$TMP/seen" || { echo "did not see: $1"; cat "$TMP/seen"; return 1; }; }

# saw_nothing: it met processes, and nothing of the runtime.
saw_nothing() {
	saw met
	! grep SEEN "$TMP/seen"
}

gone() { __runc delete --force "$ID-n"; }

# by WAY: the runtime makes processes by it.
by() { export _RUNC_TEST_INIT=${1#stub}; }

# secretly ARGUMENTS...: with a secret in the environment and the command line.
secretly() { HOSTSECRET=the-hosts-secret run "$RUNC" --log "$TMP/the-hosts-secret" --root "$ROOT" "$@" </dev/null; }

# watched: nothing is seen of execs by every way, nor of a third container that
# joins.
watched() {
	local i way host
	host=$(stat -c %d:%i "$RUNC")
	neighbour look 600 the-hosts-secret "$host" SECRET=
	for way in stub go relay; do
		by $way
		for ((i = 0; i < ROUNDS; i++)); do
			secretly exec -e SECRET=hunter2 "$ID" true
			expect_ok
		done
		jq '.process.args = ["true"] | '"$JOINED" victim.json >config.json
		for ((i = 0; i < ROUNDS / 3; i++)); do
			secretly run "$ID-c"
			expect_ok
			HOSTSECRET=the-hosts-secret "$RUNC" --log "$TMP/the-hosts-secret" --root "$ROOT" create "$ID-c" </dev/null >/dev/null 2>&1 3>&-
			secretly start "$ID-c"
			expect_ok
			runc delete --force "$ID-c"
		done
	done
	saw_nothing
	gone
}

@test "a neighbour that may trace sees no environment, command line, memory or binary of the runtime (CVE-2016-9962)" {
	victim
	watched
}

@test "nor does it where the container has a user namespace" {
	requires userns
	chown -hR 100000:100000 rootfs
	victim '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
	# The neighbour itself has the host's.
	local host i way
	cp victim.json mapped.json
	jq '.linux |= del(.uidMappings, .gidMappings) | .linux.namespaces |= map(select(.type != "user"))' mapped.json >victim.json
	host=$(stat -c %d:%i "$RUNC")
	neighbour look 600 the-hosts-secret "$host" SECRET=
	for way in stub go relay; do
		by $way
		for ((i = 0; i < ROUNDS; i++)); do
			secretly exec -e SECRET=hunter2 "$ID" true
			expect_ok
		done
	done
	saw_nothing
	gone
}

@test "no file of a process of exec leads a neighbour to the host" {
	victim
	local way i
	echo secret >"$TMP/only-the-host"
	neighbour files 600 "$TMP/only-the-host"
	for way in stub go relay; do
		by $way
		for ((i = 0; i < ROUNDS; i++)); do
			runc exec "$ID" true
			expect_ok
		done
	done
	saw '^fd '
	saw_nothing
	# No folder but a procfs's own root, and no file of the host's but those that
	# the process is to have.
	if sed -n 's/^fd [0-9]* //p' "$TMP/seen" | grep -vE '^(/|/dev/.*|/proc.*|/etc/passwd|/bin/.*|/sys.*|.*/exec\.fifo|[a-z_]+:.*|/memfd:runc.*|.*/runc( \(deleted\))?)$'; then return 1; fi
	gone
}

@test "a pid that a neighbour makes up is no process of the runtime's" {
	victim
	sleep 1000 3>&- &
	local other=$! way i before
	before=$(cat /proc/$other/{cgroup,oom_score_adj,limits})
	neighbour forge 600 100 $other 0 3
	jq -n '{args: ["true"], cwd: "/", user: {uid: 0, gid: 0}, oomScoreAdj: 321, rlimits: [{type: "RLIMIT_NOFILE", soft: 77, hard: 77}]}' >p.json
	for way in stub go relay; do
		by $way
		for ((i = 0; i < ROUNDS; i++)); do
			# What the neighbour does may end the exec, but not the other process.
			run timeout -s KILL 20 "$RUNC" --root "$ROOT" exec -p p.json "$ID" </dev/null
			[ "$status" -ne 137 ] || { echo "hangs: $output"; kill $other; return 1; }
			[ "$(cat /proc/$other/{cgroup,oom_score_adj,limits})" = "$before" ] || { echo "by $way: $output"; kill $other; return 1; }
		done
	done
	kill $other
	saw forged
	gone
}

@test "messages that a neighbour makes up neither crash the runtime nor hold it up" {
	victim
	local kind way i
	for kind in 0 1 2 3 4 5 6 7 8 9 10 101; do
		neighbour forge 600 $kind -1 70 200
		for way in stub go; do
			by $way
			for ((i = 0; i < (ROUNDS + 5) / 6; i++)); do
				run timeout -s TERM -k 2 4 "$RUNC" --root "$ROOT" exec "$ID" true </dev/null
				[[ $output != *panic* && $output != *goroutine* ]] || { echo "$kind by $way: $output"; return 1; }
				[ "$status" -ne 137 ] || { echo "$kind by $way: TERM does not end it: $output"; return 1; }
				# Nothing but one line.
				[ "$(wc -l <<<"$output")" -le 1 ] || { echo "$kind by $way: $output"; return 1; }
			done
		done
		gone
	done
}

# ended_by_term WAY: a runtime that the neighbour holds up ends within a second
# of TERM.
ended_by_term() {
	by "$1"
	local i
	for ((i = 0; i < (ROUNDS + 1) / 2; i++)); do
		# With TERM after a second, KILL would come one second later. With -d the
		# runtime is through where the neighbour was too late: TERM would be the
		# user's process's then, as with runc.
		status=0
		timeout -s TERM -k 1 1 "$RUNC" --root "$ROOT" exec -d "$ID" sleep 300 </dev/null >/dev/null 2>&1 3>&- || status=$?
		[ "$status" -ne 137 ] || { echo "by $1: TERM does not end it"; return 1; }
	done
}

@test "TERM ends an exec whose process a neighbour stops for ever" {
	victim
	neighbour stop 600
	ended_by_term stub
	ended_by_term go
	ended_by_term relay
	saw stopped
	gone
}

@test "TERM ends an exec whose socket a neighbour has copied" {
	victim
	neighbour keep 600
	ended_by_term stub
	ended_by_term go
	saw kept
	gone
}

@test "TERM ends an exec that a neighbour floods with messages" {
	victim
	local kind
	for kind in 4 2; do
		neighbour forge 600 $kind 0 0 1000000000
		ended_by_term stub
		gone
	done
	neighbour raw 600 132 1000000000
	ended_by_term go
	gone
}
