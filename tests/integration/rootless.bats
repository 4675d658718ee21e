#!/usr/bin/env bats
# Containers of an ordinary user. As root the tests make one, and remove it.
# One at a time: it changes the machine's users.

load helpers

TEST_USER=runc-test-user

setup_file() {
	if [ "$(id -u)" = 0 ]; then
		command -v useradd >/dev/null || return 0
		# Of an earlier run that was cut short, or another one's layout.
		userdel -rf "$TEST_USER" >/dev/null 2>&1 || true
		useradd --create-home --shell /bin/bash "$TEST_USER"
		# useradd gives ranges where login.defs says so; these are for sure.
		sed -i "/^$TEST_USER:/d" /etc/subuid /etc/subgid 2>/dev/null || true
		echo "$TEST_USER:3000000:65536" >>/etc/subuid
		echo "$TEST_USER:3000000:65536" >>/etc/subgid
		# Without a session, systemd works for a user who may linger.
		if [ "${RUNC_TEST_DRIVER:-}" = systemd ]; then
			loginctl enable-linger "$TEST_USER"
			wait_for test -S "/run/user/$(id -u "$TEST_USER")/bus"
		fi
	fi
}

teardown_file() {
	[ "$(id -u)" = 0 ] || return 0
	if [ "${RUNC_TEST_DRIVER:-}" = systemd ]; then
		loginctl disable-linger "$TEST_USER" || true
		loginctl terminate-user "$TEST_USER" || true
	fi
	userdel -rf "$TEST_USER" >/dev/null 2>&1 || true
	sed -i "/^$TEST_USER:/d" /etc/subuid /etc/subgid 2>/dev/null || true
}

setup() {
	requires root userns user_cgroups
	command -v setpriv >/dev/null || skip "needs setpriv"
	id "$TEST_USER" >/dev/null 2>&1 || skip "needs useradd"
	setup_bundle
	XUID=$(id -u "$TEST_USER") XGID=$(id -g "$TEST_USER")
	[ "${RUNC_TEST_DRIVER:-}" != systemd ] || BUS=unix:path=/run/user/$XUID/bus
	# Every folder above has to let the user through, and the binary too.
	cp "$RUNC" "$TMP/runc"
	RUNC=$TMP/runc
	rm "$BUNDLE/config.json"
	chown -R "$XUID:$XGID" "$TMP"
	as_user "$RUNC" spec --rootless
	update_config '.process.terminal = false | .process.args = ["true"]'
	chown "$XUID:$XGID" config.json
	as_user sh -c "unshare --user true" || skip "the kernel gives ordinary users no user namespace"
}

# as_user COMMAND...: with no more than an ordinary user's environment.
as_user() {
	setpriv --reuid "$XUID" --regid "$XGID" --clear-groups env -i PATH="$PATH" HOME="/home/$TEST_USER" \
		USER="$TEST_USER" ${XDG:+XDG_RUNTIME_DIR=$XDG} ${BUS:+DBUS_SESSION_BUS_ADDRESS=$BUS} "$@"
}

# The harness's own words, as the user.
runc() { run as_user "$RUNC" --root "$ROOT" "$@"; }

__runc() { as_user "$RUNC" --root "$ROOT" "$@"; }

detached() {
	status=0
	as_user "$RUNC" --root "$ROOT" "$@" </dev/null >"$TMP/out" 2>"$TMP/err" 3>&- || status=$?
	output=$(cat "$TMP/out" "$TMP/err")
}

eval "$(declare -f update_config | sed '1s/update_config/root_update_config/')"
update_config() {
	root_update_config "$@"
	chown "$XUID:$XGID" "$BUNDLE/config.json"
}

# ranges: the user's own id as root, and its range of others.
ranges() {
	command -v newuidmap >/dev/null || skip "needs newuidmap"
	update_config '.linux.uidMappings = [{"containerID": 0, "hostID": $u, "size": 1}, {"containerID": 1, "hostID": 3000000, "size": 65536}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": $g, "size": 1}, {"containerID": 1, "hostID": 3000000, "size": 65536}]' \
		--argjson u "$XUID" --argjson g "$XGID"
}

