package libcontainer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runc/libcontainer/capabilities"
	"runc/libcontainer/cgroup"
	"runc/libcontainer/exeseal"
	"runc/libcontainer/internal/inside"
	"runc/libcontainer/internal/program"
	"runc/libcontainer/nsenter"
	"runc/libcontainer/rlimit"
	"runc/libcontainer/rootfs"
	"runc/libcontainer/seccomp"
	"runc/libcontainer/system"
)

// launch is one process on its way: what the start of a container's init and
// that of a process joining it have in common.
type launch struct {
	c    *Container
	p    *Process
	boot *inside.Bootstrap
	plan nsenter.Plan

	// limitLater: the limits are set when init has mounted all.
	limitLater bool

	// sources opens what the process cannot open by itself; nil for one that
	// joins a container.
	sources *rootfs.Sources

	// fifo is the handle of exec.fifo, for a container's first process.
	fifo *os.File

	// setup builds the program, for a process that is a stub. nil: the process
	// is `runc init`, and builds the program itself.
	setup *inside.Setup
	// failed is why the stub could not do it, when there is another way.
	failed error
	// part is the part of the program that the stub is at.
	part *program.Builder
	// sock is the channel to `runc init`.
	sock inside.Channel

	run   *running
	child *nsenter.Child

	// giveUp is when an interrupted conversation ends, even if the process goes
	// on to send messages.
	giveUp time.Time
	// heard counts the messages of the process, and once has the kinds that may
	// come once only.
	heard int
	once  map[uint32]bool
}

// forceInit is the environment variable that makes every process one of `runc
// init` in Go: for tests of that way.
const forceInit = "_RUNC_TEST_INIT"

// needsGo says why the process has to be one of `runc init`; "" for no reason.
func (l *launch) needsGo() string {
	config := l.c.config
	way := os.Getenv(forceInit)
	l.plan.NoStub = way == "relay" || errors.Is(l.failed, nsenter.ErrNoStub)
	switch {
	case way != "":
		return forceInit
	case l.failed != nil:
		return l.failed.Error()
	case !program.Supported():
		return "this architecture has no stub"
	case !l.p.Init:
		return l.boot.NeedsGo()
	case len(config.NetDevices) != 0 || config.IntelRdt != nil:
		// They are not done twice, should the stub fail.
		return "network devices or Intel RDT"
	case config.Seccomp != nil && seccomp.Notifies(config.Seccomp):
		return "a seccomp listener"
	}
	return l.boot.NeedsGo()
}

// enter makes the process inside its namespaces: a stub, or one that executes
// this binary. Whatever fails later has to call kill.
func (l *launch) enter() (err error) {
	run := new(running)
	stdio, theirs, err := l.p.stdio(run)
	if err != nil {
		return err
	}
	defer inside.CloseAll(theirs)
	defer func() {
		if err != nil {
			run.dropCopies()
		}
	}()
	files := append(fdTable(stdio), l.p.ExtraFiles...)
	l.boot.Fifo = files.add(l.fifo)
	l.sock.FD = -1
	l.setup, l.plan.Exec, l.plan.Sealed = nil, nil, nil
	if why := l.needsGo(); why == "" {
		l.setup = inside.NewStub(l.boot, -1)
		l.setup.ChownFDs, l.setup.NullFDs = l.sortStdio(stdio)
		l.setup.MayDrop = capabilities.Effective().Has(unix.CAP_SETPCAP)
		if Debug != nil {
			// The binary would be sealed so, were `runc init` needed: scripts look
			// for the line that says it.
			if exe, err := l.sealedExe(); err == nil {
				exe.Close()
			}
		}
	} else {
		debugf("by runc init, not by a stub: %s", why)
		exe, err := l.sealedExe()
		if err != nil {
			return err
		}
		defer exe.Close()
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("socketpair", err)
		}
		sockTheirs := os.NewFile(uintptr(pair[1]), "init-sock")
		defer sockTheirs.Close()
		l.sock.FD = pair[0]
		l.sock.Await = func(events int16) error { return l.awaitSocket(pair[0], events, -1) }
		defer func() {
			if err != nil {
				l.closeSock()
			}
		}()
		l.plan.Exec = &nsenter.Exec{File: exe, Argv: []string{"runc", "init"}, Env: inside.InitEnv(files.add(sockTheirs))}
		l.plan.Sealed = exe
	}
	l.plan.Files = files
	l.plan.Await = l.awaitMaker
	child, err := l.plan.Start()
	if errors.Is(err, nsenter.ErrIntoCgroup) {
		// Not ours to be born into (a delegation that ends above): join it.
		l.plan.Cgroup = nil
		child, err = l.plan.Start()
	}
	// The plan's files must outlive the start though nothing names them.
	runtime.KeepAlive(files)
	if errors.Is(err, nsenter.ErrNoStub) && l.setup != nil {
		run.dropCopies()
		l.failed = err
		return l.enter()
	}
	if err != nil {
		l.closeSock()
		return err
	}
	l.child = child
	run.pid, run.pidfd = child.Pid, child.PidFD
	l.run, l.p.run = run, run
	if l.setup != nil {
		l.setup.Sock = child.Sock
	}
	debugf("nsexec container setup: runc init is process %d (new namespaces %#x, joined %d)", child.Pid, l.plan.New, len(l.plan.Join))
	return nil
}

