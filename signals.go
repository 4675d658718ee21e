package main

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"runc/libcontainer"
)

// forwarder hands the signals that we get to the process that we wait for.
type forwarder struct {
	ch   chan os.Signal
	done chan struct{}
}

func newForwarder() *forwarder {
	// As many as can come before the process is there; the kernel would
	// merge repeated ones too.
	f := &forwarder{ch: make(chan os.Signal, 128), done: make(chan struct{})}
	signal.Notify(f.ch)
	return f
}

func (f *forwarder) stop() {
	signal.Stop(f.ch)
	close(f.done)
}

// wait waits for the process and gives its exit status as a shell would.
// Orphans of the container, which a subreaper inherits, are collected on the
// way.
func (f *forwarder) wait(p *libcontainer.Process, t *tty) (int, error) {
	go func() {
		for {
			select {
			case <-f.done:
				return
			case s := <-f.ch:
				switch s {
				case unix.SIGCHLD, unix.SIGURG:
					// Ours: a child, and the Go runtime's own prodding.
				case unix.SIGWINCH:
					t.resize()
				default:
					// It may have ended just now.
					_ = p.Signal(s)
				}
			}
		}
	}()
	status, err := p.Wait()
	if err != nil {
		return -1, err
	}
	reapOrphans()
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}

func reapOrphans() {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
	}
}
