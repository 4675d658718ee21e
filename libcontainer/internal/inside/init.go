package inside

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/internal/program"
	"runc/libcontainer/internal/wire"
	"runc/libcontainer/nsenter"
	"runc/libcontainer/rlimit"
	"runc/libcontainer/rootfs"
	"runc/libcontainer/system"
	"runc/libcontainer/userdb"
)

// RunHooks runs the hooks of one moment.
type RunHooks func(ctx context.Context, hooks configs.Hooks, kind configs.HookName, state *specs.State) error

// initProcess is this process, once it is `runc init` inside the container.
type initProcess struct {
	Bootstrap
	sock   Channel
	runner program.Runner
	hooks  RunHooks
	// closed: the socket is closed, so what still fails goes to standard error.
	closed bool
	// saved: the runtime has written the state file.
	saved bool
}

// errByHand is what a person gets who calls the hidden command.
var errByHand = errors.New("`runc init` is what the runtime starts inside a container, with a socket to talk to; it cannot be used by hand")

// Init is what the re-executed binary does when its first argument is "init". It
// returns only when it was not the runtime that started it, with an error to be
// shown.
//
// Everything happens on the one thread that main began on: namespaces,
// credentials and filters belong to threads, and execve(2) keeps the caller's.
func Init(hooks RunHooks) error {
	runtime.LockOSThread()
	if relay := os.Getenv(nsenter.RelayEnv); relay != "" {
		// It returns only when the variable is not from the runtime.
		_ = nsenter.Relay(relay)
		return errByHand
	}
	text := os.Getenv(sockEnv)
	if text == "" {
		return errByHand
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		return errByHand
	}
	// Until execve no process of the container may look into this one: its
	// memory and files are the runtime's (CVE-2016-9962). nsenter has seen to it
	// that exec did not make it dumpable; this is for kernels' exceptions.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl(PR_SET_DUMPABLE)", err)
	}
	// To that end nsenter made the real gid differ from the effective one. The
	// runtime may only set limits of a process whose ids are all its own.
	gid := uintptr(os.Getegid())
	if _, _, e := unix.RawSyscall(program.SysSetresgid, gid, gid, gid); e != 0 {
		return os.NewSyscallError("setresgid", e)
	}
	unix.CloseOnExec(fd)
	i := &initProcess{sock: Channel{FD: fd}, hooks: hooks}
	i.runner = program.Runner{Sock: fd, Mark: byte(MsgError)}
	i.fail(i.main())
	return nil
}

// InitEnv is the environment of `runc init`; the user's replaces it at execve.
// One processor and no collector: init lives for some milliseconds on one
// thread, and every thread that the Go runtime does not start is time saved. No
// preemption: it is done by signals, whose handler makes calls that a filter may
// not allow.
func InitEnv(sock int) []string {
	return []string{sockEnv + "=" + strconv.Itoa(sock), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1"}
}

// fail sends the error to the runtime as long as it listens, and ends.
func (i *initProcess) fail(err error) {
	if i.runner.Filtered && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)) {
		err = fmt.Errorf("%w (denied by the seccomp filter? config.json: linux.seccomp)", err)
	}
	if !i.closed {
		if i.sock.Send(MsgError, []byte(err.Error())) == nil {
			os.Exit(1)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(exitUntold)
}

func (i *initProcess) main() error {
	t, payload, files, err := i.sock.Recv()
	CloseAll(files)
	if err != nil {
		// The runtime has died.
		os.Exit(1)
	}
	if t != MsgBootstrap {
		return fmt.Errorf("init: unexpected message %d", t)
	}
	if err := wire.Decode(payload, &i.Bootstrap); err != nil {
		return err
	}
	if i.Fifo >= 0 {
		unix.CloseOnExec(i.Fifo)
	}
	if i.Debug {
		i.runner.Step = func(what string) { i.debugf("%s", what) }
	}
	i.debugf("child process in init()")
	s := &Setup{Bootstrap: &i.Bootstrap, Sock: i.sock.FD, init: i}
	for fd := range 3 {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && system.IsNullDevice(&st) {
			s.NullFDs = append(s.NullFDs, fd)
		}
	}
	if err := s.First().Run(&i.runner); err != nil {
		return err
	}
	proc := -1
	if p, ok := s.proc.Int(); ok {
		proc = int(p)
	}
	// Go has raised the limit on open files when this process started.
	if err := rlimit.RestoreNofile(); err != nil {
		return err
	}
	if i.AskRlimits {
		// The runtime sets them: they may be above what this process may set.
		if err := i.askProgram(KindRlimits); err != nil {
			return err
		}
	}
	home := ""
	if _, missing := Homeless(i.Env); missing {
		home = userdb.Home(i.UID)
	}
	if s.ChownFDs, err = stdioOfOthers(i.UID); err != nil {
		return err
	}
	i.debugf("the first part is done; dropping privileges")
	last := s.Last(home, proc)
	if i.Setns {
		i.debugf("setns_init: about to exec %s", i.Args[0])
	} else {
		i.debugf("init: closing the pipe to signal completion; then waiting for start at exec.fifo")
	}
	i.runner.Step = nil
	return last.Run(&i.runner)
}

// stdioOfOthers gives the fds of this process's stdio that are not the user's.
// The null device stays as it is, which everybody shares.
func stdioOfOthers(uid int) ([]int, error) {
	var fds []int
	for fd := range 3 {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			if errors.Is(err, unix.EBADF) {
				continue // closed by the caller
			}
			return nil, fmt.Errorf("stat fd %d: %w", fd, err)
		}
		if OthersStdio(&st, uint32(uid)) {
			fds = append(fds, fd)
		}
	}
	return fds, nil
}

