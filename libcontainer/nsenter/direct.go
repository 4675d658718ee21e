package nsenter

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Direct has the child execute the user's program without an init of ours: once
// it is in place it executes a tiny program that has nothing in it but a list of
// system calls, the last of which executes the user's (stub.go). Of what can go
// wrong it knows little: whoever asks for it has a slower way for when it fails.
type Direct struct {
	// Read names a file that the child reads once it is in place, in what is
	// its root then: a regular one, reached through no magic link of procfs.
	// [Child.Placed] gives it. Empty for none.
	Read string
}

// CanDirect says whether a plan may have Direct here.
func CanDirect() bool { return canShare && len(stubCode()) != 0 }

// maxRead is how much of Direct.Read is read, in bytes.
const maxRead = 32 << 10

// ErrDied: the child ended before it could execute the program.
var ErrDied = errors.New("the process ended before it could execute its program")

// directScript is what the child needs for it; see script.
type directScript struct {
	file    *byte
	how     unix.OpenHow
	stat    unix.Stat_t
	content []byte
	n       int // of content; -1 if there is more
}

func (d *Direct) script() (*directScript, error) {
	s := new(directScript)
	if d.Read != "" {
		var err error
		if s.file, err = unix.BytePtrFromString(d.Read); err != nil {
			return nil, err
		}
		s.how.Flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
		s.how.Resolve = unix.RESOLVE_NO_MAGICLINKS
		s.content = make([]byte, maxRead+1)
	}
	return s, nil
}

// Placed waits until a direct child is where it is to be, and gives what it
// has read; more says that this is not all. It then waits for [Child.Go].
func (c *Child) Placed() (content []byte, more bool, err error) {
	r, err := c.report()
	switch {
	case err != nil:
		return nil, false, err
	case r == nil:
		return nil, false, ErrDied
	case r.step != stepPlaced:
		return nil, false, c.plan.explain(r)
	}
	d := c.script.direct
	if d.n < 0 {
		return nil, true, nil
	}
	return d.content[:d.n], false, nil
}

// Go lets a direct child go on with these calls.
func (c *Child) Go(calls *Calls) error {
	image, err := calls.image(int(c.script.status))
	if err != nil {
		return err
	}
	for _, part := range image {
		if _, err := c.stub.WriteAt(part.data, part.offset); err != nil {
			return err
		}
	}
	if _, err := unix.Write(c.gate, []byte{1}); err != nil {
		return os.NewSyscallError("write", err)
	}
	unix.Close(c.gate)
	c.gate = -1
	return nil
}

// newStub is the file that the stub will be in: one of its own for each child,
// with nothing of the host's in it, so it does not matter who gets to write it.
func newStub() (*os.File, error) {
	// MFD_EXEC: asked for since Linux 6.3, unknown before.
	fd, err := unix.MemfdCreate("runc", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate("runc", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "memfd:runc"), nil
}

// awaitStub is the part of a direct child between its place and the stub. See
// fork for the rules it lives by.
//
//go:norace
//go:nosplit
func awaitStub(s *script) {
	d := s.direct
	var errno syscall.Errno
	var n uintptr
	if d.file != nil {
		readFile(d)
	}
	s.report.step, s.report.num = stepPlaced, 0
	syscall.RawSyscall(unix.SYS_WRITE, s.status, uintptr(unsafe.Pointer(&s.report)), unsafe.Sizeof(s.report))
	for {
		n, _, errno = syscall.RawSyscall(unix.SYS_READ, s.gate, uintptr(unsafe.Pointer(&s.buf)), 1)
		if errno != syscall.EINTR {
			break
		}
	}
	if errno != 0 || n != 1 {
		// The runtime gave up, or died.
		fail(s, stepCall, -1, errno)
	}
	// The stub reports, too, and closes it with the exec of the program.
	if _, _, errno = syscall.RawSyscall(fcntl, s.status, unix.F_SETFD, 0); errno != 0 {
		fail(s, stepCall, -1, errno)
	}
}

// readFile reads what there is to be read; on any fault there is nothing.
//
//go:norace
//go:nosplit
func readFile(d *directScript) {
	fd, _, errno := syscall.RawSyscall6(unix.SYS_OPENAT2, at, uintptr(unsafe.Pointer(d.file)),
		uintptr(unsafe.Pointer(&d.how)), unsafe.Sizeof(d.how), 0, 0)
	if errno != 0 {
		return
	}
	_, _, errno = syscall.RawSyscall(unix.SYS_FSTAT, fd, uintptr(unsafe.Pointer(&d.stat)), 0)
	for errno == 0 && d.stat.Mode&unix.S_IFMT == unix.S_IFREG {
		var n uintptr
		n, _, errno = syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&d.content[0]))+uintptr(d.n), uintptr(len(d.content)-d.n))
		if errno == syscall.EINTR {
			errno = 0
			continue
		}
		if errno != 0 || n == 0 {
			break
		}
		d.n += int(n)
		if d.n >= len(d.content) {
			d.n = -1
			break
		}
	}
	syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
}

// stubFailed says where the list stopped.
func stubFailed(r *report) error {
	return fmt.Errorf("system call at %#x of the child's list: %w", uint32(r.index), syscall.Errno(r.num))
}
