// Package consolesocket hands a file descriptor to a receiver over an AF_UNIX
// stream socket, as runc's console socket and pidfd socket do: one message, with
// a name as payload and the fd in SCM_RIGHTS (unix(7)); see docs/terminals.md.
package consolesocket

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// maxName bounds the payload: it is the length of a path.
const maxName = 4096

// Send sends the fd over a connected socket. The name is that of the terminal, or
// "standard" or "setns" for a pidfd. It waits while the socket is full.
func Send(socket int, name string, fd int) error {
	if name == "" || len(name) > maxName || strings.ContainsRune(name, 0) {
		return fmt.Errorf("send fd: name of %d bytes: %w", len(name), unix.EINVAL)
	}
	rights := unix.UnixRights(fd)
	for {
		n, err := unix.SendmsgN(socket, []byte(name), rights, nil, unix.MSG_NOSIGNAL)
		switch {
		case err == nil && n == len(name):
			return nil
		case err == nil:
			return fmt.Errorf("send fd %s: %d of %d bytes went", name, n, len(name))
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			if err := wait(socket, unix.POLLOUT); err != nil {
				return fmt.Errorf("send fd %s: %w", name, err)
			}
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
			return fmt.Errorf("send fd %s: the receiver has closed the connection: %w", name, os.NewSyscallError("sendmsg", err))
		default:
			return fmt.Errorf("send fd %s: %w", name, os.NewSyscallError("sendmsg", err))
		}
	}
}

// Receive receives what [Send] has sent. The fd is close-on-exec. A message that
// is anything else is an error, and leaves no fd open.
func Receive(socket int) (*os.File, error) {
	name := make([]byte, maxName+1)
	// There is room for two fds, so that a second one is seen and refused.
	oob := make([]byte, unix.CmsgSpace(2*4))
	for {
		n, oobn, flags, _, err := unix.Recvmsg(socket, name, oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			if err := wait(socket, unix.POLLIN); err != nil {
				return nil, fmt.Errorf("receive fd: %w", err)
			}
			continue
		case err != nil:
			return nil, fmt.Errorf("receive fd: %w", os.NewSyscallError("recvmsg", err))
		}
		f, err := parseFD(name[:n], oob[:oobn], flags)
		if err != nil {
			return nil, fmt.Errorf("receive fd: %w", err)
		}
		return f, nil
	}
}

func parseFD(name, oob []byte, flags int) (*os.File, error) {
	fds, err := rights(oob)
	if err == nil {
		switch {
		case flags&unix.MSG_CTRUNC != 0:
			err = errors.New("more control data than an fd")
		case len(name) == 0 && len(fds) == 0:
			err = errors.New("the other end closed the socket")
		case len(name) == 0 || len(name) > maxName || flags&unix.MSG_TRUNC != 0:
			err = fmt.Errorf("name of %d bytes", len(name))
		case len(fds) != 1:
			err = fmt.Errorf("%d fds instead of one", len(fds))
		}
	}
	if err != nil {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return nil, err
	}
	return os.NewFile(uintptr(fds[0]), string(name)), nil
}

// rights gives every fd of a message, also when it returns an error.
func rights(oob []byte) (fds []int, err error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for i := range msgs {
		if msgs[i].Header.Level != unix.SOL_SOCKET || msgs[i].Header.Type != unix.SCM_RIGHTS {
			continue
		}
		got, perr := unix.ParseUnixRights(&msgs[i])
		if perr != nil {
			err = perr
			continue
		}
		fds = append(fds, got...)
	}
	return fds, err
}

func wait(socket int, events int16) error {
	p := []unix.PollFd{{Fd: int32(socket), Events: events}}
	err := system.Retry(func() error { _, err := unix.Poll(p, -1); return err })
	return os.NewSyscallError("poll", err)
}
