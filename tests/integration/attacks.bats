#!/usr/bin/env bats
# Each test is an image, or a process beside the container, that tries to reach
# the host by what set-up does on its behalf.

# shellcheck disable=SC2016,SC2154 # scripts and jq expressions expand their own; bats sets status and output

load helpers

setup() {
	setup_bundle
	VICTIM=$TMP/victim
	mkdir "$VICTIM"
	echo untouched >"$VICTIM/file"
}

# victim_is_well: nothing was made, mounted or written in the host's folder.
victim_is_well() {
	if [ "$(ls -A "$VICTIM")" != file ] || [ "$(cat "$VICTIM/file")" != untouched ]; then
		ls -lA "$VICTIM"
		return 1
	fi
	if grep -F " $VICTIM" /proc/self/mountinfo; then return 1; fi
}

@test "a target behind an absolute symlink is made inside (CVE-2021-30465, CVE-2024-45310)" {
	ln -s "$VICTIM" rootfs/link
	update_config '.mounts += [{"destination":"/link/new","type":"tmpfs","source":"hostile"}]'
	args grep "hostile" /proc/self/mountinfo
	runc run "$ID"
	expect_ok
	[[ $output == *"$VICTIM/new"* ]]
	victim_is_well
}

@test "a target behind a relative symlink is made inside (CVE-2021-30465)" {
	ln -s "../../../../../../../../../../..$VICTIM" rootfs/link
	update_config '.mounts += [{"destination":"/link/new/deep","type":"bind","source":"/etc","options":["bind"]}]'
	runc run "$ID"
	expect_ok
	victim_is_well
	[ -d "rootfs$VICTIM/new/deep" ]
}

@test "a file for a bind mount is made inside (CVE-2024-45310)" {
	echo x >"$TMP/source"
	ln -s "$VICTIM/new" rootfs/link
	update_config '.mounts += [{"destination":"/link","type":"bind","source":$s,"options":["bind"]}]' --arg s "$TMP/source"
	runc run "$ID"
	expect_ok
	victim_is_well
	[ -f "rootfs$VICTIM/new" ]
}

@test "proc and sysfs are not mounted behind a symlink (CVE-2019-19921, CVE-2023-27561)" {
	local d
	for d in proc sys; do
		mkdir rootfs/elsewhere
		rmdir "rootfs/$d"
		ln -s elsewhere "rootfs/$d"
		runc run "$ID"
		expect_error "must be mounted on ordinary directory"
		rm "rootfs/$d"
		mkdir "rootfs/$d"
		rmdir rootfs/elsewhere
	done
}

@test "a symlink does not lead a mount into /proc (CVE-2019-16884)" {
	ln -s /proc/self/attr rootfs/link
	update_config '.mounts += [{"destination":"/link","type":"tmpfs","source":"x"}]'
	runc run "$ID"
	expect_error "inside /proc"
}

@test "a symlink does not lead a mount onto the root" {
	ln -s / rootfs/link
	update_config '.mounts += [{"destination":"/link","type":"tmpfs","source":"x"}]'
	runc run "$ID"
	expect_error "error mounting"
}

@test "a file of /proc is not covered by a volume (CVE-2019-16884)" {
	mkdir "$TMP/vol"
	local p
	for p in /proc/self/attr /proc/1 /proc/sys /proc/thread-self/attr/exec; do
		update_config '.mounts = (.mounts[0:7] + [{"destination":$p,"type":"bind","source":$s,"options":["bind"]}])' --arg p "$p" --arg s "$TMP/vol"
		runc run "$ID"
		expect_error "cannot be mounted because it is inside /proc"
	done
}

@test "/dev as a symlink stays inside (CVE-2026-41579)" {
	rmdir rootfs/dev
	ln -s "$VICTIM" rootfs/dev
	args test -c "$VICTIM/null"
	runc run "$ID"
	expect_ok
	victim_is_well
}

@test "/dev as a symlink stays inside without a mount on it, too (CVE-2026-41579)" {
	rmdir rootfs/dev
	ln -s "$VICTIM" rootfs/dev
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.maskedPaths = []
		| .linux.devices = [{"path":"/dev/sub/node","type":"c","major":1,"minor":3}]'
	args test -c "$VICTIM/sub/node"
	runc run "$ID"
	expect_ok
	victim_is_well
}

