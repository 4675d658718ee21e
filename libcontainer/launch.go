package libcontainer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"runc/libcontainer/cgroup"
	"runc/libcontainer/exeseal"
	"runc/libcontainer/internal/wire"
	"runc/libcontainer/nsenter"
	"runc/libcontainer/rlimit"
	"runc/libcontainer/rootfs"
	"runc/libcontainer/seccomp"
)

// launch is one process on its way: what the start of a container's init and
// that of a process joining it have in common.
type launch struct {
	c    *Container
	p    *Process
	boot *bootstrap
	plan nsenter.Plan

	// limitLater: the limits are set when init has mounted all.
	limitLater bool

	// sources opens what init cannot open by itself; nil for a process that
	// joins a container.
	sources *rootfs.Sources

	files fdTable
	sock  channel
	run   *running
	child *nsenter.Child
}

// clone makes the child: born into its namespaces, executing this binary.
// Whatever fails later has to call kill.
func (l *launch) clone() (err error) {
	run := new(running)
	stdio, theirs, startCopies, abortCopies, err := l.p.stdio(run)
	if err != nil {
		return err
	}
	defer closeAll(theirs)
	defer func() {
		if err != nil {
			abortCopies()
		}
	}()

	exe, err := exeseal.Open()
	if err != nil {
		return fmt.Errorf("unable to seal the runtime's own binary: %w", err)
	}
	defer exe.Close()

	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	sockTheirs := os.NewFile(uintptr(pair[1]), "init-sock")
	defer sockTheirs.Close()
	l.sock = channel{fd: pair[0]}

	files := append(fdTable(stdio), l.p.ExtraFiles...)
	sockFD := files.add(sockTheirs)
	l.boot.Fifo = -1
	for _, f := range l.files {
		// Filled in by those who know: fifo first, if any.
		l.boot.Fifo = files.add(f)
	}
	if l.p.Terminal {
		l.boot.Console = files.add(l.p.ConsoleSocket)
	}
	l.boot.PidfdSock = files.add(l.p.PidfdSocket)

	l.plan.Exe = exe
	l.plan.Argv = []string{"runc", "init"}
	l.plan.Env = initEnv(sockFD)
	l.plan.Files = files
	// What Go did to our own limit is not for the child to inherit.
	if err := rlimit.RestoreNofile(); err != nil {
		unix.Close(pair[0])
		return err
	}
	child, err := l.plan.Start()
	// The plan's files must outlive the clone though nothing names them.
	runtime.KeepAlive(files)
	if err != nil {
		unix.Close(pair[0])
		return err
	}
	child.Await = l.await
	l.child = child
	run.pid, run.pidfd = child.Pid, child.PidFD
	l.run, l.p.run = run, run
	debugf("nsexec container setup: runc init is process %d (new namespaces %#x, joined %d)", child.Pid, l.plan.New, len(l.plan.Join))
	startCopies()
	return nil
}

// kill ends and collects the child.
func (l *launch) kill() error {
	if l.sock.fd >= 0 {
		unix.Close(l.sock.fd)
		l.sock.fd = -1
	}
	err := unix.PidfdSendSignal(int(l.run.pidfd.Fd()), unix.SIGKILL, nil, 0)
	// EBADF: it ended by itself and was collected, which closes the pidfd.
	if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EBADF) {
		return fmt.Errorf("init process %d: %w", l.run.pid, os.NewSyscallError("pidfd_send_signal", err))
	}
	// On cgroup v1 a frozen process ends once it is thawed, not before.
	if m := l.c.cgroups; m != nil && l.p.Init {
		_ = m.ThawKilled()
	}
	child, run := l.child, l.run
	collect := func() { run.reap(); child.Abandon() }
	if fd := int(run.pidfd.Fd()); fd >= 0 && l.await(fd) != nil {
		// A cgroup above the container's is frozen, perhaps for ever.
		go collect()
		return nil
	}
	collect()
	return nil
}

// await waits until fd, one of the child's, has something to read, or the start
// is interrupted and nothing will come soon.
func (l *launch) await(fd int) error {
	_, err := l.p.await(unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	return err
}

// tell sends the bootstrap message.
func (l *launch) tell() error {
	payload, err := wire.Encode(*l.boot)
	if err != nil {
		return err
	}
	err = l.sock.send(msgBootstrap, payload)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		// init is gone already; converse finds out why.
		return nil
	}
	return err
}

