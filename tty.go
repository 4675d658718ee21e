package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/containerd/console"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
	inner "runc/libcontainer/console"
)

// tty is the stdio of a process between it and our caller: nothing when
// detached, pipes that are copied, or a terminal.
type tty struct {
	master console.Console // of the process's terminal
	host   console.Console // ours, in raw mode
	sock   *os.File        // our end of the socket that brings the master

	theirs []*os.File // closed once the process has them
	ours   []*os.File
	in     func()
	out    []func()
	copies sync.WaitGroup
}

// setUpIO gives the process its stdio.
func (r *runner) setUpIO(p *libcontainer.Process) (*tty, error) {
	t := new(tty)
	switch {
	case p.Terminal && r.detach:
		sock, err := dial(r.consoleSocket)
		if err != nil {
			return nil, err
		}
		p.ConsoleSocket = sock
		t.theirs = append(t.theirs, sock)
	case p.Terminal:
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, os.NewSyscallError("socketpair", err)
		}
		t.sock = os.NewFile(uintptr(pair[0]), "console")
		p.ConsoleSocket = os.NewFile(uintptr(pair[1]), "console")
		t.theirs = append(t.theirs, p.ConsoleSocket)
	case r.detach:
		p.Stdin, p.Stdout, p.Stderr = os.Stdin, os.Stdout, os.Stderr
	default:
		if err := t.pipes(r, p); err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

// pipes stand between the caller's stdio and the process, which may so open
// its own again by /proc/self/fd, and cannot change the caller's.
func (t *tty) pipes(r *runner, p *libcontainer.Process) error {
	config := r.container.Config()
	uid, err := config.HostRootUID()
	if err != nil {
		return err
	}
	gid, err := config.HostRootGID()
	if err != nil {
		return err
	}
	pipe := func() (*os.File, *os.File, error) {
		pr, pw, err := os.Pipe()
		if err == nil && (uid != os.Geteuid() || gid != os.Getegid()) {
			if err = errors.Join(pr.Chown(uid, gid), pw.Chown(uid, gid)); err != nil {
				err = fmt.Errorf("cannot give the stdio to the container's root, %d:%d on the host (config.json: linux.uidMappings, linux.gidMappings): %w", uid, gid, os.ErrPermission)
			}
		}
		return pr, pw, err
	}
	pr, pw, err := pipe()
	if err != nil {
		return err
	}
	t.theirs, t.ours = append(t.theirs, pr), append(t.ours, pw)
	p.Stdin = pr
	t.in = func() {
		_, _ = io.Copy(pw, os.Stdin)
		pw.Close()
	}
	for _, o := range []struct {
		to *os.File
		w  *io.Writer
	}{{os.Stdout, &p.Stdout}, {os.Stderr, &p.Stderr}} {
		pr, pw, err := pipe()
		if err != nil {
			return err
		}
		t.theirs, t.ours = append(t.theirs, pw), append(t.ours, pr)
		*o.w = pw
		to, err := otherwise(o.to)
		if err != nil {
			return err
		}
		t.out = append(t.out, func() { _, _ = io.Copy(to, pr); pr.Close() })
	}
	return nil
}

// started is called once the process has its ends.
func (t *tty) started(*libcontainer.Process) error {
	for _, f := range t.theirs {
		f.Close()
	}
	t.theirs = nil
	if t.sock != nil {
		if err := t.receive(); err != nil {
			return err
		}
	}
	if t.in != nil {
		go t.in()
	}
	for _, out := range t.out {
		t.copies.Add(1)
		go func() { defer t.copies.Done(); out() }()
	}
	return nil
}

// receive takes the terminal's master from inside and connects it to ours.
func (t *tty) receive() error {
	f, err := inner.RecvFD(int(t.sock.Fd()))
	if err != nil {
		return err
	}
	if t.master, err = console.ConsoleFromFile(f); err != nil {
		f.Close()
		return err
	}
	if err := console.ClearONLCR(t.master.Fd()); err != nil {
		return err
	}
	// Ours may be any of the three, when the others are redirected.
	for _, s := range []*os.File{os.Stderr, os.Stdout, os.Stdin} {
		if c, err := console.ConsoleFromFile(s); err == nil {
			t.host = c
			break
		}
	}
	if t.host != nil {
		if err := t.host.SetRaw(); err != nil {
			return err
		}
		t.resize()
	}
	t.in = func() { _, _ = io.Copy(t.master, os.Stdin) }
	stdout, err := otherwise(os.Stdout)
	if err != nil {
		return err
	}
	t.out = append(t.out, func() { _, _ = io.Copy(stdout, t.master) })
	return nil
}

// otherwise is stdout or stderr by another number. By their own, package os
// ends the whole process when nobody reads them any more (SIGPIPE, see
// os/signal); for us that is when to let the container know.
func otherwise(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl(F_DUPFD_CLOEXEC)", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// resize gives the process's terminal the size of ours.
func (t *tty) resize() {
	if t.master == nil || t.host == nil {
		return
	}
	_ = t.master.ResizeFrom(t.host)
}

// drain waits until all that the process wrote has been copied.
func (t *tty) drain() { t.copies.Wait() }

// close gives the caller's terminal back as it was.
func (t *tty) close() {
	if t.host != nil {
		_ = t.host.Reset()
	}
	for _, f := range t.theirs {
		f.Close()
	}
	if t.sock != nil {
		t.sock.Close()
	}
	if t.master != nil {
		t.master.Close()
	}
}
