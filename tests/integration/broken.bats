#!/usr/bin/env bats
# Containers whose state file is broken, or whose processes cannot end.

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

# cgroups_of ID: the folders that are named after it.
cgroups_of() { find /sys/fs/cgroup -type d \( -name "$1" -o -name "*-$1.scope" \); }

# removed_by_force: the container with its process and cgroup goes, and its name
# is free.
removed_by_force() { # PID
	runc delete --force "$ID"
	expect_ok
	[ ! -e "$ROOT/$ID" ] || { ls -l "$ROOT/$ID"; return 1; }
	wait_for gone "$1"
	[ -z "$(cgroups_of "$ID")" ] || { cgroups_of "$ID"; return 1; }
	detached create "$ID"
	expect_ok
	state_is created
	__runc delete --force "$ID"
}

@test "delete --force removes a container whose state file is broken, and its name can be used again" {
	requires root
	args sleep 1000
	local how pid size cgroup
	for cgroup in default named; do
		[ $cgroup = default ] || name_cgroup "$ID"
		for how in empty first half last garbage null other folder; do
			detached run -d "$ID"
			expect_ok
			pid=$(init_pid)
			[ -n "$(cgroups_of "$ID")" ]
			cd "$ROOT/$ID"
			size=$(stat -c %s state.json)
			case $how in
			empty) truncate -s 0 state.json ;;
			first) truncate -s 60 state.json ;;
			half) truncate -s $((size / 2)) state.json ;;
			last) truncate -s $((size - 1)) state.json ;;
			garbage) head -c 3000 /dev/urandom >state.json ;;
			null) echo null >state.json ;;
			other) jq '.id = "another"' state.json >s && mv s state.json ;;
			folder) rm state.json && mkdir -p state.json/x ;;
			esac
			cd "$BUNDLE"
			# It is named, and no command takes it for a container.
			runc list
			expect_ok
			[[ $output == *"load container $ID: container state $ROOT/$ID/state.json is broken: "* ]] || { echo "$how: $output"; return 1; }
			[[ $output == *"$ID "*" 0 "*" broken "* ]]
			runc list -f json
			[[ $output == *"\"id\":\"$ID\",\"pid\":0,\"status\":\"broken\""* ]]
			for c in state kill delete pause "exec $ID true"; do
				# shellcheck disable=SC2086 # words
				case $c in exec*) runc $c ;; *) runc $c "$ID" ;; esac
				expect_error "$ROOT/$ID/state.json is broken"
			done
			runc create "$ID"
			expect_error "container with given ID already exists"
			gone "$pid" && { echo "$how: it has ended already"; return 1; }
			removed_by_force "$pid" || { echo "$cgroup cgroup, $how"; return 1; }
		done
	done
}

@test "so it does where another runtime has made it, without a note of the cgroup" {
	requires root cgroupfs
	local how pid id=$ID
	args sleep 1000
	for how in half empty; do
		# As engines have it: unique, and with a cgroup somewhere.
		[ $how = half ] || ID=$id-$(printf 'd%.0s' {1..40})
		update_config '.linux.cgroupsPath = $p' --arg p "/$id-above/$ID"
		detached run -d "$ID"
		expect_ok
		pid=$(init_pid)
		rm "$ROOT/$ID/cgroup"
		if [ $how = half ]; then
			truncate -s 300 "$ROOT/$ID/state.json"
		else
			: >"$ROOT/$ID/state.json"
		fi
		removed_by_force "$pid" || { echo $how; return 1; }
	done
	ID=$id
	find /sys/fs/cgroup -depth -type d -name "$id-above" -exec rmdir {} +
}

@test "a broken state file names nobody else's processes and cgroups" {
	requires root
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	local pid text
	pid=$(init_pid)
	# Its state under another name; cut off, or with another id in it.
	for text in whole half renamed; do
		mkdir "$ROOT/other"
		cp "$ROOT/$ID/state.json" "$ROOT/other/state.json"
		case $text in
		half) truncate -s $(($(stat -c %s "$ROOT/other/state.json") / 2)) "$ROOT/other/state.json" ;;
		renamed) jq -c '.id = "other"' "$ROOT/$ID/state.json" | sed 's/.$//' >"$ROOT/other/state.json" ;;
		esac
		[ $text = renamed ] || cp -P "$ROOT/$ID/cgroup" "$ROOT/other/cgroup"
		# Even the note is not believed where a container claims the cgroup.
		[ $text != renamed ] || sed -i 's/"init_process_start":[0-9]*/"init_process_start":1/' "$ROOT/other/state.json"
		runc delete --force other
		expect_ok
		[ ! -e "$ROOT/other" ]
		state_is running || { echo "$text"; return 1; }
		if gone "$pid"; then return 1; fi
		[ -n "$(cgroups_of "$ID")" ]
	done
}

@test "delete --force kills and removes what is frozen below the container's cgroup" {
	requires root v1 cgroupfs
	local sub pid other
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	pid=$(init_pid)
	# Init itself, and a process of the host's.
	sub=/sys/fs/cgroup/freezer$(sed -n 's/^[0-9]*:freezer://p' "/proc/$pid/cgroup")/sub
	mkdir "$sub" "$sub/deeper"
	sleep 1000 3>&- &
	other=$!
	echo "$other" >"$sub/deeper/cgroup.procs"
	echo "$pid" >"$sub/cgroup.procs"
	echo FROZEN >"$sub/freezer.state"
	# Far less than the ten seconds for which a removal waits.
	run timeout 8 "$RUNC" --root "$ROOT" delete --force "$ID"
	[ "$status" = 0 ] || { echo THAWED >"$sub/freezer.state"; kill -9 "$other"; echo "$status $output"; return 1; }
	gone "$pid"
	gone "$other"
	[ ! -e "$sub" ]
}

@test "delete --force kills a process that was moved into the container's cgroup from outside" {
	requires root v2 cgroupfs
	local sub other
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	sub=$(cgroup_of_init)/sub
	mkdir "$sub"
	sleep 1000 3>&- &
	other=$!
	echo "$other" >"$sub/cgroup.procs"
	echo 1 >"$sub/cgroup.freeze"
	run timeout 8 "$RUNC" --root "$ROOT" delete --force "$ID"
	[ "$status" = 0 ] || { kill -9 "$other"; echo "$status $output"; return 1; }
	gone "$other"
	[ ! -e "$sub" ]
}