// sealedExe opens the runtime's own binary for `runc init`.
func (l *launch) sealedExe() (*os.File, error) {
	exe, how, err := exeseal.OpenHow()
	if err != nil {
		return nil, fmt.Errorf("unable to seal the runtime's own binary: %w", err)
	}
	debugf("runc exeseal: using %s", how)
	return exe, nil
}

// sortStdio gives the numbers of the stdio files that have to be given to the
// user, and of those that are the null device.
func (l *launch) sortStdio(stdio []*os.File) (others, null []int) {
	if l.p.Terminal {
		return nil, nil // the terminal takes their place
	}
	owner, err := l.c.config.HostUID(l.boot.UID)
	if err != nil {
		owner = -1
	}
	for i, f := range stdio {
		var st unix.Stat_t
		switch {
		case f == nil || unix.Fstat(int(f.Fd()), &st) != nil:
		case system.IsNullDevice(&st):
			null = append(null, i)
		case inside.OthersStdio(&st, uint32(owner)):
			others = append(others, i)
		}
	}
	return others, null
}

func (l *launch) closeSock() {
	if l.sock.FD >= 0 {
		unix.Close(l.sock.FD)
		l.sock.FD = -1
	}
}

// kill ends and collects the child.
func (l *launch) kill() error {
	l.closeSock()
	l.child.Conn.Close()
	l.run.dropCopies()
	err := l.run.signal(unix.SIGKILL)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("init process %d: %w", l.run.pid, err)
	}
	// On cgroup v1 a frozen process ends once it is thawed, not before.
	if m := l.c.cgroups; m != nil && l.p.Init {
		_ = m.ThawKilled()
	}
	if err := l.awaitEnd(); err != nil {
		// A cgroup above the container's is frozen, perhaps for ever.
		go l.run.reap()
		return nil
	}
	l.run.reapSoon()
	return nil
}

// awaitEnd waits until the process has ended, or the start is interrupted.
func (l *launch) awaitEnd() error {
	fd := int(l.run.pidfd.Fd())
	if fd < 0 {
		return nil
	}
	_, err := l.p.await(unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	return err
}

// await waits until fd, one of the process's sockets, has something to read, or
// the start is interrupted and nothing will come soon. It gives [io.EOF] when
// the process has ended and has left nothing to be read: the socket's other end
// may still be open, for a process of the container that may trace others can
// make a copy of it (pidfd_getfd(2)).
func (l *launch) await(fd int) error { return l.awaitSocket(fd, unix.POLLIN, -1) }

// awaitMaker is await while the process is made by another one, whose pidfd is
// given.
func (l *launch) awaitMaker(fd, maker int) error { return l.awaitSocket(fd, unix.POLLIN, maker) }

func (l *launch) awaitSocket(fd int, events int16, maker int) error {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	if l.run != nil {
		if pidfd := int(l.run.pidfd.Fd()); pidfd >= 0 {
			fds = append(fds, unix.PollFd{Fd: int32(pidfd), Events: unix.POLLIN})
		}
	}
	if maker >= 0 {
		fds = append(fds, unix.PollFd{Fd: int32(maker), Events: unix.POLLIN})
	}
	now, err := l.p.await(fds...)
	if err != nil {
		return err
	}
	if cause := context.Cause(l.p.context()); cause != nil {
		if l.giveUp.IsZero() {
			l.giveUp = time.Now().Add(interruptGrace)
		} else if time.Now().After(l.giveUp) {
			return cause
		}
	}
	if now[0].Revents != 0 {
		return nil
	}
	// The process may have written between the two looks of poll(2).
	last := fds[:1]
	if n, err := unix.Poll(last, 0); err == nil && n == 0 {
		return io.EOF
	}
	return nil
}

var errKilledByFilter = errors.New("init process was killed by the seccomp filter: it allows too little (config.json: linux.seccomp)")

// died says how init ended, when it did without a word.
func (l *launch) died(m *cgroup.Manager) error {
	// Whoever has the process closed its socket may keep it from ending.
	if err := l.awaitEnd(); err != nil {
		return err
	}
	if !l.run.reapSoon() {
		return errors.New("init process has ended, and a process that traces it keeps its status")
	}
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
	case l.p.Terminal && (st.Signaled() && st.Signal() == syscall.SIGHUP || st.ExitStatus() == 2):
		// The Go runtime ends pid 1 of a namespace by status 2, where the
		// signal itself would be ignored.
		return errors.New("console socket: init has ended with its terminal: the receiver may have closed that")
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

// compileSeccomp is done after the clone, while the process's own start takes
// its time.
func (l *launch) compileSeccomp() error {
	if l.c.config.Seccomp == nil || l.boot.Seccomp != nil {
		return nil
	}
	prog, err := seccomp.Compile(l.c.config.Seccomp)
	if err != nil {
		return err
	}
	l.boot.Seccomp = prog
	debugf("seccomp filter flags: %d", prog.AskedFlags())
	return nil
}
