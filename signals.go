package main

import (
	"context"
	"fmt"
	"os/signal"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/internal/sigpipe"
	"runc/libcontainer"
)

// forwarder has the signals that we get: while a container is being started
// they end that, later they are the process's that we wait for.
type forwarder struct {
	pipe *sigpipe.Pipe
	// Where a goroutine reads the pipe, what it reads is here; see listen.
	ch        chan unix.Signal
	listening bool
	early     []unix.Signal // read by interrupted

	deadly []unix.Signal // those that would end us
	// Done once a signal that would have ended us came during the start.
	starting context.Context
	abort    context.CancelCauseFunc
}

// newForwarder catches what would end us while there is something to take
// back. It waits in the pipe until somebody looks.
func newForwarder() (*forwarder, error) {
	pipe, err := sigpipe.New()
	if err != nil {
		return nil, err
	}
	f := &forwarder{pipe: pipe}
	for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM} {
		// nohup(1), or a shell's background job, has them ignored.
		if !signal.Ignored(s) {
			f.deadly = append(f.deadly, s)
		}
	}
	if err := pipe.Catch(f.deadly...); err != nil {
		pipe.Close()
		return nil, err
	}
	f.starting, f.abort = context.WithCancelCause(context.Background())
	return f, nil
}

// listen has a goroutine read the pipe from now on: for a start that would not
// look at it meanwhile.
func (f *forwarder) listen() {
	if f.listening {
		return
	}
	f.listening, f.ch = true, make(chan unix.Signal, 128)
	go func() {
		for {
			s, err := f.pipe.Next()
			if err != nil {
				return
			}
			f.consider(s)
			select {
			case f.ch <- s:
			default:
				// As many wait already; the kernel merges equal ones too.
			}
		}
	}()
}

// consider ends the start if the signal is one to do so.
func (f *forwarder) consider(s unix.Signal) {
	if slices.Contains(f.deadly, s) {
		f.abort(fmt.Errorf("interrupted by %s", unix.SignalName(s)))
	}
}

// all catches the rest of the signals as well. It has to be called before the
// user's process starts, so that none is lost to it.
func (f *forwarder) all() error { return f.pipe.Catch(sigpipe.All()...) }

// interrupted is the error of a start that a signal has ended.
func (f *forwarder) interrupted() error {
	if f == nil {
		return nil
	}
	for !f.listening {
		s, ok := f.pipe.TryNext()
		if !ok {
			break
		}
		f.consider(s)
		f.early = append(f.early, s)
	}
	return context.Cause(f.starting)
}

// release has signals do what they did before.
func (f *forwarder) release() error { return f.pipe.Close() }

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
	// It may have ended before.
	ended := reap(pid)
	handle := func(s unix.Signal) {
		switch s {
		case unix.SIGCHLD:
			ended = ended || reap(pid)
		case unix.SIGWINCH:
			t.resize()
		default:
			// It may have ended just now.
			_ = p.Signal(s)
		}
	}
	for _, s := range f.early {
		handle(s)
	}
	if f.listening {
		t.copyAll()
		for !ended {
			handle(<-f.ch)
		}
	}
	for !ended {
		if err := t.poll(f.pipe.Fd()); err != nil {
			return -1, err
		}
		for !ended {
			s, ok := f.pipe.TryNext()
			if !ok {
				break
			}
			handle(s)
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