@test "a name in the image's /dev that is a symlink leads inside (CVE-2026-41579)" {
	requires root
	ln -s "$VICTIM/new" rootfs/dev/null
	ln -s "$VICTIM/file" rootfs/dev/zero
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	args stat -c %t:%T "$VICTIM/new" "$VICTIM/file"
	runc run "$ID"
	expect_ok
	[ "$output" = $'1:3\n1:5' ]
	victim_is_well
}

@test "/dev/console as a symlink is not mounted on (CVE-2025-52565)" {
	local t
	mkdir rootfs/etc/inside
	touch rootfs/etc/inside/file
	update_config '.mounts |= map(select(.destination == "/dev" | not)) | .process.terminal = true'
	for t in "$VICTIM/file" ../etc/inside/file /proc/self/attr/exec; do
		ln -sfn "$t" rootfs/dev/console
		run script -qec "$RUNC --root $ROOT run $ID" /dev/null </dev/null
		expect_error "open /dev/console: too many levels of symbolic links"
	done
	victim_is_well
}

@test "masks want the real null device (CVE-2025-31133)" {
	mkdir "$TMP/dev"
	ln -s /proc/sys/kernel/core_pattern "$TMP/dev/null"
	update_config '.mounts |= (map(select(.destination | startswith("/dev") | not)) + [{"destination":"/dev","type":"bind","source":$s,"options":["bind"]}])
		| .linux.maskedPaths = ["/proc/keys"]' --arg s "$TMP/dev"
	sh_args 'cat /proc/keys; head -c 0 /proc/keys'
	runc run "$ID"
	expect_error "/dev/null"
}

@test "a null device with other numbers masks nothing (CVE-2025-31133)" {
	requires root
	mkdir "$TMP/dev"
	mknod "$TMP/dev/null" c 1 5
	update_config '.mounts |= (map(select(.destination | startswith("/dev") | not)) + [{"destination":"/dev","type":"bind","source":$s,"options":["bind"]}])
		| .linux.maskedPaths = ["/proc/keys"]' --arg s "$TMP/dev"
	runc run "$ID"
	expect_error "not the null device"
}

@test "no fd of the host's folders is left to the process (CVE-2024-21626)" {
	sh_args 'for f in /proc/self/fd/*; do readlink $f; done; true'
	runc run "$ID"
	expect_ok
	[[ $output != *"$TMP"* && $output != *cgroup* && $output != */run* ]] || { echo "$output"; return 1; }
}

@test "a working directory by way of an fd is refused (CVE-2024-21626)" {
	local n
	for n in 3 4 5 6 7 8 9 10; do
		update_config '.process.cwd = $c | .process.args = ["ls", ".."]' --arg c "/proc/self/fd/$n"
		runc run "$ID"
		[ "$status" -ne 0 ] || { echo "fd $n: $output"; return 1; }
	done
}

@test "rootless: the host's cgroups are not writable (CVE-2023-25809)" {
	requires root userns v2 cgroupfs
	local own=/sys/fs/cgroup/$ID-own
	mkdir "$own"
	chown 65534:65534 "$own"
	chown -hR 65534:65534 "$BUNDLE"
	install -d -o 65534 -g 65534 "$TMP/rl"
	chmod 755 "$TMP"
	"$RUNC" spec --help >/dev/null
	update_config '.linux.namespaces = [{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":65534,"size":1}] | .linux.gidMappings = .linux.uidMappings
		| (.mounts[] | select(.type == "devpts")).options -= ["gid=5"]
		| (.mounts[] | select(.type == "sysfs")) |= {"destination":"/sys","type":"none","source":"/sys","options":["rbind","nosuid","noexec","nodev","ro"]}
		| del(.linux.resources)'
	sh_args "mkdir /sys/fs/cgroup/$ID-own/x 2>/dev/null && echo written; true"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$RUNC" --root "$TMP/rl" run "$ID"
	rmdir "$own"
	expect_ok
	[ -z "$output" ]
}

