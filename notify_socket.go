package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
)

// notifySocket stands between a container and the service manager that waits
// for it (sd_notify(3)): the container gets a socket of its own, and what it
// says of being ready goes on to $NOTIFY_SOCKET. nil where there is none.
type notifySocket struct {
	host string // the manager's socket
	dir  string // <root>/<id>/notify
	conn *net.UnixConn
}

func newNotifySocket(stateDir string) *notifySocket {
	host := os.Getenv("NOTIFY_SOCKET")
	if host == "" {
		return nil
	}
	return &notifySocket{host: host, dir: filepath.Join(stateDir, "notify")}
}

// addTo mounts the socket's folder into the container; as a folder, so that
// the socket can be made later.
func (n *notifySocket) addTo(spec *specs.Spec) {
	if n == nil {
		return
	}
	spec.Mounts = append(spec.Mounts, specs.Mount{
		Destination: "/run/notify", Source: n.dir, Options: []string{"bind", "nosuid", "noexec", "nodev", "ro"},
	})
	spec.Process.Env = append(spec.Process.Env, "NOTIFY_SOCKET=/run/notify/notify.sock")
}

// makeDir makes what is mounted.
func (n *notifySocket) makeDir() error {
	if n == nil {
		return nil
	}
	return os.Mkdir(n.dir, 0o755)
}

func (n *notifySocket) bind() error {
	if n == nil {
		return nil
	}
	path := filepath.Join(n.dir, "notify.sock")
	if _, err := os.Stat(n.dir); errors.Is(err, os.ErrNotExist) {
		// Created without a NOTIFY_SOCKET: nothing was mounted.
		n.host = ""
		return nil
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify socket: %w", err)
	}
	// For any user inside.
	if err := os.Chmod(path, 0o777); err != nil {
		conn.Close()
		return fmt.Errorf("notify socket: %w", err)
	}
	n.conn = conn
	return nil
}

// forward waits until the container is ready, or dead, and passes that on.
func (n *notifySocket) forward(c *libcontainer.Container) error {
	if n == nil || n.conn == nil {
		return nil
	}
	defer n.conn.Close()
	state, err := c.State()
	if err != nil {
		return err
	}
	pid := state.InitProcessPid
	pidfd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil // dead already: not ready, ever
	}
	dead := os.NewFile(uintptr(pidfd), "pidfd")
	defer dead.Close()
	end, err := dead.SyscallConn()
	if err != nil {
		return err
	}
	go func() {
		// Wakes the read below. By the file, not by its number, which may be
		// another's once we have returned.
		err := end.Read(func(fd uintptr) bool {
			k, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			return k != 0 || err != nil && err != unix.EINTR
		})
		if err == nil {
			_ = n.conn.SetReadDeadline(time.Now())
		}
	}()
	buf := make([]byte, 4096)
	for {
		k, err := n.conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			k, err = lastWords(n.conn, buf)
		}
		if err != nil {
			return nil
		}
		for line := range bytes.SplitSeq(buf[:k], []byte{'\n'}) {
			if bytes.HasPrefix(line, []byte("READY=")) {
				return n.tell(line, pid)
			}
		}
	}
}

// lastWords reads what a process said before it ended, without waiting: a
// connection whose deadline is over reads no more by itself.
func lastWords(conn *net.UnixConn, buf []byte) (k int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := raw.Control(func(fd uintptr) { k, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT) }); e != nil {
		return 0, e
	}
	return k, err
}

// forwardBeside is forward while somebody else waits for the process.
func (n *notifySocket) forwardBeside(c *libcontainer.Container) {
	if n == nil || n.conn == nil {
		return
	}
	go func() { _ = n.forward(c) }()
}

// tell speaks to the manager: the container's word, then whom it should watch,
// and a barrier, so that it knows the sender before that one ends.
func (n *notifySocket) tell(ready []byte, pid int) error {
	// Plain system calls: package net sends no fds on a connected datagram
	// socket.
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(sock)
	// A leading @ names an abstract socket, to x/sys as to sd_notify.
	to := &unix.SockaddrUnix{Name: n.host}
	for _, msg := range []string{string(ready) + "\n", fmt.Sprintf("MAINPID=%d", pid)} {
		if err := unix.Sendto(sock, []byte(msg), 0, to); err != nil {
			return fmt.Errorf("notify socket %s: %w", n.host, err)
		}
	}
	return barrier(sock, to)
}

func barrier(sock int, to unix.Sockaddr) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	err = unix.Sendmsg(sock, []byte("BARRIER=1"), unix.UnixRights(int(w.Fd())), to, 0)
	w.Close()
	if err != nil {
		return os.NewSyscallError("sendmsg", err)
	}
	// The manager closes its end when it has come to the message.
	p := []unix.PollFd{{Fd: int32(r.Fd()), Events: 0}}
	_, _ = unix.Poll(p, int((30 * time.Second).Milliseconds()))
	return nil
}
