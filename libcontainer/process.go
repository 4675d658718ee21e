package libcontainer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"runc/internal/cmdstart"
	"runc/libcontainer/configs"
	"runc/libcontainer/system"
)

// Process is a process to be run in a container: its init, or one joined later.
// Its zero fields mean "as the container has it" where the container's Config
// has such a setting.
type Process struct {
	// Args are the command and its arguments; Args[0] is looked up in the PATH
	// of Env inside the container.
	Args []string

	// Env are K=V; the last of equal names wins.
	Env []string

	// UID, GID and AdditionalGroups are ids inside the container.
	UID, GID         int
	AdditionalGroups []int

	// Cwd is absolute, inside the container.
	Cwd string

	// Stdin, Stdout and Stderr: an [*os.File] is inherited as it is, anything
	// else is copied through a pipe by a goroutine; nil is /dev/null. Wait waits
	// until all output has been copied, so it waits for every process that has
	// inherited the pipe as well. A goroutine that reads Stdin ends when that
	// read returns. One Writer may be both Stdout and Stderr: then one goroutine
	// writes to it. They are not used with a console.
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer

	// ExtraFiles become fds 3 and following.
	ExtraFiles []*os.File

	// Terminal gives the process a console, made inside the container. The
	// console's master goes to ConsoleSocket.
	Terminal bool

	// ConsoleWidth and ConsoleHeight are its size in characters; 0 leaves it.
	ConsoleWidth, ConsoleHeight uint16

	// ConsoleSocket, an AF_UNIX stream socket, gets the console's master.
	ConsoleSocket *os.File

	// PidfdSocket, likewise, gets a pidfd of the process.
	PidfdSocket *os.File

	Capabilities    *configs.Capabilities
	AppArmorProfile string
	// Label is the SELinux context.
	Label           string
	NoNewPrivileges *bool
	Rlimits         []configs.Rlimit
	Scheduler       *configs.Scheduler
	IOPriority      *configs.IOPriority
	// Umask is for a process that joins a running container; the first process
	// has that of the Config.
	Umask *uint32
	// OOMScoreAdj is the value for /proc/PID/oom_score_adj.
	OOMScoreAdj *int
	// CPUAffinity is for a process that joins a running container.
	CPUAffinity *configs.CPUAffinity

	// Init says that this is the container's first process.
	Init bool

	// SubCgroupPaths joins sub-cgroups: controller ("" on v2) to a path
	// relative to the container's cgroup.
	SubCgroupPaths map[string]string

	// Context, when it is done, ends a start that is not complete yet, and a
	// hook that runs. Start and Exec then return the context's cause. It may be
	// nil.
	Context context.Context

	// Warn gets the warnings of init; nil drops them.
	Warn func(msg string)

	run *running

	// pipes are the process's ends of the pipes that InitializeIO has made.
	pipes []*os.File

	// command is what a command gives to the start beside all that.
	command *cmdstart.Start
}

// running is a process that was started.
type running struct {
	pid   int
	pidfd *os.File

	// stdio is copied by goroutines where it is no file. startCopies starts
	// them, and dropCopies closes their pipes in place of that.
	copies                  sync.WaitGroup
	startCopies, dropCopies func()

	reapOnce sync.Once
	status   unix.WaitStatus
	err      error
}

// meanwhile does the command's own work while the process sets itself up.
func (p *Process) meanwhile() {
	if p.command != nil && p.command.Meanwhile != nil {
		p.command.Meanwhile()
		p.command.Meanwhile = nil
	}
}

// attend has the command wait for interrupts itself from here on.
func (p *Process) attend() {
	if p.interrupt() > 0 {
		p.command.Interrupt = 0
		p.command.Interrupted()
	}
}

// interrupt is the fd that tells of interrupts, 0 for none.
func (p *Process) interrupt() int {
	if p == nil || p.command == nil {
		return 0
	}
	return p.command.Interrupt
}

// interruptGrace is how long an interrupted start still waits: for the last
// message of a process that was killed, for its end, for its cgroup to become
// empty. None of these comes from a process that is frozen on cgroup v1.
const interruptGrace = 150 * time.Millisecond