@test "rootless: without an own cgroup the folder is hidden, whatever the options of the mount (CVE-2023-25809)" {
	requires root userns v2 cgroupfs
	local own=/sys/fs/cgroup/$ID-own o ns sys
	mkdir "$own"
	# The user may change what is below, as in a session that systemd has made.
	chown 65534:65534 "$own"
	chown -hR 65534:65534 "$BUNDLE"
	install -d -o 65534 -g 65534 "$TMP/rl"
	update_config '.linux.namespaces = [{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},{"type":"user"},{"type":"network"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":65534,"size":1}] | .linux.gidMappings = .linux.uidMappings
		| (.mounts[] | select(.type == "devpts")).options -= ["gid=5"] | del(.linux.resources)'
	sh_args "ls /sys/fs/cgroup; mkdir /sys/fs/cgroup/x /sys/fs/cgroup/$ID-own/x 2>/dev/null && echo written; awk '\$5 == \"/sys/fs/cgroup\" {o = \$6} END {print substr(o, 1, 3)}' /proc/self/mountinfo"
	cp config.json plain.json
	for ns in '' '{"type":"cgroup"}'; do
		for o in ro rw; do
			for sys in '{"destination":"/sys","type":"sysfs","source":"sysfs"}' '{"destination":"/sys","type":"none","source":"/sys","options":["rbind","nosuid","noexec","nodev","ro"]}'; do
				cp plain.json config.json
				update_config ".linux.namespaces += [$ns] | .mounts = [.mounts[] | select(.destination | startswith(\"/sys\") | not)]
					+ [$sys, {\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":[\"$o\"]}]"
				chown 65534:65534 config.json
				run setpriv --reuid 65534 --regid 65534 --clear-groups "$RUNC" --root "$TMP/rl" run "$ID"
				[ "$status $output" = "0 ro," ] || break 3
			done
		done
	done
	find "$own" -depth -type d -exec rmdir {} +
	[ "$status $output" = "0 ro," ] || { echo "$ns $o $sys: $status $output"; return 1; }
}

@test "a symlink does not lead a device into /proc" {
	requires root userns
	# In a user namespace the host's node of the same path is bound.
	mkdir "$TMP/node"
	mknod "$TMP/node/exec" c 1 3
	mkdir -p "rootfs$TMP"
	ln -s /proc/self/attr "rootfs$TMP/node"
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings
		| .linux.devices = [{"path":($d + "/exec"),"type":"c","major":1,"minor":3}]' --arg d "$TMP/node"
	runc run "$ID"
	expect_error "a symlink leads its folder into /proc"
}

@test "the host's sysfs, where none can be mounted, brings no writable mount (CVE-2023-25809)" {
	requires root userns
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces |= (map(select(.type != "network")) + [{"type":"user"}])
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings
		| .mounts |= map(select(.type != "cgroup"))'
	args awk '$5 ~ "^/sys" { n++; if ($6 !~ "^ro") print } END { print (n > 1) }' /proc/self/mountinfo
	runc run "$ID"
	expect_ok
	[ "$output" = 1 ] || { echo "$output"; return 1; }
	# A writable one has no such fallback.
	update_config '(.mounts[] | select(.type == "sysfs")).options -= ["ro"]'
	runc run "$ID"
	expect_error 'error mounting "sysfs" to rootfs at "/sys"'
	expect_error "operation not permitted"
}

@test "init, until it is the user's program, is closed to others in the container (CVE-2016-9962)" {
	requires root userns
	local kind
	for kind in plain userns; do
		if [ "$kind" = userns ]; then
			chown -hR 100000:100000 rootfs
			update_config '.linux.namespaces += [{"type":"user"}]
				| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
		fi
		args sleep 100
		detached create "$ID"
		expect_ok
		runc exec "$ID" sh -c 'for f in fd/0 exe root cwd; do readlink /proc/1/$f && echo seen; done
			head -c 1 /proc/1/mem && echo read; head -c 1 /proc/1/auxv | wc -c; { echo x >>/proc/1/exe; } && echo written; true'
		expect_ok
		[[ $output != *seen* && $output != *read* && $output != *written* ]] || { echo "$kind: $output"; return 1; }
		runc delete --force "$ID"
	done
}

@test "the runtime's binary cannot be written from a container that runs it (CVE-2019-5736)" {
	requires root
	local copy=$TMP/runtime before way
	cp "$RUNC" "$copy"
	chmod 755 "$copy"
	before=$(sha256sum <"$copy")
	# Who opens a FIFO waits: /proc/self/exe is then a runtime that stays.
	mknod rootfs/tmp/fifo p
	printf '#!/proc/self/exe\n' >rootfs/script
	chmod 755 rootfs/script
	update_config '.root.readonly = false | .process.args = ["sleep", "100"]'
	# A process of runc init executes the runtime's binary, one of the stub does not.
	for way in stub go; do
		[ $way = stub ] || export _RUNC_TEST_INIT=$way
		"$copy" --root "$ROOT" run -d "$ID" </dev/null >/dev/null 2>&1 3>&-
		"$copy" --root "$ROOT" exec -d "$ID" /proc/self/exe --log /tmp/fifo list </dev/null >/dev/null 2>&1 3>&- || true
		run "$copy" --root "$ROOT" exec "$ID" sh -c 'for p in /proc/[0-9]*; do
				case $(readlink $p/exe) in
				*busybox* | "") ;;
				*) echo found; { echo x >>$p/exe; } 2>/dev/null && echo written
					chmod 777 $p/exe 2>/dev/null && { echo x >>$p/exe; } 2>/dev/null && echo written ;;
				esac
			done; true'
		expect_ok
		# The stub leaves nothing of a runtime inside.
		[ "$output" = "$([ $way = stub ] || echo found)" ] || { echo "$way: $output"; return 1; }
		[ "$(sha256sum <"$copy")" = "$before" ]
		# The same by the interpreter of a script.
		run timeout 20 "$copy" --root "$ROOT" exec "$ID" /script
		[ "$status" -ne 0 ]
		[ "$(sha256sum <"$copy")" = "$before" ]
		runc delete --force "$ID"
		expect_ok
	done
}