@test "run of an ordinary user, with its own id alone" {
	sh_args 'id -u; id -g; cat /proc/self/uid_map'
	runc run "$ID"
	expect_ok
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = 0 ]
	[[ ${lines[2]} =~ ^\ *0\ +$XUID\ +1$ ]]
}

@test "with its own id alone setgroups is denied" {
	args cat /proc/self/setgroups
	runc run "$ID"
	expect_ok
	[ "$output" = deny ]
}

@test "the exit status of an ordinary user's container" {
	sh_args 'exit 9'
	runc run "$ID"
	[ "$status" -eq 9 ]
	[ ! -e "$ROOT/$ID" ]
}

@test "the life of an ordinary user's container: create, start, exec, kill, delete" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	state_is created
	runc start "$ID"
	expect_ok
	state_is running
	runc exec "$ID" id -u
	expect_ok
	[ "$output" = 0 ]
	runc list -q
	[ "$output" = "$ID" ]
	runc kill "$ID" KILL
	expect_ok
	wait_for state_is stopped
	runc delete "$ID"
	expect_ok
	[ ! -e "$ROOT/$ID" ]
}

@test "delete --force of an ordinary user's running container" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	local pid
	pid=$(init_pid)
	runc delete --force "$ID"
	expect_ok
	wait_for gone "$pid"
}

@test "run with ranges of subordinate ids" {
	ranges
	sh_args 'cat /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups'
	runc run "$ID"
	expect_ok
	[[ ${lines[0]} =~ ^\ *0\ +$XUID\ +1$ ]]
	[[ ${lines[1]} =~ ^\ *1\ +3000000\ +65536$ ]]
	[[ ${lines[3]} =~ ^\ *1\ +3000000\ +65536$ ]]
	[ "${lines[4]}" = allow ]
}

@test "the life of a container with ranges of subordinate ids" {
	ranges
	args sleep 1000
	detached create "$ID"
	expect_ok
	runc start "$ID"
	expect_ok
	runc exec -u 1000:1000 "$ID" id -u
	expect_ok
	[ "$output" = 1000 ]
	runc exec "$ID" sh -c 'echo x >/proc/self/fd/1'
	expect_ok
	runc kill "$ID" KILL
	expect_ok
	wait_for state_is stopped
	runc delete "$ID"
	expect_ok
}

@test "the process may be another user of the range" {
	ranges
	update_config '.process.user = {"uid": 1000, "gid": 1000}'
	sh_args 'id -u; id -g; echo again >/proc/self/fd/1'
	runc run "$ID"
	expect_ok
	[ "$output" = $'1000\n1000\nagain' ]
}

@test "a range that is not the user's is refused, and leaves nothing" {
	ranges
	update_config '.linux.uidMappings[1].hostID = 5000000'
	runc run "$ID"
	[ "$status" -eq 1 ]
	expect_error "newuidmap"
	[ ! -e "$ROOT/$ID" ]
}

@test "without newuidmap a range is refused with its name" {
	ranges
	PATH_WITHOUT=$TMP/nobin
	as_user mkdir "$PATH_WITHOUT"
	run setpriv --reuid "$XUID" --regid "$XGID" --clear-groups env -i PATH="$PATH_WITHOUT" "$RUNC" --root "$ROOT" run "$ID"
	[ "$status" -eq 1 ]
	expect_error "newuidmap"
	[ ! -e "$ROOT/$ID" ]
}

@test "a terminal of an ordinary user" {
	command -v script >/dev/null || skip "needs script(1)"
	update_config '.process.terminal = true'
	sh_args 'tty; stat -c "owner %u" /dev/pts/0; echo x >/dev/console'
	run as_user script --quiet --return --command "$RUNC --root $ROOT run $ID" /dev/null </dev/null
	expect_ok
	[[ $output == */dev/pts/0* ]]
	[[ $output == *"owner 0"* ]]
}

@test "the default root of an ordinary user is in XDG_RUNTIME_DIR" {
	XDG=$TMP/xdg
	mkdir "$XDG"
	chown "$XUID:$XGID" "$XDG"
	args sleep 1000
	status=0
	as_user "$RUNC" run -d "$ID" </dev/null >"$TMP/out" 2>&1 3>&- || status=$?
	output=$(cat "$TMP/out")
	expect_ok
	[ -e "$XDG/runc/$ID/state.json" ]
	[ "$(stat -c %a "$XDG/runc")" = 1700 ]
	run as_user "$RUNC" list -q
	[ "$output" = "$ID" ]
	run as_user "$RUNC" delete --force "$ID"
	expect_ok
}

