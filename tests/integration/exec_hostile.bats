#!/usr/bin/env bats
# exec into containers that mean no good, or that are in a bad way; by both ways
# that it has (docs/design.md).
# shellcheck disable=SC2016,SC2154 # scripts expand in the container; bats sets status and output

load helpers

started() {
	args sleep 1000
	detached run -d "$ID"
	expect_ok
}

# by WAY COMMAND...: exec of the command, which must be over soon.
by() {
	local way=$1
	shift
	printf '%s\001' "$@" | jq -Rs '{args: split("\u0001")[:-1], cwd: "/", user: {uid: 0, gid: 0}, env: ["PATH=/bin"]}' >"$TMP/short.json"
	jq '.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 4}' "$TMP/short.json" >"$TMP/long.json"
	run timeout -s KILL 30 "$RUNC" --root "$ROOT" exec -p "$TMP/$way.json" "$ID" </dev/null
}

# alone: init is the container's only process.
alone() { [ "$(__runc ps --format json "$ID" | jq length)" = 1 ]; }

@test "programs that cannot be executed, each with its reason" {
	started
	printf '#!/nosuch/interpreter\n' >rootfs/script
	printf 'garbage' >rootfs/garbage
	printf '\177ELFxxxx' >rootfs/elf
	: >rootfs/empty
	chmod 755 rootfs/{script,garbage,elf,empty}
	echo x >rootfs/plain
	ln -s loop rootfs/loop
	mkfifo rootfs/fifo
	local way
	for way in short long; do
		while IFS='|' read -r program why; do
			by $way "$program"
			[ "$status" -eq 255 ]
			[ ${#lines[@]} = 1 ]
			case $why in
			"exec /"*) [ "$output" = "$why" ] ;; # the kernel's refusal, as run prints it
			*) expect_error "exec failed: unable to start container process: $why" ;;
			esac || { echo "$way $program: $output"; return 1; }
		done <<-'EOT'
			/script|exec /script: no such file or directory
			/garbage|exec /garbage: exec format error
			/elf|exec /elf: exec format error
			/empty|exec /empty: exec format error
			/plain|exec: "/plain": permission denied
			/fifo|exec: "/fifo": permission denied
			/loop|exec: "/loop": stat /loop: too many levels of symbolic links
			/etc|exec: "/etc": is a directory
			/nosuch/x|exec: "/nosuch/x": stat /nosuch/x: no such file or directory
			/bin/sh/x|exec: "/bin/sh/x": stat /bin/sh/x: not a directory
			nosuch|exec: "nosuch": executable file not found in $PATH
			|exec: "": executable file not found in $PATH
		EOT
	done
	wait_for alone
}

@test "what is in PATH and no program is passed over" {
	started
	mkdir -p rootfs/dirs/sh rootfs/fifos rootfs/loops rootfs/plain
	mkfifo rootfs/fifos/sh
	ln -s sh rootfs/loops/sh
	echo x >rootfs/plain/sh
	ln -s /proc/self/root/nosuch rootfs/away
	local way path=/dirs:/fifos:/loops:/plain:/away:/proc/self/fd:/proc/1:/nosuch:/dev/null:/bin
	for way in short long; do
		by $way true # writes the files
		jq --arg p "PATH=$path" '.env = [$p] | .args = ["sh", "-c", "echo found $0"]' "$TMP/$way.json" >"$TMP/path.json"
		run timeout -s KILL 30 "$RUNC" --root "$ROOT" exec -p "$TMP/path.json" "$ID" </dev/null
		expect_ok
		[ "$output" = "found sh" ] || { echo "$way: $output"; return 1; }
	done
}

@test "a passwd file that loops, or that never ends, is as none" {
	started
	local way kind
	for kind in loop huge; do
		rm -f rootfs/etc/passwd
		case $kind in
		loop) ln -s passwd rootfs/etc/passwd ;;
		huge) truncate -s 100G rootfs/etc/passwd ;;
		esac
		for way in short long; do
			by $way sh -c 'echo $HOME'
			expect_ok
			[ "$output" = / ] || { echo "$kind $way: $output"; return 1; }
		done
	done
}

@test "a working directory behind a passed fd of the host is refused (CVE-2024-21626)" {
	started
	local dir way
	ln -s /proc/self/fd/3 rootfs/link
	for dir in /proc/self/fd/3 /link /proc/self/fd/3/.. /proc/thread-self/fd/3; do
		for way in short long; do
			by $way true
			jq --arg d "$dir" '.cwd = $d | .args = ["pwd"]' "$TMP/$way.json" >"$TMP/cwd.json"
			run bash -c 'exec "$@" 3</' - "$RUNC" --root "$ROOT" exec --preserve-fds 1 -p "$TMP/cwd.json" "$ID"
			[ "$status" -eq 255 ] || { echo "$way $dir: $output"; return 1; }
			expect_error "exec failed: unable to start container process: "
		done
	done
	wait_for alone
}