# spied: what a process that may trace any other sees of 40 execs: no binary
# of the host's.
spied() {
	local host i
	host=$(stat -c %d:%i "$RUNC")
	__runc exec "$@" "$ID" /bin/spy 8 </dev/null >"$TMP/seen" 2>&1 3>&- &
	local spy=$!
	wait_for test -s "$TMP/seen"
	for i in {1..40}; do
		# A process that lives for some time, so that the spy has seen it.
		runc exec "$@" "$ID" sleep 0.05
		expect_ok
	done
	wait $spy
	# It has seen the processes themselves.
	grep -q : "$TMP/seen" || { cat "$TMP/seen"; return 1; }
	if grep -x "$host" "$TMP/seen"; then
		echo "the runtime's own binary was open to it"
		return 1
	fi
}

@test "CAP_SYS_PTRACE in a container shows nothing of the runtime during an exec (CVE-2016-9962, CVE-2019-5736)" {
	requires root
	cc -O -static -o rootfs/bin/spy "$BATS_TEST_DIRNAME/spy.c"
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	args sleep 100
	detached run -d "$ID"
	expect_ok
	spied
}

@test "a process without it sees nothing of the runtime during an exec, in the container's own user namespace, too" {
	requires root userns once
	cc -O -static -o rootfs/bin/spy "$BATS_TEST_DIRNAME/spy.c"
	args sleep 100
	detached run -d "$ID"
	expect_ok
	spied
	spied -u 1000
	runc delete --force "$ID"
	chown -hR 100000:100000 rootfs
	update_config '.linux.namespaces += [{"type":"user"}] | .process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])
		| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}] | .linux.gidMappings = .linux.uidMappings'
	detached run -d "$ID"
	expect_ok
	spied
}

