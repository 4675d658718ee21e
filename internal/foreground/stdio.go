// Package foreground stands between the caller of a foreground `run` or `exec`
// and the container's process: it passes on stdio, the size of the terminal,
// and signals.
package foreground

import (
	"fmt"
	"io"
	"os"

	"github.com/containerd/console"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
	"runc/libcontainer/consolesocket"
)

// Stdio carries the process's stdio to the caller's and back: through pipes, or
// through the master of the process's terminal. The zero Stdio is that of a
// detached process, which has its stdio without our help.
type Stdio struct {
	master console.Console // of the process's terminal
	host   console.Console // the caller's terminal, in raw mode
	sock   *os.File        // our end of the socket on which the master arrives

	theirs  []*os.File // the process's ends, closed once the process has them
	streams streams
}

// Terminal has the process make a terminal, whose master [Stdio.Started]
// receives.
func Terminal(p *libcontainer.Process) (*Stdio, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	t := &Stdio{sock: os.NewFile(uintptr(pair[0]), "console")}
	p.ConsoleSocket = os.NewFile(uintptr(pair[1]), "console")
	t.theirs = append(t.theirs, p.ConsoleSocket)
	return t, nil
}

// Pipes puts pipes between the caller's stdio and the process's. uid and gid
// are those of the container's root on the host: they own the pipes, so that
// the process may open its stdio again by /proc/self/fd, and cannot change the
// caller's.
func Pipes(p *libcontainer.Process, uid, gid int) (_ *Stdio, err error) {
	t := new(Stdio)
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	// Our end stays a bare fd until there is something to copy.
	pipe := func(theirs int) (their *os.File, our int, err error) {
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return nil, -1, os.NewSyscallError("pipe2", err)
		}
		their, our = os.NewFile(uintptr(fds[theirs]), "pipe"), fds[1-theirs]
		t.theirs = append(t.theirs, their)
		if uid != os.Geteuid() || gid != os.Getegid() {
			// Both ends of a pipe have one inode.
			if e := their.Chown(uid, gid); e != nil {
				err = fmt.Errorf("cannot give the stdio to the container's root, %d:%d on the host (config.json: linux.uidMappings, linux.gidMappings): %w", uid, gid, os.ErrPermission)
			}
		}
		return their, our, err
	}
	for i, to := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		their, our, err := pipe(min(i, 1))
		if our >= 0 {
			t.streams.add(stream{caller: to, ours: our, inwards: i == 0})
		}
		if err != nil {
			return nil, err
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
	return t, nil
}

// Started is called once the process has its ends.
func (t *Stdio) Started() error {
	// With a copy of one in this process, the copying would have no end.
	for _, f := range t.theirs {
		if err := f.Close(); err != nil {
			return err
		}
	}
	t.theirs = nil
	if t.sock != nil {
		return t.receive()
	}
	return nil
}

// receive takes the terminal's master from the process and connects it to the
// caller's stdio.
func (t *Stdio) receive() error {
	f, err := consolesocket.Receive(int(t.sock.Fd()))
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
	// The caller may have redirected any two of its three.
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
	stdout, err := duplicate(os.Stdout)
	if err != nil {
		return err
	}
	t.streams.run(func() { _, _ = io.Copy(stdout, t.master) })
	return nil
}

// duplicate gives stdout or stderr another number. Package os ends the whole
// program when a write to fd 1 or 2 finds no reader (SIGPIPE, see os/signal);
// here the process in the container has to get to know that instead.
func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl(F_DUPFD_CLOEXEC)", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// resize gives the process's terminal the size of the caller's.
func (t *Stdio) resize() {
	if t.master == nil || t.host == nil {
		return
	}
	_ = t.master.ResizeFrom(t.host)
}

// Drain waits until everything that the process wrote has been copied.
func (t *Stdio) Drain() { t.streams.drain() }

// Close gives the caller's terminal its former settings.
func (t *Stdio) Close() {
	if t.host != nil {
		_ = t.host.Reset()
	}
	for _, f := range t.theirs {
		f.Close()
	}
	t.streams.close()
	if t.sock != nil {
		t.sock.Close()
	}
	if t.master != nil {
		t.master.Close()
	}
}