@test "sockets of LISTEN_FDS are init's, not those of an exec" {
	started
	run env LISTEN_FDS=1 bash -c 'exec "$@" 3</dev/zero' - "$RUNC" --root "$ROOT" exec "$ID" \
		sh -c 'env | grep LISTEN; readlink /proc/self/fd/3; true'
	expect_ok
	[[ $output != *LISTEN* && $output != */dev/zero* ]] || { echo "$output"; return 1; }
	# Those to preserve begin at 3, then, too.
	run env LISTEN_FDS=1 bash -c 'exec "$@" 3</dev/zero' - "$RUNC" --root "$ROOT" exec --preserve-fds 1 "$ID" \
		sh -c 'env | grep LISTEN; head -c 2 <&3 | wc -c'
	expect_ok
	[ "$output" = 2 ]
}

@test "an argument that the kernel does not take is an error" {
	started
	local way
	for way in short long; do
		by $way true
		head -c 140000 /dev/zero | tr '\0' x >"$TMP/x"
		jq --rawfile x "$TMP/x" '.env += ["BIG=" + $x]' "$TMP/$way.json" >"$TMP/big.json"
		run timeout -s KILL 30 "$RUNC" --root "$ROOT" exec -p "$TMP/big.json" "$ID" </dev/null
		[ "$status" -eq 255 ] || { echo "$way: ${output:0:300}"; return 1; }
		expect_error "argument list too long"
	done
	wait_for alone
}

@test "exec by -p needs no bundle, and without says what is missing" {
	started
	mv config.json away.json
	by short echo hi
	expect_ok
	runc exec "$ID" true
	[ "$status" -eq 255 ]
	expect_error "exec failed: JSON specification file $BUNDLE/config.json not found"
	mv away.json config.json
}

@test "exec with closed standard input, output and error" {
	started
	local way
	for way in short long; do
		by $way sh -c 'echo done >/dev/shm/'$way
		run bash -c 'exec "$@" <&- >&- 2>&-' - "$RUNC" --root "$ROOT" exec -p "$TMP/$way.json" "$ID"
		expect_ok
		runc exec "$ID" cat /dev/shm/$way
		[ "$output" = done ]
	done
}

@test "a container without proc" {
	update_config 'del(.mounts[] | select(.type == "proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	started
	local way
	for way in short long; do
		by $way sh -c 'ls /proc | wc -l'
		expect_ok
		[ "$output" = 0 ] || { echo "$way: $output"; return 1; }
	done
}

@test "a container whose memory is full: an end or an error, soon" {
	requires root
	local dir limit way file
	if [ -d /sys/fs/cgroup/memory ]; then
		started
		dir=/sys/fs/cgroup/memory$(sed -n 's/.*:memory://p' "/proc/$(init_pid)/cgroup") file=memory.limit_in_bytes
	else
		requires_controller memory
		started
		dir=$(cgroup_of_init) file=memory.max
	fi
	for limit in 1000000 500000 400000 300000 200000; do
		# Where more is in use than that, on v1 it is not taken.
		echo $limit 2>/dev/null >"$dir/$file" || break
		for way in short long; do
			by $way true
			case $status in
			0) ;;
			137) [ -z "$output" ] ;; # the process itself was killed
			255) [ ${#lines[@]} = 1 ] && expect_error "exec failed: " ;;
			*) false ;;
			esac || { echo "$limit $way: $status $output"; return 1; }
			# The kernel may have chosen init.
			state_is running || return 0
		done
	done
	wait_for alone
}

@test "containers of another runc can be entered, as its own exec does" {
	# With the driver that the other one uses here, too.
	requires root cgroupfs
	local other=/usr/sbin/runc
	[ -x $other ] && ! cmp -s $other "$RUNC" || skip "needs Debian's runc"
	args sleep 1000
	update_config '.ociVersion = "1.0.2"'
	$other --root "$ROOT" run -d "$ID" </dev/null >/dev/null 2>&1 3>&-
	local look='id; pwd; env | sort; grep -E "^(Cap|NoNew|Seccomp:|Groups)" /proc/self/status; cat /proc/self/cgroup; for n in /proc/self/ns/*; do readlink $n; done; ulimit -n; umask'
	run $other --root "$ROOT" exec -u 5:6 -e A=b --cwd /tmp "$ID" sh -c "$look"
	expect_ok
	local theirs=$output
	runc exec -u 5:6 -e A=b --cwd /tmp "$ID" sh -c "$look"
	expect_ok
	[ "$output" = "$theirs" ] || { diff <(echo "$theirs") <(echo "$output"); return 1; }
	runc exec -t "$ID" tty
	expect_ok
	[[ $output == /dev/pts/* ]]
}
