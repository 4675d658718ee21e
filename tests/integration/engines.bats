#!/usr/bin/env bats
# Podman and containerd as they are, with this runtime in the place of runc.
# Everything of theirs is in one temporary folder, but containerd's sockets.

# shellcheck disable=SC2016,SC2154 # scripts for shells inside; bats sets status and output

load helpers
load criu

# engines_work: containerd and Podman set a CPU weight whether wanted or not.
engines_work() {
	[ ! -f /sys/fs/cgroup/cgroup.controllers ] || grep -qw cpu /sys/fs/cgroup/cgroup.controllers
}

setup_file() {
	engines_work || return 0
	find_criu # containerd passes its PATH on to the runtime
	# Podman takes no long path for its run folder, sockets neither.
	E=$(mktemp -d "${TMPDIR:-/tmp}/e.XXXX")
	export E
	export PARENT=runc-test-${RUNC_TEST_RUN:-$$}-engines-$LAYOUT
	# With systemd's driver a parent is a slice, and a dash in its name one more level.
	export UNDER=/$PARENT BUILD=/$PARENT-build MANAGER=cgroupfs
	if [ "${RUNC_TEST_DRIVER:-cgroupfs}" = systemd ]; then
		UNDER=${PARENT//-/}.slice MANAGER=systemd
		# The build passes this one on as it is.
		BUILD=$UNDER:build:$PARENT
	fi
	[ "$(id -u)" = 0 ] || return 0
	mkfifo "$E/silence"
	make_image "$E/rootfs"
	chmod 1777 "$E/rootfs/tmp"
	touch "$E/rootfs/bin/notexec"
	tar -C "$E/rootfs" -cf "$E/image.tar" .
	set_up_podman
	set_up_containerd
}

# What an engine cannot do here is for its tests to tell.
set_up_podman() {
	command -v podman >/dev/null || return 0
	# Locks in files: those in shared memory are one set for the whole host.
	# Limits that no CAP_SYS_RESOURCE is needed for.
	cat >"$E/containers.conf" <<-C
		[containers]
		default_ulimits = ["nofile=512:512", "nproc=2048:2048"]
		netns = "none"
		[engine]
		lock_type = "file"
	C
	cat >"$E/pod" <<-P
		#!/bin/sh
		export CONTAINERS_CONF=$E/containers.conf
		exec podman --root $E/p --runroot $E/r --tmpdir $E/t --events-backend none --cgroup-manager $MANAGER \
			--runtime $E/runtime "\$@"
	P
	# Podman forgets --runtime-flag where it cleans up.
	printf '#!/bin/sh\nexec %s --root %s "$@"\n' "$RUNC" "$E/state" >"$E/runtime"
	chmod 755 "$E/pod" "$E/runtime"
	{
		pod import -c 'ENV PATH=/bin' -c 'CMD ["sh"]' "$E/image.tar" img
		pod import -c 'ENTRYPOINT ["/bin/sleep","1000"]' "$E/image.tar" infra
	} >"$E/podman.log" 2>&1 || true
}

set_up_containerd() {
	if ! command -v containerd >/dev/null || ! command -v ctr >/dev/null; then
		return 0
	fi
	cat >"$E/containerd.toml" <<-C
		version = 2
		root = "$E/croot"
		state = "$E/cstate"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		  address = "$E/c.sock"
		[ttrpc]
		  address = "$E/c.ttrpc"
	C
	make_archive "$E/oci.tar"
	start_containerd
	ctr -a "$E/c.sock" -n "$PARENT" images import "$E/oci.tar" >>"$E/containerd.log" 2>&1 || true
}

start_containerd() {
	# It leaves checkpoints in its temporary folder.
	TMPDIR=$E containerd --config "$E/containerd.toml" >>"$E/containerd.log" 2>&1 3>&- &
	echo $! >"$E/containerd.pid"
	wait_for ctr -a "$E/c.sock" version >/dev/null 2>&1 || true
}

stop_containerd() {
	[ -f "$E/containerd.pid" ] || return 0
	kill "$(cat "$E/containerd.pid")"
	wait_for gone "$(cat "$E/containerd.pid")"
	rm "$E/containerd.pid"
}

# blob FILE: into the archive that is being made; prints its digest and size.
blob() {
	local sum
	sum=$(sha256sum <"$1")
	cp "$1" "$E/oci/blobs/sha256/${sum%% *}"
	printf '"digest":"sha256:%s","size":%d' "${sum%% *}" "$(stat -c %s "$1")"
}

# make_archive FILE: an image of one layer, named img, as OCI archive.
make_archive() {
	local layer digest config manifest type=application/vnd.oci.image
	mkdir -p "$E/oci/blobs/sha256"
	layer=$(blob "$E/image.tar")
	digest=${layer#*:\"}
	digest=${digest%%\"*}
	printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["%s"]}}' \
		"$(go_arch)" "$digest" >"$E/config"
	config=$(blob "$E/config")
	printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"%s.config.v1+json",%s},"layers":[{"mediaType":"%s.layer.v1.tar",%s}]}' \
		"$type" "$type" "$config" "$type" "$layer" >"$E/manifest"
	manifest=$(blob "$E/manifest")
	echo '{"imageLayoutVersion":"1.0.0"}' >"$E/oci/oci-layout"
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s.manifest.v1+json",%s,"annotations":{"io.containerd.image.name":"docker.io/library/img:latest"}}]}' \
		"$type" "$manifest" >"$E/oci/index.json"
	tar -C "$E/oci" -cf "$1" .
}