// await waits until one of the fds is ready, as poll(2) does without a limit.
// When the start is interrupted, and no fd becomes ready within interruptGrace,
// it returns the cause of the interruption.
func (p *Process) await(fds ...unix.PollFd) ([]unix.PollFd, error) {
	n := len(fds)
	fds = append(fds, unix.PollFd{Fd: -1, Events: unix.POLLIN})
	poll := func(limit *unix.Timespec) (ready bool, err error) {
		if err := system.Retry(func() error { _, err := unix.Ppoll(fds, limit, nil); return err }); err != nil {
			return false, os.NewSyscallError("ppoll", err)
		}
		return slices.ContainsFunc(fds[:n], func(f unix.PollFd) bool { return f.Revents != 0 }), nil
	}
	for p.interrupt() > 0 {
		fds[n].Fd = int32(p.interrupt())
		ready, err := poll(nil)
		if err == nil && fds[n].Revents != 0 {
			// Also when an fd is ready: one that a process of the container
			// writes to may always be.
			p.attend()
		}
		if ready || err != nil {
			return fds[:n], err
		}
	}
	fds[n].Fd = -1
	ctx := p.context()
	if ctx.Done() == nil {
		_, err := poll(nil)
		return fds[:n], err
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	written := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(written)
		_, _ = unix.Write(event, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	defer func() {
		if !stop() {
			<-written
		}
		unix.Close(event)
	}()
	fds[n].Fd = int32(event)
	if ready, err := poll(nil); ready || err != nil {
		return fds[:n], err
	}
	fds[n].Fd = -1
	limit := unix.NsecToTimespec(interruptGrace.Nanoseconds())
	if ready, err := poll(&limit); ready || err != nil {
		return fds[:n], err
	}
	return nil, context.Cause(ctx)
}

func (p *Process) context() context.Context {
	if p == nil || p.Context == nil {
		return context.Background()
	}
	return p.Context
}

func (p *Process) warn(msg string) {
	if p.Warn != nil {
		p.Warn(msg)
	}
}

var errNotStarted = errors.New("process not started")

// Pid is the process's pid in the caller's namespace.
func (p *Process) Pid() (int, error) {
	if p.run == nil {
		return -1, errNotStarted
	}
	return p.run.pid, nil
}

// Pidfd gives a file that becomes readable when the process ends. The Process
// keeps owning it.
func (p *Process) Pidfd() (*os.File, error) {
	if p.run == nil {
		return nil, errNotStarted
	}
	return p.run.pidfd, nil
}

// Signal signals the process itself. After Wait it gives [os.ErrProcessDone].
func (p *Process) Signal(sig os.Signal) error {
	s, ok := sig.(unix.Signal)
	switch {
	case p.run == nil:
		return errNotStarted
	case !ok:
		return fmt.Errorf("unsupported signal type %T", sig)
	}
	return p.run.signal(s)
}

// abort kills a process that is being started.
func (p *Process) abort() { _ = p.run.signal(unix.SIGKILL) }

// signal goes by the pidfd's file, not by its number: the process may be
// collected meanwhile, which closes the pidfd, and the number may be another
// file's then.
func (r *running) signal(s unix.Signal) error {
	conn, err := r.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := conn.Control(func(fd uintptr) {
		sent = unix.PidfdSendSignal(int(fd), s, nil, 0)
		if sent == nil || errors.Is(sent, unix.ESRCH) {
			return
		}
		// A sandbox may deny the call. The number is that of this process until
		// it is collected: r.reap closes the pidfd right after that.
		if unix.Kill(r.pid, s) == nil {
			sent = nil
		}
	}); err != nil {
		// The file is closed, so the process has been collected.
		return os.ErrProcessDone
	}
	if errors.Is(sent, unix.ESRCH) {
		return os.ErrProcessDone
	}
	return os.NewSyscallError("pidfd_send_signal", sent)
}

// Wait waits for the process to end, and for its output to be copied, and
// gives its status. It may be called again.
func (p *Process) Wait() (unix.WaitStatus, error) {
	if p.run == nil {
		return 0, errNotStarted
	}
	p.reap()
	p.run.copies.Wait()
	return p.run.status, p.run.err
}

// reap collects the process's status; it blocks until the process ends.
func (p *Process) reap() { p.run.reap() }

func (r *running) reap() {
	r.reapOnce.Do(func() {
		err := system.Retry(func() error {
			_, err := unix.Wait4(r.pid, &r.status, 0, nil)
			return err
		})
		if err != nil {
			r.err = os.NewSyscallError("wait4", err)
		}
		r.pidfd.Close()
	})
}

// reapSoon is reap for a process that has ended, or was killed. It says whether
// the process was collected within interruptGrace: a process of the container
// that traces another one can keep that from its parent for ever (wait(2)).
func (r *running) reapSoon() bool {
	done := make(chan struct{})
	go func() { r.reap(); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(interruptGrace):
		return false
	}
}

// Validate checks the fields that can be checked without a container: values that
// the kernel would take for something else, or would refuse only when the container
// has been started.
func (p *Process) Validate() error {
	const noID uint64 = 1<<32 - 1 // to setresuid(2): no change
	for _, id := range append([]int{p.UID, p.GID}, p.AdditionalGroups...) {
		if id < 0 || uint64(id) >= noID {
			return fmt.Errorf("uids and gids must be in range 0-%d, got %d (config.json: process.user)", noID-1, id)
		}
	}
	for i, a := range p.Args {
		if strings.IndexByte(a, 0) >= 0 {
			return fmt.Errorf("invalid argument %q: contains a null byte (config.json: process.args[%d])", a, i)
		}
	}
	for i, kv := range p.Env {
		reason := ""
		switch eq := strings.IndexByte(kv, '='); {
		case eq < 0:
			reason = "missing '='"
		case eq == 0:
			reason = "name cannot be empty"
		case strings.IndexByte(kv, 0) >= 0:
			reason = "contains a null byte"
		default:
			continue
		}
		return fmt.Errorf("invalid environment variable %q: %s (config.json: process.env[%d])", kv, reason, i)
	}
	return nil
}
