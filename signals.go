package main

import (
	"os"
	"os/signal"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer"
)

// forwarder hands the signals that we get to the process that we wait for.
type forwarder struct {
	ch chan os.Signal
}

// newForwarder has to be called before the user's process starts, so that no
// signal is lost to it. One that ends us earlier ends init as well.
func newForwarder() *forwarder {
	// As many as can come meanwhile; the kernel would merge repeated ones too.
	f := &forwarder{ch: make(chan os.Signal, 128)}
	signal.Notify(f.ch, soon[:]...)
	return f
}

// soon are the signals that people and engines send, and those whose default
// would harm. The Go runtime takes four thread switches for each signal it is
// told to catch; the other fifty come while there is nothing to do but wait.
var soon = [...]os.Signal{
	unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
	unix.SIGCHLD, unix.SIGPIPE, unix.SIGWINCH,
}

// others is how long after the start the rest of the signals is caught: longer
// than a short command runs.
const others = 20 * time.Millisecond

// stop may be called without a forwarder, when the start has failed.
func (f *forwarder) stop() {
	if f != nil {
		signal.Stop(f.ch)
	}
}

// wait waits for the process and gives its exit status as a shell would.
// Orphans of the container, which a subreaper inherits, are collected on the
// way, so that they do not pile up while it runs. Nothing is collected any
// more once wait has returned: the hooks that run then are waited for by
// others.
func (f *forwarder) wait(p *libcontainer.Process, t *tty) (int, error) {
	pid, err := p.Pid()
	if err != nil {
		return -1, err
	}
	rest := time.After(others)
	// It may have ended before; its SIGCHLD may have been left out, too.
	for ended := reap(pid); !ended; {
		select {
		case <-rest:
			signal.Notify(f.ch)
		case s := <-f.ch:
			switch s {
			case unix.SIGCHLD:
				ended = reap(pid)
			case unix.SIGURG:
				// The Go runtime's own prodding.
			case unix.SIGWINCH:
				t.resize()
			default:
				// It may have ended just now.
				_ = p.Signal(s)
			}
		}
	}
	status, err := p.Wait()
	if err != nil {
		return -1, err
	}
	return exitStatus(status), nil
}

func exitStatus(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// reap collects children that have ended, but for pid, which is left to
// [libcontainer.Process.Wait]; it says whether that one has ended as well.
func reap(pid int) (ended bool) {
	for {
		child, err := endedChild()
		switch {
		case err == unix.ECHILD:
			return true
		case err != nil || child == 0:
			return ended
		case child == pid:
			// The kernel names it again and again until it is waited for:
			// those behind it are nobody's any more once we end.
			return true
		}
		if _, err := unix.Wait4(child, nil, unix.WNOHANG, nil); err != nil {
			return ended
		}
	}
}

// endedChild is the pid of a child that can be waited for, 0 when there is
// none.
func endedChild() (int, error) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		return siginfoPid(&info), nil
	}
}

// siginfoPid is si_pid, for which x/sys has no name: the first of a union that
// follows three ints, aligned as a pointer.
func siginfoPid(info *unix.Siginfo) int {
	const head, word = 12, unsafe.Sizeof(uintptr(0))
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), (head+word-1)&^(word-1))))
}