go_arch() {
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}

gone() { ! kill -0 "$1" 2>/dev/null; }

no_process() { ! pgrep -f -- "$E/" >/dev/null; }

teardown_file() {
	[ -n "${E:-}" ] || return 0
	if [ -f "$E/podman.log" ]; then
		pod pod rm --force --all >/dev/null 2>&1 || true
		pod rm --force --all --time 0 >/dev/null 2>&1 || true
	fi
	stop_containerd
	# Podman cleans up behind a container in a process of its own.
	wait_for no_process || pgrep -af -- "$E/"
	awk -v d="$E/" 'index($5, d) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r m; do umount "$m"; done
	[ "$MANAGER" != systemd ] || systemctl stop "$UNDER"
	find /sys/fs/cgroup -depth -type d -path "*/$PARENT*" -exec rmdir {} + 2>/dev/null || true
	rm -rf "$E"
}

setup() {
	requires root
	engines_work || skip "needs the cpu controller on cgroup v2"
	cd "$E" || return 1 # conmon leaves a file where it is, when memory ran out
}

teardown() { :; }

# pod ARGUMENTS...: Podman, with folders of its own.
pod() { "$E/pod" "$@" 3>&-; }

# started NAME ARGUMENTS...: a container in the background.
started() { pod run -d --cgroup-parent "$UNDER" --name "$@" >/dev/null 2>"$E/err" || { cat "$E/err"; return 1; }; }

# removed NAME: once more where Podman was too quick for its own clean-up.
removed() { wait_for pod rm -f -t 0 --ignore "$1" >/dev/null; }

prun() { run --separate-stderr pod run --rm --cgroup-parent "$UNDER" "$@"; }

podman_here() {
	command -v podman >/dev/null || skip "needs podman"
	pod image exists img || { cat "$E/podman.log"; return 1; }
}

criu_here() {
	find_criu
	criu check >/dev/null 2>&1 || skip "needs CRIU (tests/criu/install)"
}

no_state() { [ -z "$(ls "$E/state")" ]; }