// converse answers init until it needs nothing more.
func (l *launch) converse(m *cgroup.Manager, hooks func() error) error {
	if err := l.child.Executed(); err != nil {
		return err
	}
	ready := false
	for {
		if err := l.await(l.sock.fd); err != nil {
			return err
		}
		t, payload, files, err := l.sock.recv()
		if err == io.EOF {
			if ready {
				unix.Close(l.sock.fd)
				l.sock.fd = -1
				return nil
			}
			return l.died(m)
		}
		if err != nil {
			return err
		}
		closeAll(files)
		var reply []*os.File
		switch t {
		case msgReady:
			ready = true
			continue
		case msgDebug:
			debugFromInit(payload)
			continue
		case msgError:
			return errors.New(string(payload))
		case msgSources:
			reply, err = l.openSources(payload)
		case msgMounts:
			err = l.c.noteMounts(payload)
		case msgHooks:
			err = hooks()
		case msgRlimits:
			err = l.setRlimits()
		case msgListener:
			err = l.passListener(payload)
		default:
			return fmt.Errorf("unexpected message %d from init", t)
		}
		if err != nil {
			return err
		}
		fds := make([]int, len(reply))
		for i, f := range reply {
			fds[i] = int(f.Fd())
		}
		err = l.sock.send(msgGo, nil, fds...)
		closeAll(reply)
		if err != nil && !errors.Is(err, unix.EPIPE) {
			return err
		}
	}
}

// openSources opens the sources of bind mounts that init asks for at msgSources.
func (l *launch) openSources(payload []byte) ([]*os.File, error) {
	op, err := strconv.Atoi(string(payload))
	if err != nil || l.sources == nil {
		return nil, fmt.Errorf("unexpected message %d from init", msgSources)
	}
	return l.sources.Open(op)
}

// ended says why init has ended, or nil while it lives.
func (l *launch) ended() error {
	if fd := int(l.run.pidfd.Fd()); fd >= 0 {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(p, 0); n == 0 || err != nil {
			return nil
		}
	}
	for {
		t, payload, files, err := l.sock.recv()
		closeAll(files)
		switch {
		case err == io.EOF:
			return l.died(l.c.cgroups)
		case err != nil:
			return nil
		case t == msgError:
			return errors.New(string(payload))
		}
	}
}

var errKilledByFilter = errors.New("init process was killed by the seccomp filter: it allows too little (config.json: linux.seccomp)")

// died says how init ended, when it did without a word.
func (l *launch) died(m *cgroup.Manager) error {
	l.p.reap()
	if m != nil {
		if n, err := m.OOMKillCount(); err == nil && n > 0 {
			return errors.New("container init was OOM-killed (memory limit too low?)")
		}
	}
	st := l.run.status
	switch {
	case l.run.err != nil:
		return fmt.Errorf("init process ended: %w", l.run.err)
	case st.Signaled() && st.Signal() == syscall.SIGSYS && l.boot.Seccomp != nil:
		return errKilledByFilter
	case st.Signaled():
		return fmt.Errorf("init process was killed by signal %d (%s)", int(st.Signal()), st.Signal())
	}
	if l.boot.Seccomp != nil && st.ExitStatus() == 128+int(unix.SIGSYS) {
		return errKilledByFilter
	}
	hint := ""
	if l.boot.Seccomp != nil {
		// Where write(2) is denied, init has no words.
		hint = ": its seccomp filter may allow too little (config.json: linux.seccomp)"
	}
	if !l.p.Init && cgroup.FewPids(l.c.config.Cgroups.Resources) {
		// A process that joins the container is in its cgroup from the start.
		hint = ": the container's limit on processes may be too low for it (config.json: linux.resources.pids.limit)"
	}
	return fmt.Errorf("init process exited with status %d before the container was set up%s", st.ExitStatus(), hint)
}

func (l *launch) setRlimits() error {
	for _, r := range l.c.rlimits(l.p) {
		if err := rlimit.Set(l.run.pid, r); err != nil {
			return fmt.Errorf("error setting rlimits for ready process: %w (config.json: process.rlimits)", err)
		}
	}
	return nil
}

// setOOMScore is done from outside: in its namespaces init may see no /proc of
// the host's, and may have lost the right.
func (l *launch) setOOMScore() error {
	adj := or(l.p.OOMScoreAdj, l.c.config.OomScoreAdj)
	if adj == nil {
		return nil
	}
	if err := l.child.Unshared(); err != nil {
		return err
	}
	path := "/proc/" + strconv.Itoa(l.run.pid) + "/oom_score_adj"
	text := strconv.Itoa(*adj)
	// Writing the value that is there already needs no right, and is what
	// most unprivileged callers ask for; the kernel checks nevertheless.
	if old, err := os.ReadFile(path); err == nil && string(old) == text+"\n" {
		return nil
	}
	err := os.WriteFile(path, []byte(text), 0)
	if errors.Is(err, os.ErrPermission) && l.c.config.RootlessEUID {
		return nil
	}
	if err != nil {
		return fmt.Errorf("config.json: process.oomScoreAdj: %w", err)
	}
	return nil
}

// compileSeccomp is done after the clone, while init's own start takes its time.
func (l *launch) compileSeccomp() error {
	if l.c.config.Seccomp == nil {
		return nil
	}
	prog, err := seccomp.Compile(l.c.config.Seccomp)
	if err != nil {
		return err
	}
	l.boot.Seccomp = prog
	return nil
}
