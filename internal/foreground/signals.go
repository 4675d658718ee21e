package foreground

import (
	"context"
	"fmt"
	"os/signal"
	"slices"

	"golang.org/x/sys/unix"

	"runc/internal/sigpipe"
	"runc/libcontainer"
)

// Signals catches the signals that the caller sends to this process. While a
// container is being started, HUP, INT and TERM end the start. Later all
// signals are passed on to the process that this one waits for.
type Signals struct {
	pipe *sigpipe.Pipe
	// Once a goroutine reads the pipe, ch has the signals; see Listen.
	ch        chan unix.Signal
	listening bool
	early     []unix.Signal // read from the pipe by Interrupted

	deadly []unix.Signal // those that end a start
	// starting is done when a deadly signal has come.
	starting context.Context
	abort    context.CancelCauseFunc
}

// Catch catches the signals that would end this process. It is called before
// there is anything to undo. The signals stay in a pipe until that is read.
func Catch() (*Signals, error) {
	pipe, err := sigpipe.New()
	if err != nil {
		return nil, err
	}
	f := &Signals{pipe: pipe}
	for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM} {
		// nohup(1) and a shell's background jobs have them ignored.
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

// Context is done when a deadly signal has come. Its cause names the signal.
func (f *Signals) Context() context.Context { return f.starting }

// Fd is readable when there is a signal that nobody has read.
func (f *Signals) Fd() int { return f.pipe.Fd() }

// Listen has a goroutine read the pipe from now on. It is for those parts of a
// start that do not poll [Signals.Fd].
func (f *Signals) Listen() {
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
				// 128 signals wait already. The kernel merges equal ones too.
			}
		}
	}()
}

// consider ends the start if the signal is a deadly one.
func (f *Signals) consider(s unix.Signal) {
	if slices.Contains(f.deadly, s) {
		f.abort(fmt.Errorf("interrupted by %s", unix.SignalName(s)))
	}
}

// CatchAll catches the remaining signals. It has to be called before the user's
// process starts, so that no signal is lost to it.
func (f *Signals) CatchAll() error { return f.pipe.Catch(sigpipe.All()...) }

// Interrupted is the error of a start that a signal has ended, nil if none has.
func (f *Signals) Interrupted() error {
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

// Release gives the signals their former actions.
func (f *Signals) Release() error { return f.pipe.Close() }

// Wait waits for the process and returns its exit status in a shell's numbers.
// It also collects orphans of the container, which a subreaper inherits, so
// that they do not pile up as zombies. After Wait nothing is collected any
// more: the hooks that run then have their own wait.
func (f *Signals) Wait(p *libcontainer.Process, t *Stdio) (int, error) {
	pid, err := p.Pid()
	if err != nil {
		return -1, err
	}
	pidfd, err := p.Pidfd()
	if err != nil {
		return -1, err
	}
	// The process may have ended before SIGCHLD was caught.
	ended, err := reap(pid, pidfd)
	handle := func(s unix.Signal) {
		switch s {
		case unix.SIGCHLD:
			if !ended && err == nil {
				ended, err = reap(pid, pidfd)
			}
		case unix.SIGWINCH:
			t.resize()
		default:
			// The process may have ended at this moment.
			_ = p.Signal(s)
		}
	}
	for _, s := range f.early {
		handle(s)
	}
	if f.listening {
		t.streams.startAll()
		for !ended && err == nil {
			handle(<-f.ch)
		}
	}
	for !ended && err == nil {
		if err := t.streams.poll(f.pipe.Fd()); err != nil {
			return -1, err
		}
		for !ended && err == nil {
			s, ok := f.pipe.TryNext()
			if !ok {
				break
			}
			handle(s)
		}
	}
	if err != nil {
		return -1, err
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