@test "the container's files belong to the user" {
	args sleep 1000
	detached create "$ID"
	expect_ok
	[ "$(stat -c %u "$ROOT/$ID/state.json")" = "$XUID" ]
	[ "$(stat -c %u "$ROOT/$ID/exec.fifo")" = "$XUID" ]
}

@test "without a user namespace an ordinary user is refused" {
	update_config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
	runc run "$ID"
	expect_error "runc run failed: rootless container requires user namespaces"
	[ "${#lines[@]}" -eq 1 ]
}

@test "without mappings an ordinary user is refused" {
	update_config 'del(.linux.uidMappings)'
	runc run "$ID"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"uid mapping"* || $output == *"UID mapping"* ]]
}

@test "a mount option with an unmapped group is refused" {
	update_config '.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "x", "options": ["gid=77"]}]'
	runc run "$ID"
	expect_error "cannot specify gid= mount option for rootless container"
	[ "${#lines[@]}" -eq 1 ]
}

@test "a mount option with an unmapped user is refused" {
	update_config '.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "x", "options": ["uid=77"]}]'
	runc run "$ID"
	expect_error "cannot specify uid= mount option for rootless container"
	[ "${#lines[@]}" -eq 1 ]
}

@test "additional groups are refused where setgroups is" {
	update_config '.process.user.additionalGids = [77]'
	runc run "$ID"
	expect_error "cannot set any additional groups in a rootless container"
	[ "${#lines[@]}" -eq 1 ]
	[ ! -e "$ROOT/$ID" ]
}

@test "additional groups of the range" {
	ranges
	update_config '.process.user.additionalGids = [77]'
	args id -G
	runc run "$ID"
	expect_ok
	[ "$output" = "0 77" ]
}

@test "limits that the user's cgroup does not allow are ignored" {
	update_config '.linux.resources = {"pids": {"limit": 10}}'
	runc run "$ID"
	# Where limits were asked for and cannot be had, saying so is allowed.
	[ "$status" -eq 0 ] || expect_error cgroup
	[ ! -e "$ROOT/$ID" ]
}

@test "another user's container cannot be reached" {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$RUNC" --root "$ROOT" kill "$ID" KILL
	[ "$status" -ne 0 ]
	state_is running
}

@test "where a user can make no cgroup, a cgroup mount shows the one that is shared, read-only" {
	requires v1
	local ns o
	# Bound from the host's tree it is read-only whatever the options.
	for ns in '' '{"type":"cgroup"}'; do
		for o in ro rw; do
			update_config ".mounts = [.mounts[] | select(.type != \"cgroup\")] + [{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":[\"$o\",\"nosuid\"]}]
				| .linux.namespaces |= map(select(.type != \"cgroup\")) + [$ns] | del(.linux.resources)"
			# What comes before the folder itself is the host's, covered by it.
			args awk -v "o=$([ -n "$ns" ] && echo "$o" || echo ro)" '$5 == "/sys/fs/cgroup" { n = 0; bad = "" } $5 ~ "^/sys/fs/cgroup/" { n++; if ($6 !~ "^" o ",") bad = bad $0 } END { print (n > 3) bad }' /proc/self/mountinfo
			runc run "$ID"
			expect_ok
			[ "$output" = 1 ] || { echo "$ns $o: $output"; return 1; }
		done
	done
}

@test "ids that are not the user's are refused in one line" {
	update_config '.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}]'
	runc run "$ID"
	expect_error "config.json: linux.uidMappings"
	[ "${#lines[@]}" = 1 ]
	[ ! -e "$ROOT/$ID" ]
	detached run -d "$ID"
	expect_error "config.json: linux.uidMappings"
}

@test "an ordinary user's create that fails late leaves the next container of its name alone" {
	args sleep 100
	replace_while_failing createRuntime
	expect_error "hook"
	second_is_well
}
