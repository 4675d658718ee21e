package console

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxName bounds the payload that goes with an fd: a path's length.
const maxName = 4096

// SendFD sends fd over a connected AF_UNIX socket as one message: the name as
// payload (for a console the terminal's name; for a pidfd "standard" or
// "setns"), the fd as SCM_RIGHTS, as unix(7) has it. It waits for a socket
// that is full.
func SendFD(socket int, name string, fd int) error {
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

// RecvFD receives what [SendFD] sent: one name and one fd, which is made
// close-on-exec. A message that is anything else is an error, and leaves no fd
// behind.
func RecvFD(socket int) (*os.File, error) {
	name := make([]byte, maxName+1)
	// Room for two, so that one too many is seen rather than cut off.
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

// rights collects every fd of a message, also when it returns an error.
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
	for {
		_, err := unix.Poll(p, -1)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("poll", err)
		}
	}
}
