// Package notifysocket stands between a container and the service manager that
// waits for it (sd_notify(3)): the container gets a socket of its own, and its
// READY=1 is passed on to $NOTIFY_SOCKET.
package notifysocket

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

// Socket is the container's own socket. A nil Socket, where NOTIFY_SOCKET is not
// set, does nothing.
type Socket struct {
	host string // the service manager's socket
	dir  string // <root>/<id>/notify
	conn *net.UnixConn
}

// New gives the Socket of the container with the state folder stateDir, nil when
// no service manager waits for it.
func New(stateDir string) *Socket {
	host := os.Getenv("NOTIFY_SOCKET")
	if host == "" {
		return nil
	}
	return &Socket{host: host, dir: filepath.Join(stateDir, "notify")}
}

// AddTo adds a mount of the socket's folder to the configuration. The folder is
// mounted rather than the socket, so that the socket can be made later.
func (n *Socket) AddTo(spec *specs.Spec) {
	if n == nil {
		return
	}
	spec.Mounts = append(spec.Mounts, specs.Mount{
		Destination: "/run/notify", Source: n.dir, Options: []string{"bind", "nosuid", "noexec", "nodev", "ro"},
	})
	spec.Process.Env = append(spec.Process.Env, "NOTIFY_SOCKET=/run/notify/notify.sock")
}

// MakeDir makes the folder that is mounted.
func (n *Socket) MakeDir() error {
	if n == nil {
		return nil
	}
	return os.Mkdir(n.dir, 0o755)
}

// Bind makes the socket in the folder.
func (n *Socket) Bind() error {
	if n == nil {
		return nil
	}
	path := filepath.Join(n.dir, "notify.sock")
	if _, err := os.Stat(n.dir); errors.Is(err, os.ErrNotExist) {
		// `create` ran without NOTIFY_SOCKET, so nothing is mounted.
		n.host = ""
		return nil
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify socket: %w", err)
	}
	// Any user of the container may write to it.
	if err := os.Chmod(path, 0o777); err != nil {
		conn.Close()
		return fmt.Errorf("notify socket: %w", err)
	}
	n.conn = conn
	return nil
}

// forward waits until the container is ready, or dead, and passes that on.
func (n *Socket) Forward(c *libcontainer.Container) error {
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
		return nil // init has ended: the container will never be ready
	}
	dead := os.NewFile(uintptr(pidfd), "pidfd")
	defer dead.Close()
	end, err := dead.SyscallConn()
	if err != nil {
		return err
	}
	go func() {
		// This wakes the read below. It uses the file and not the fd's number,
		// which may belong to another file once Forward has returned.
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

// lastWords reads a message that init sent before it ended, without waiting.
// conn.Read would not: its deadline has passed.
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

// ForwardBeside is [Socket.Forward] in a goroutine.
func (n *Socket) ForwardBeside(c *libcontainer.Container) {
	if n == nil || n.conn == nil {
		return
	}
	go func() { _ = n.Forward(c) }()
}

// tell sends the service manager the container's READY=1, then init's pid as
// MAINPID, then a barrier: the manager looks up the sender by its pid, so the
// sender must not end before the manager has read the messages.
func (n *Socket) tell(ready []byte, pid int) error {
	// These are plain system calls because package net sends no fds on a
	// connected datagram socket.
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(sock)
	// A leading @ means an abstract socket, for x/sys as for sd_notify.
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
	// The manager closes the pipe's other end when it reads the message.
	p := []unix.PollFd{{Fd: int32(r.Fd()), Events: 0}}
	_, _ = unix.Poll(p, int((30 * time.Second).Milliseconds()))
	return nil
}