@test "nor does it if only another exec was given it" {
	requires root
	cc -O -static -o rootfs/bin/spy "$BATS_TEST_DIRNAME/spy.c"
	args sleep 100
	detached run -d "$ID"
	expect_ok
	local host
	host=$(stat -c %d:%i "$RUNC")
	__runc exec --cap CAP_SYS_PTRACE "$ID" /bin/spy 6 </dev/null >"$TMP/seen" 2>&1 3>&- &
	local spy=$! i
	wait_for test -s "$TMP/seen"
	for i in {1..40}; do
		runc exec "$ID" true
		expect_ok
	done
	wait $spy
	if grep -x "$host" "$TMP/seen"; then return 1; fi
}

@test "in a joined pid namespace nothing of the runtime is seen, either" {
	requires root
	cc -O -static -o rootfs/bin/spy "$BATS_TEST_DIRNAME/spy.c"
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	args sleep 100
	detached run -d "$ID"
	expect_ok
	local host i first=$ID
	host=$(stat -c %d:%i "$RUNC")
	__runc exec "$first" /bin/spy 8 </dev/null >"$TMP/seen" 2>&1 3>&- &
	local spy=$!
	wait_for test -s "$TMP/seen"
	update_config '(.linux.namespaces[] | select(.type == "pid")) += {"path": $p}' --arg p "/proc/$(init_pid)/ns/pid"
	args true
	for i in {1..15}; do
		runc run "$ID-$i"
		expect_ok
	done
	wait $spy
	grep -q : "$TMP/seen"
	if grep -x "$host" "$TMP/seen"; then return 1; fi
}

