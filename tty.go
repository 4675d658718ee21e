package main

import (
	"fmt"
	"io"
	"os"

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
	copies copies
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
	// Ours is a bare fd until there is something to copy.
	pipe := func(theirs int) (their *os.File, our int, err error) {
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return nil, -1, os.NewSyscallError("pipe2", err)
		}
		their, our = os.NewFile(uintptr(fds[theirs]), "pipe"), fds[1-theirs]
		t.theirs = append(t.theirs, their)
		if uid != os.Geteuid() || gid != os.Getegid() {
			// One inode for both ends.
			if e := their.Chown(uid, gid); e != nil {
				err = fmt.Errorf("cannot give the stdio to the container's root, %d:%d on the host (config.json: linux.uidMappings, linux.gidMappings): %w", uid, gid, os.ErrPermission)
			}
		}
		return their, our, err
	}
	for i, to := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		their, our, err := pipe(min(i, 1))
		if our >= 0 {
			t.copies.add(stream{caller: to, ours: our, inwards: i == 0})
		}
		if err != nil {
			return err
		}
		switch i {
		case 0:
			p.Stdin = their
		case 1:
			p.Stdout = their
		case 2:
			p.Stderr = their
		}
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
	go func() { _, _ = io.Copy(t.master, os.Stdin) }()
	stdout, err := otherwise(os.Stdout)
	if err != nil {
		return err
	}
	t.copies.run(func() { _, _ = io.Copy(stdout, t.master) })
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

// poll waits until there is a signal, and starts to copy what wants copying.
func (t *tty) poll(signals int) error { return t.copies.poll(signals) }

// copyAll starts all copying.
func (t *tty) copyAll() { t.copies.startAll() }

// drain waits until all that the process wrote has been copied.
func (t *tty) drain() { t.copies.drain() }

// close gives the caller's terminal back as it was.
func (t *tty) close() {
	if t.host != nil {
		_ = t.host.Reset()
	}
	for _, f := range t.theirs {
		f.Close()
	}
	t.copies.close()
	if t.sock != nil {
		t.sock.Close()
	}
	if t.master != nil {
		t.master.Close()
	}
}
