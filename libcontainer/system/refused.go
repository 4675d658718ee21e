package system

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// newCall is a system call that not every kernel, and not every sandbox around
// the runtime, has.
type newCall struct {
	nr    uintptr
	name  string
	since string // the kernel that brought it
	// probe are arguments with which the call fails and does nothing.
	probe [6]uintptr
}

const bad = ^uintptr(0)

// newCalls are the system calls newer than Linux 3.16 that the runtime makes.
// docs/requirements.md says what happens without each.
var newCalls = [...]newCall{
	{unix.SYS_MEMFD_CREATE, "memfd_create", "3.17", [6]uintptr{0, bad}},
	{unix.SYS_EXECVEAT, "execveat", "3.19", [6]uintptr{bad}},
	{unix.SYS_STATX, "statx", "4.11", [6]uintptr{bad, 0, bad, bad}},
	{unix.SYS_PIDFD_SEND_SIGNAL, "pidfd_send_signal", "5.1", [6]uintptr{bad}},
	{unix.SYS_OPEN_TREE, "open_tree", "5.2", [6]uintptr{bad, 0, bad}},
	{unix.SYS_MOVE_MOUNT, "move_mount", "5.2", [6]uintptr{bad, 0, bad, 0, bad}},
	{unix.SYS_FSOPEN, "fsopen", "5.2", [6]uintptr{0, bad}},
	{unix.SYS_FSCONFIG, "fsconfig", "5.2", [6]uintptr{bad}},
	{unix.SYS_FSMOUNT, "fsmount", "5.2", [6]uintptr{bad, bad}},
	{unix.SYS_PIDFD_OPEN, "pidfd_open", "5.3", [6]uintptr{0, bad}},
	{unix.SYS_CLONE3, "clone3", "5.3", [6]uintptr{}},
	{unix.SYS_OPENAT2, "openat2", "5.6", [6]uintptr{bad}},
	{unix.SYS_PIDFD_GETFD, "pidfd_getfd", "5.6", [6]uintptr{bad, bad, bad}},
	{unix.SYS_FACCESSAT2, "faccessat2", "5.8", [6]uintptr{bad, 0, bad, bad}},
	{unix.SYS_CLOSE_RANGE, "close_range", "5.9", [6]uintptr{1, 0}},
	{unix.SYS_MOUNT_SETATTR, "mount_setattr", "5.12", [6]uintptr{bad}},
}

// RefusedError says that a system call is missing or forbidden as such, whatever
// its arguments.
type RefusedError struct {
	Call  string
	Since string // the kernel that brought the call
	Err   error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%v (the system call %s is refused: by a kernel before Linux %s, or by a seccomp profile or sandbox around the runtime)",
		e.Err, e.Call, e.Since)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// Refused makes a [*RefusedError] of the error of a system call, given by its
// number, where the call is refused as such. It gives back all other errors as
// they are.
//
// The kernel answers ENOSYS for a call that it does not have. A seccomp profile
// that is older than the call answers EPERM, which the kernel has for many
// reasons; so the call is made once more, with arguments for which the kernel
// has another answer. (fsopen, fsmount and move_mount ask for CAP_SYS_ADMIN
// before anything else. A process that mounts has it.)
func Refused(nr uintptr, err error) error {
	if err == nil || !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
		return err
	}
	if e := (*RefusedError)(nil); errors.As(err, &e) {
		return err
	}
	for i := range newCalls {
		if c := &newCalls[i]; c.nr == nr && (errors.Is(err, unix.ENOSYS) || c.refused()) {
			return &RefusedError{Call: c.name, Since: c.since, Err: err}
		}
	}
	return err
}

// IsRefused says whether the error is one that Refused has made.
func IsRefused(err error) bool {
	e := (*RefusedError)(nil)
	return errors.As(err, &e)
}

func (c *newCall) refused() bool {
	a := c.probe
	_, _, errno := syscall.RawSyscall6(c.nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return errno == unix.ENOSYS || errno == unix.EPERM
}