@test "where memory is not executable and there can be no overlay, the binary is an unlinked file (CVE-2019-5736)" {
	# In a PID namespace of its own, where systemd would not know the processes.
	requires cgroupfs
	requires root
	[ -e /proc/sys/vm/memfd_noexec ] || skip "needs vm.memfd_noexec, Linux 6.3"
	# An overlay takes no layer with so long a path.
	local long
	long=$TMP/$(printf 'a%.0s' {1..200})/$(printf 'b%.0s' {1..200})
	mkdir -p "$long"
	cp "$RUNC" "$long/runc"
	sh_args 'ls -l /proc/self/fd; sleep 1000'
	# The setting is the PID namespace's.
	run unshare -pf --mount-proc sh -ec '
		echo 2 >/proc/sys/vm/memfd_noexec
		r="$1 --root $2"
		$r create "$3" </dev/null >"$4" 2>&1 3>&-
		pid=$($r state "$3" | jq .pid)
		# A copy without a name, and no other file of the kind.
		readlink "/proc/$pid/exe"
		$r start "$3"
		$r exec "$3" echo joined
		$r delete --force "$3"' sh "$long/runc" "$ROOT" "$ID" "$TMP/said"
	expect_ok || { cat "$TMP/said"; return 1; }
	[[ ${lines[0]} == */*"(deleted)" ]] || { echo "$output"; return 1; }
	[[ ${lines[0]} != *memfd* ]]
	[ "${lines[1]}" = joined ]
	# Its files are the container's own alone.
	if grep -E "runc|deleted" "$TMP/said"; then return 1; fi
}

@test "the owner of a user namespace that root joins gets no hold of the runtime that reads its id maps" {
	requires root userns
	cc -O -static -o "$TMP/tracer" "$BATS_TEST_DIRNAME/tracer.c"
	# The owner runs in it, with all capabilities there.
	setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Ur "$TMP/tracer" 60 >"$TMP/seen" 2>&1 3>&- &
	local owner=$!
	wait_for grep -q watching "$TMP/seen" || skip "the kernel gives ordinary users no user namespace"
	# What is wrong here is noticed once the maps are known, before a container is made.
	update_config '.linux.namespaces = (.linux.namespaces | map(select(.type != "uts"))) + [{"type":"user","path":$p}]' --arg p "$TMP/ns"
	touch "$TMP/ns"
	# The mount is gone with the last process here.
	run unshare -m sh -c 'mount --bind "/proc/$1/ns/user" "$2" || exit
		shift 2
		i=0
		while [ $i -lt 300 ]; do
			timeout -s KILL 10 "$@" && exit 1
			[ $? = 1 ] || exit 2
			i=$((i + 1))
		done' sh "$owner" "$TMP/ns" "$RUNC" --root "$ROOT" create "$ID"
	kill "$owner"
	wait "$owner" || true
	[ "$status" = 0 ] || { echo "$status ${output:0:500}"; return 1; }
	[ "$(grep -c "unable to set hostname" <<<"$output")" = 300 ] || { echo "${output:0:500}"; return 1; }
	if grep traced "$TMP/seen"; then return 1; fi
}

@test "what covers /proc does not divert sysctls (CVE-2025-52881)" {
	requires root
	# Other files of procfs in the place of /proc, as a volume may have them.
	mkdir -p rootfs/proc
	update_config '.mounts = [{"destination":"/proc","type":"bind","source":"/proc/sys","options":["bind"]},
			{"destination":"/mnt","type":"proc","source":"proc"}]
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .linux.sysctl = {"net.ipv4.ip_forward":"1","kernel.shmmni":"4001"}'
	args cat /mnt/sys/net/ipv4/ip_forward /mnt/sys/kernel/shmmni
	local before
	before=$(cat /proc/sys/kernel/shmmni)
	runc run "$ID"
	expect_ok
	[ "$output" = $'1\n4001' ] || { echo "$output"; return 1; }
	[ "$(cat /proc/sys/kernel/shmmni)" = "$before" ]
}

@test "what covers /proc does not divert labels (CVE-2019-16884, CVE-2025-52881)" {
	requires root
	# There is no attr below what the image shows as /proc: who goes by the
	# path finds nothing, who goes by a procfs of its own meets the kernel.
	update_config '.mounts = [{"destination":"/proc","type":"bind","source":"/proc/sys","options":["bind"]}]
		| .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .process.apparmorProfile = "runc-test-nosuch"'
	runc run "$ID"
	expect_error "write /proc/thread-self/attr/"
}

@test "no capability is inheritable, for exec neither, unless asked for (CVE-2022-24769, CVE-2022-29162)" {
	requires root
	update_config '.process.capabilities |= (del(.inheritable) | map_values(["CAP_CHOWN", "CAP_KILL"]))'
	# The runtime's own are not passed on either.
	sh_args 'grep CapInh /proc/self/status; sleep 100'
	run setpriv --inh-caps +chown,+kill timeout -s KILL 20 sh -ec 'r="$1 --root $2"
		$r run -d "$3" </dev/null >"$4" 2>&1 3>&-
		while [ ! -s "$4" ]; do sleep 0.05; done
		cat "$4"
		$r exec "$3" grep CapInh /proc/self/status
		$r exec --cap CAP_SYS_TIME "$3" grep CapInh /proc/self/status' sh "$RUNC" "$ROOT" "$ID" "$TMP/said"
	expect_ok
	[ "$(grep -c 'CapInh:.0000000000000000' <<<"$output")" = 3 ] || { echo "$output"; return 1; }
}

@test "long data reaches init whole, or is refused (CVE-2021-43784)" {
	requires root userns
	# Longer than 16 bits count: mounts, arguments, and maps, which the kernel
	# has 340 of at most.
	mkdir -p rootfs/m
	update_config '.mounts += [range(400) | {"destination":"/m/\(.)","type":"tmpfs","source":("s" * 200),"options":["size=4k"]}]
		| .process.args = ["sh", "-c", "echo ${#0} $(grep -c \" /m/\" /proc/self/mountinfo)", ("a" * 100000)]'
	runc run "$ID"
	expect_ok
	[ "$output" = "100000 400" ] || { echo "${output:0:300}"; return 1; }
	update_config '.mounts = .mounts[0:7] | .process.args = ["wc", "-l", "/proc/self/uid_map"] | .linux.namespaces += [{"type":"user"}]
		| .linux.uidMappings = [range(300) | {"containerID":(. * 2),"hostID":(100000 + . * 2),"size":1}] | .linux.gidMappings = .linux.uidMappings'
	chown -hR 100000:100000 rootfs
	runc run "$ID"
	expect_ok
	[ "$output" = "300 /proc/self/uid_map" ]
	update_config '.linux.uidMappings = [range(5000) | {"containerID":(. * 2),"hostID":(100000 + . * 2),"size":1}]'
	runc run "$ID"
	expect_error "invalid argument"
}