// OthersStdio says whether a file of a process's stdio has to be given to the
// user, so that it can be opened again through /proc/self/fd.
func OthersStdio(st *unix.Stat_t, owner uint32) bool {
	return !system.IsNullDevice(st) && st.Uid != owner
}

// askProgram sends a message of the program, and waits for the runtime.
func (i *initProcess) askProgram(kind uint32) error {
	files, err := i.askFiles(kind, 0)
	CloseAll(files)
	return err
}

// askFiles is askProgram for files that come with the answer.
func (i *initProcess) askFiles(kind uint32, addr uint64) ([]*os.File, error) {
	e := binary.NativeEndian
	if err := i.sock.Send(MsgProgram, e.AppendUint64(e.AppendUint32(e.AppendUint32(nil, kind), 0), addr)); err != nil {
		return nil, err
	}
	return i.receive(MsgGo), nil
}

// askSources has the runtime open the sources that the operation with this
// number of the root file system's plan needs.
func (i *initProcess) askSources(op int) ([]*os.File, error) {
	return i.askFiles(KindSources, uint64(op))
}

// sendMounts says which mounts the runtime has to undo at the end.
func (i *initProcess) sendMounts(list []rootfs.HostMount) error {
	payload, err := wire.Encode(list)
	if err != nil {
		return err
	}
	if err := i.sock.Send(MsgMounts, payload); err != nil {
		return err
	}
	return i.await()
}

func (i *initProcess) await() error { return i.expect(MsgGo) }

func (i *initProcess) expect(want MsgType) error {
	CloseAll(i.receive(want))
	return nil
}

// receive waits for a message of that type, and gives the files that come with
// it.
func (i *initProcess) receive(want MsgType) []*os.File {
	for {
		t, _, files, err := i.sock.Recv()
		i.saved = i.saved || t == MsgSaved
		switch {
		case err != nil || t != want && t != MsgSaved:
			// The runtime gave up or died: it knows why, nobody else listens.
			os.Exit(1)
		case t == want:
			return files
		}
		CloseAll(files)
	}
}

// awaitSaved makes sure that the state file names this process before it does
// what outlives the runtime. Should the runtime die earlier, this process ends
// and nothing is left.
func (i *initProcess) awaitSaved() error {
	if i.saved {
		return nil
	}
	return i.expect(MsgSaved)
}

// hooksBeforePivot are the hooks that find the container's mounts, and the
// host's root.
func (i *initProcess) hooksBeforePivot() error {
	if i.AskHooks {
		if err := i.askProgram(KindHooks); err != nil {
			return err
		}
	}
	if len(i.CreateContainer) != 0 {
		// They find the limits set, and devices that can be opened.
		if err := i.awaitSaved(); err != nil {
			return err
		}
	}
	return i.runOwnHooks(configs.CreateContainer, i.CreateContainer, specs.StateCreating)
}

// runOwnHooks runs hooks that belong inside. The pid that they get is the one
// that this process has in the container.
func (i *initProcess) runOwnHooks(kind configs.HookName, list []configs.Hook, status specs.ContainerState) error {
	if len(list) == 0 {
		return nil
	}
	if kind == configs.StartContainer {
		i.closed = true // by the program, which has opened exec.fifo
	}
	i.debugf("running %d %s hooks", len(list), kind)
	s := *i.State
	s.Pid, s.Status = os.Getpid(), status
	return i.hooks(context.Background(), configs.Hooks{kind: list}, kind, &s)
}

// debugf sends what is being done to the runtime, as long as that listens. Not
// under a filter, which may not allow that.
func (i *initProcess) debugf(format string, args ...any) {
	if !i.Debug || i.closed || i.runner.Filtered {
		return
	}
	pc := make([]uintptr, 1)
	runtime.Callers(2, pc)
	at, _ := runtime.CallersFrames(pc).Next()
	text := fmt.Sprintf("%s\n%d\n%s\n%s", at.File, at.Line, at.Function, fmt.Sprintf(format, args...))
	// A line that is of use to those who look for a mistake must not be one.
	_ = i.sock.Send(MsgDebug, []byte(text))
}

// ParseDebug is the text of MsgDebug.
func ParseDebug(payload []byte) (at runtime.Frame, msg string) {
	f := strings.SplitN(string(payload), "\n", 4)
	if len(f) != 4 {
		return at, string(payload)
	}
	at = runtime.Frame{File: f[0], Function: f[2]}
	_, _ = fmt.Sscan(f[1], &at.Line)
	return at, f[3]
}