pod_state() { [ "$(pod inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$1")" = "$2" ]; }

# task ARGUMENTS...: ctr, in a namespace of its own.
task() { timeout -k 5 60 ctr -a "$E/c.sock" -n "$PARENT" "$@" 3>&-; }

# ctd_cgroup NAME: below the parent.
ctd_cgroup() {
	if [ "$MANAGER" = systemd ]; then
		echo "$UNDER:ctd:$1"
	else
		echo "$UNDER/$1"
	fi
}

# ctd ID COMMAND...: a container of containerd's; flags in FLAGS.
ctd() {
	task run --runc-binary "$RUNC" --runc-root "$E/cs" --fifo-dir "$E/fifo" --cgroup "$(ctd_cgroup c)" "${FLAGS[@]}" docker.io/library/img:latest "$@"
}

ctd_exec() { task task exec --fifo-dir "$E/fifo" "${FLAGS[@]}" --exec-id "x$RANDOM" "$@"; }

containerd_here() {
	FLAGS=()
	command -v containerd >/dev/null || skip "needs containerd"
	command -v ctr >/dev/null || skip "needs ctr"
	task images ls -q | grep -q img || { tail "$E/containerd.log"; return 1; }
}

task_is() { [ "$(task task ls | awk -v id="$1" '$1 == id {print $3}')" = "$2" ]; }

# on_terminal COMMAND: under run, with a terminal on which nobody types. At the
# end of its input script(1) would not wait for the rest of the output.
on_terminal() { run script -qec "$1" /dev/null 0<>"$E/silence"; }

# said: what the command wrote to stdout and stderr.
said() { echo "status $status: $output $stderr"; }

@test "podman run: output, errors and status are those of the process" {
	podman_here
	prun img sh -c 'echo out; echo err >&2; exit 3'
	[ "$status" -eq 3 ] && [ "$output" = out ] && [ "$stderr" = err ] || { said; return 1; }
}

@test "podman run: a command that is not there is 127, one that cannot be executed 126" {
	podman_here
	local c
	for c in nosuch /nosuch; do
		run -127 pod run --rm --cgroup-parent "$UNDER" img "$c"
	done
	for c in /bin/notexec /etc; do
		prun img "$c"
		[ "$status" -eq 126 ] || { said; return 1; }
	done
	# What had been made for them is gone.
	wait_for no_state
}

@test "podman run: stdin, environment, user, folder and hostname" {
	podman_here
	output=$(echo data | pod run --rm -i --cgroup-parent "$UNDER" -e A=b -u 1000:5 -w /tmp -h box img \
		sh -c 'cat; echo $A; id -u; id -g; pwd; hostname')
	[ "$(tr '\n' ' ' <<<"$output")" = 'data b 1000 5 /tmp box ' ] || { echo "$output"; return 1; }
}

@test "podman run -it: a terminal" {
	podman_here
	on_terminal "$E/pod run -it --rm --cgroup-parent $UNDER img sh -c 'tty; exit 4'"
	[ "$status" -eq 4 ] && [[ $output == *"/dev/pts/0"* ]] || { said; return 1; }
}

@test "podman exec: status, user, and the failures of runc" {
	podman_here
	started x img sleep 1000
	run pod exec -u 1000 -w /tmp -e A=b x sh -c 'echo $(id -u) $PWD $A; exit 7'
	[ "$status" -eq 7 ] && [ "$output" = "1000 /tmp b" ] || { said; return 1; }
	run -127 pod exec x nosuch
	run pod exec x /bin/notexec
	[ "$status" -eq 126 ] || { said; return 1; }
	pod exec -d x touch /tmp/done
	wait_for pod exec x test -e /tmp/done
	removed x
}

@test "podman: from create to rm, by way of pause, stop and restart" {
	podman_here
	pod create --name l --cgroup-parent "$UNDER" img sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' >/dev/null
	pod start l
	pod_state l "running 0"
	pod pause l
	pod_state l "paused 0"
	run pod exec l true
	[ "$status" -ne 0 ]
	pod unpause l
	pod top l pid comm | grep -q '^1 *sh'
	pod stop -t 10 l
	pod_state l "exited 9"
	pod restart -t 10 l
	pod kill l
	wait_for pod_state l "exited 137"
	pod rm l
	wait_for no_state
}

@test "podman: limits are in force, and update changes them" {
	podman_here
	requires v1
	requires_controller memory
	requires_controller pids
	started lim --memory 40m --pids-limit 20 --cpus 0.5 img sleep 1000
	limit() { pod exec lim cat "/sys/fs/cgroup/$1"; }
	[ "$(limit memory/memory.limit_in_bytes)" = 41943040 ]
	[ "$(limit pids/pids.max)" = 20 ]
	pod update --memory 50m lim >/dev/null
	[ "$(limit memory/memory.limit_in_bytes)" = 52428800 ]
	[ "$(limit pids/pids.max)" = 20 ]
	removed lim
	prun --memory 20m --memory-swap 20m img dd if=/dev/zero of=/dev/null bs=100M count=1
	[ "$status" -eq 137 ] || { said; return 1; }
	prun --pids-limit 1 img echo alone
	[ "$status" -eq 0 ] && [ "$output" = alone ] || { said; return 1; }
}

@test "podman: privileges, read-only root, tmpfs, devices and volumes" {
	podman_here
	prun --cap-drop all --security-opt no-new-privileges img sh -c 'grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status | tr -d "\n"'
	[ "$output" = $'CapEff:\t0000000000000000NoNewPrivs:\t1Seccomp:\t2' ] || { said; return 1; }
	prun --privileged img sh -c 'grep Seccomp: /proc/self/status; mount -t tmpfs x /mnt && echo mounted'
	[ "$output" = $'Seccomp:\t0\nmounted' ] || { said; return 1; }
	mkdir -p "$E/vol"
	echo text >"$E/vol/file"
	prun --read-only --tmpfs /t:mode=0700 -v "$E/vol:/v:ro" --device /dev/zero:/dev/mine:r img sh -c '
		touch /x 2>/dev/null || echo read-only; stat -c %a /t; cat /v/file; touch /v/x 2>/dev/null || echo read-only
		od -An -tx1 -N1 /dev/mine | tr -d " "'
	[ "$(tr '\n' ' ' <<<"$output")" = 'read-only 700 text read-only 00 ' ] || { said; return 1; }
}

@test "podman: a user namespace" {
	podman_here
	started u --uidmap 0:100000:5000 --gidmap 0:100000:5000 img sleep 1000
	[ "$(pod exec u cat /proc/self/uid_map | tr -s ' ')" = ' 0 100000 5000' ]
	[ "$(pod top u huser | tail -n 1)" = 100000 ]
	pod exec u sh -c 'echo x >/dev/null && touch /made && test -O /made'
	removed u
}

@test "podman: a pod's containers share its namespaces" {
	podman_here
	pod pod create --name p --cgroup-parent "$UNDER" --infra-image localhost/infra --share pid,ipc,uts,net --hostname podhost >/dev/null
	run pod run --rm --pod p img sh -c 'hostname; ps | grep -c "[s]leep 1000"'
	[ "$status" -eq 0 ] && [ "$output" = $'podhost\n1' ] || { said; return 1; }
	pod pod rm -f -t 0 p >/dev/null
}

@test "podman: hooks run at their moments" {
	podman_here
	local k
	mkdir -p "$E/hooks"
	for k in prestart createRuntime createContainer poststart poststop; do
		printf '{"version":"1.0.0","when":{"always":true},"stages":["%s"],"hook":{"path":"/bin/sh","args":["sh","-c","echo %s >>%s"]}}' \
			"$k" "$k" "$E/moments" >"$E/hooks/$k.json"
	done
	prun --hooks-dir "$E/hooks" img true
	expect_ok
	wait_for grep -q poststop "$E/moments"
	[ "$(tr '\n' ' ' <"$E/moments")" = 'prestart createRuntime createContainer poststart poststop ' ]
}

@test "podman: ten at the same time" {
	podman_here
	local i
	for i in {0..9}; do
		pod run --rm --cgroup-parent "$UNDER" img echo "it is $i" >"$E/out.$i" 2>&1 &
	done
	wait
	for i in {0..9}; do
		[ "$(cat "$E/out.$i")" = "it is $i" ] || { cat "$E/out.$i"; return 1; }
	done
	wait_for no_state
}

@test "podman: a container whose conmon was killed can be entered and removed" {
	podman_here
	local pid
	started k img sleep 1000
	pid=$(pod inspect -f '{{.State.Pid}}' k)
	kill -KILL "$(pod inspect -f '{{.State.ConmonPid}}' k)"
	[ "$(pod exec k echo still)" = still ]
	removed k
	wait_for gone "$pid"
	# Podman itself leaves the rest to conmon.
	"$RUNC" --root "$E/state" list -q | while read -r id; do "$RUNC" --root "$E/state" delete "$id"; done
}

@test "podman build: RUN in containers of this runtime" {
	podman_here
	printf 'FROM localhost/img\nRUN id -u >/one\nUSER 1000\nRUN id -u >/tmp/two\nCMD ["cat","/one","/tmp/two"]\n' >"$E/Containerfile"
	run pod build --isolation oci --network host --cgroup-parent "$BUILD" -q -t built -f "$E/Containerfile" "$E/hooks"
	expect_ok
	prun built
	[ "$output" = $'0\n1000' ] || { said; return 1; }
	printf 'FROM localhost/img\nRUN exit 7\n' >"$E/Containerfile"
	run pod build --isolation oci --network host --cgroup-parent "$BUILD" -q -f "$E/Containerfile" "$E/hooks"
	[ "$status" -eq 7 ] || { said; return 1; }
}

@test "podman: a container is checkpointed, restored, and restored from an archive under another name" {
	podman_here
	criu_here
	started c img sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/n; sleep 0.05; done'
	local n
	wait_for pod exec c test -s /n
	run pod container checkpoint c
	expect_ok
	pod_state c "exited 0"
	wait_for no_state
	run pod container restore c
	expect_ok
	pod_state c "running 0"
	n=$(pod exec c cat /n)
	more() { [ "$(pod exec "$1" cat /n)" -gt "$n" ]; }
	wait_for more c
	run pod container checkpoint --export "$E/archive.tar.gz" c
	expect_ok
	run pod container restore --import "$E/archive.tar.gz" --name other
	expect_ok
	wait_for more other
	removed other
	removed c
}

@test "containerd: output and status of a process" {
	containerd_here
	FLAGS=(--rm)
	run --separate-stderr ctd one sh -c 'echo out; echo err >&2; exit 5'
	[ "$status" -eq 5 ] && [ "$output" = out ] && [ "$stderr" = err ] || { said; return 1; }
}

@test "containerd: a command that is not there is told as runc tells it" {
	containerd_here
	FLAGS=(--rm)
	run ctd two nosuch
	[ "$status" -ne 0 ]
	[[ $output == *'OCI runtime create failed: runc create failed: unable to start container process: '*'exec: "nosuch": executable file not found in $PATH: unknown'* ]] || { said; return 1; }
	# The id is free again.
	run ctd two echo again
	[ "$output" = again ] || { said; return 1; }
}

@test "containerd: exec, pause, kill and delete" {
	containerd_here
	FLAGS=(-d)
	ctd three sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done'
	FLAGS=()
	task_is three RUNNING
	run ctd_exec three sh -c 'echo in; exit 6'
	[ "$status" -eq 6 ] && [ "$output" = in ] || { said; return 1; }
	run ctd_exec three nosuch
	[ "$status" -ne 0 ] && [[ $output == *'exec: "nosuch": executable file not found in $PATH'* ]] || { said; return 1; }
	on_terminal "ctr -a $E/c.sock -n $PARENT task exec --fifo-dir $E/fifo -t --exec-id tty three sh -c 'tty; exit 3'"
	[ "$status" -eq 3 ] && [[ $output == *"/dev/pts/0"* ]] || { said; return 1; }
	task task pause three
	task_is three PAUSED
	task task resume three
	task_is three RUNNING
	task task ps three | grep -q "^$(task task ls | awk '$1 == "three" {print $2}')"
	run task task delete three
	[ "$status" -ne 0 ] || { said; return 1; }
	task task kill -s TERM three
	wait_for task_is three STOPPED
	run task task delete three
	[[ $output == *"non-zero exit code"*9* || $status -eq 9 ]] || { said; return 1; }
	task containers rm three
}

@test "containerd: a task is checkpointed and restored" {
	containerd_here
	criu_here
	FLAGS=(-d)
	ctd ck sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/n; sleep 0.05; done'
	FLAGS=()
	local n
	wait_for ctd_exec ck test -s /n
	run task task checkpoint --image-path "$E/ck" ck
	expect_ok
	[ -s "$E/ck/descriptors.json" ]
	n=$(ctd_exec ck cat /n)
	more() { [ "$(ctd_exec ck cat /n)" -gt "$n" ]; }
	wait_for more
	task containers checkpoint --task --image ck ref
	n=$(ctd_exec ck cat /n)
	task task delete -f ck || true
	task containers rm ck
	run task containers restore --live ck ref
	expect_ok
	task_is ck RUNNING
	[ -e "$E/cs/$PARENT/ck/state.json" ]
	wait_for more
	task task delete -f ck || true
	task containers rm ck
	task images rm ref >/dev/null
}

@test "containerd: a restart leaves containers running" {
	containerd_here
	FLAGS=(-d)
	ctd four sleep 1000
	stop_containerd
	start_containerd
	FLAGS=()
	[ "$(ctd_exec four echo still)" = still ]
	task task delete -f four || true
	task containers rm four
}

@test "containerd: a killed shim takes its container along" {
	containerd_here
	local init shim socket
	FLAGS=(-d)
	ctd five sleep 1000
	socket=$(cat "$E/cstate/io.containerd.runtime.v2.task/$PARENT/five/address")
	init=$(task task ls | awk '$1 == "five" {print $2}')
	shim=$(awk '{print $4}' "/proc/$init/stat")
	kill -KILL "$shim"
	wait_for gone "$init"
	wait_for sh -c '! [ -d "$1/cs/$2/five" ]' sh "$E" "$PARENT"
	task task delete -f five >/dev/null 2>&1 || true
	task containers rm five
	# Nobody else removes that of a shim that was killed.
	rm -f "${socket#unix://}"
}

@test "containerd: many at the same time" {
	containerd_here
	local i pids=()
	for i in {0..9}; do
		task run --rm --runc-binary "$RUNC" --runc-root "$E/cs" --fifo-dir "$E/fifo" --cgroup "$(ctd_cgroup "m$i")" \
			docker.io/library/img:latest "m$i" echo "it is $i" >"$E/out.$i" 2>&1 &
		pids+=($!)
	done
	# Not for containerd, which may be this shell's child as well.
	wait "${pids[@]}"
	for i in {0..9}; do
		[ "$(cat "$E/out.$i")" = "it is $i" ] || { cat "$E/out.$i"; return 1; }
	done
	[ -z "$(task task ls -q)" ]
}
