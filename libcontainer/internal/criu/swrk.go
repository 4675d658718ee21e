package criu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// program is looked up in PATH.
const program = "criu"

// endLimit bounds how long CRIU may take to end by itself when a signal has
// come: it undoes what it did. After that it is killed.
const endLimit = 10 * time.Second

// process is a running `criu swrk`.
type process struct {
	cmd    *exec.Cmd
	sock   *os.File
	stderr *os.File // what CRIU says before it has its log
	ended  chan struct{}
	status error // once it has ended
}

// spawn is how to start CRIU.
type spawn struct {
	// Stdin is CRIU's own; nil is /dev/null.
	Stdin *os.File

	// Files become descriptors from firstFile on.
	Files []*os.File

	// Foreground leaves CRIU in the process group of the caller's terminal.
	// Otherwise Ctrl-C does not reach it: to interrupt it half-way is worse
	// than to let the runtime end it in order.
	Foreground bool

	// Within, where it is not nil, is called just before CRIU is started, on the
	// same thread.
	Within func() error

	// Apart gives CRIU, and Within, a copy of the caller's mount namespace.
	Apart bool
}

// socketFD and firstFile are numbers in CRIU's process.
const (
	socketFD  = 3
	firstFile = 4
)

// start starts CRIU.
//
// CRIU's children become the processes of the container, and until CRIU has
// restored them they are seen by others in a joined PID namespace. So CRIU gets
// none of the descriptors that the caller has left open, and of the environment
// only what it knows itself.
func start(s spawn) (*process, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%w: checkpoint and restore need CRIU 3.0 or newer", err)
	}
	if err := system.CloseExecFrom(3); err != nil {
		return nil, err
	}
	// Non-blocking, so that Go's poller waits and not a thread.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "criu-sock")
	defer theirs.Close()
	p := &process{ended: make(chan struct{})}
	if err := unix.SetNonblock(pair[0], true); err != nil {
		unix.Close(pair[0])
		return nil, os.NewSyscallError("fcntl", err)
	}
	p.sock = os.NewFile(uintptr(pair[0]), "criu-sock")
	if fd, err := unix.MemfdCreate("criu-stderr", unix.MFD_CLOEXEC); err == nil {
		p.stderr = os.NewFile(uintptr(fd), "criu-stderr")
	}
	p.cmd = &exec.Cmd{
		Path:        path,
		Args:        []string{program, "swrk", fmt.Sprint(socketFD)},
		Env:         environment(os.Environ()),
		ExtraFiles:  append([]*os.File{theirs}, s.Files...),
		SysProcAttr: &syscall.SysProcAttr{Setpgid: !s.Foreground},
	}
	// An interface with a nil file in it is not nil.
	if s.Stdin != nil {
		p.cmd.Stdin = s.Stdin
	}
	if p.stderr != nil {
		p.cmd.Stderr = p.stderr
	}
	begin := func() error {
		if s.Within != nil {
			if err := s.Within(); err != nil {
				return err
			}
		}
		return p.cmd.Start()
	}
	if s.Apart {
		err = apart(begin)
	} else {
		err = begin()
	}
	if err != nil {
		close(p.ended)
		p.close()
		return nil, err
	}
	go func() {
		p.status = p.cmd.Wait()
		close(p.ended)
		// Children of a killed CRIU may hold the other end of the socket open.
		_ = p.sock.SetReadDeadline(time.Unix(1, 0))
	}()
	return p, nil
}

// known are the variables that CRIU and its helpers (ip, iptables, nft, tar)
// look at, or their dynamic linker.
var known = []string{"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "XTABLES_LIBDIR", "XTABLES_LOCKFILE"}

// environment is the part of an environment that CRIU gets.
func environment(env []string) []string {
	kept := []string{}
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "CRIU_") {
			kept = append(kept, kv)
			continue
		}
		for _, k := range known {
			if name == k {
				kept = append(kept, kv)
			}
		}
	}
	return kept
}

// apart runs f on a thread of its own with a copy of the mount namespace. The
// thread ends with f, and what f has mounted ends with the processes that f has
// started.
func apart(f func() error) error {
	done := make(chan error)
	var on func(ended chan struct{})
	on = func(ended chan struct{}) {
		defer close(ended)
		// Never unlocked: Go ends such a thread with its goroutine.
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The main thread cannot end, and /proc/self is its view of the
			// mounts. While this goroutine holds it, the next one is elsewhere.
			next := make(chan struct{})
			go on(next)
			<-next
			runtime.UnlockOSThread()
			return
		}
		// A thread shares its root and working directory with the others, and
		// has to have its own before it may leave their mount namespace.
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			done <- os.NewSyscallError("unshare", err)
			return
		}
		done <- f()
	}
	go on(make(chan struct{}))
	return <-done
}

// pid is that of the process.
func (p *process) pid() int { return p.cmd.Process.Pid }

// kill ends CRIU at once.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// close ends the conversation, which ends CRIU.
func (p *process) close() {
	p.sock.Close()
	t := time.AfterFunc(endLimit, p.kill)
	<-p.ended
	t.Stop()
	if p.stderr != nil {
		p.stderr.Close()
		p.stderr = nil
	}
}

// words is what CRIU has written to its stderr.
func (p *process) words() string {
	if p.stderr == nil {
		return ""
	}
	buf := make([]byte, 4096)
	n, _ := p.stderr.ReadAt(buf, 0)
	return strings.TrimSpace(string(buf[:n]))
}

// watch has the end of ctx end CRIU: in order if CRIU asks for something within
// the limit, see conversation.refused, by force otherwise.
func (p *process) watch(ctx context.Context) (stop func()) {
	release := context.AfterFunc(ctx, func() {
		t := time.NewTimer(endLimit)
		defer t.Stop()
		select {
		case <-p.ended:
		case <-t.C:
			p.kill()
		}
	})
	return func() { release() }
}

var errEnded = errors.New("CRIU ended before it was done")
