// Package nsenter makes a process inside other namespaces: joined ones, new
// ones, or both, born in a given cgroup.
//
// The process is not made by the runtime itself. The runtime executes a carrier
// outside the container, in the runtime's own namespaces: the stub of package
// program, or where there is none the sealed binary as `runc init` ([Relay]).
// The carrier joins and makes the namespaces, and clones the process, which the
// kernel makes the runtime's child (CLONE_PARENT of clone(2)). So no process
// with the runtime's memory, command line, environment, open files or
// executable is ever seen in a PID namespace of the container, whoever else is
// in there with the right to trace it (CVE-2016-9962, CVE-2019-5736).
package nsenter

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrIntoCgroup says that the kernel refuses to let a process be born in
// Plan.Cgroup (CLONE_INTO_CGROUP, Linux 5.7). The caller may start the process
// elsewhere, and move it.
var ErrIntoCgroup = errors.New("cannot be born in the cgroup")

// ErrNoStub says that the stub cannot be made: the architecture has none, or the
// kernel lets nobody execute memory (vm.memfd_noexec).
var ErrNoStub = errors.New("unable to make the stub")

// Join is one namespace, or several at once, to join by setns(2).
type Join struct {
	// Flag is a CLONE_NEW bit, or several of them for a pidfd (Linux 5.8).
	Flag uintptr
	// File is an nsfs file or a pidfd.
	File *os.File
}

// Exec is a binary that the process executes.
type Exec struct {
	File      *os.File
	Argv, Env []string
}

// Plan says what process to make.
type Plan struct {
	// Join are the namespaces to join. One that the caller has the right to join
	// is joined before the user namespace, the others after it, the mount
	// namespace last.
	Join []Join

	// New are the CLONE_NEW bits of namespaces to make, after all are joined.
	// A cgroup namespace is not among them: its root is the cgroup that its
	// maker is in, which the process may not have reached yet.
	New uintptr

	// MapIDs writes the id maps of the new user namespace, from outside. pid is
	// a process in it.
	MapIDs func(pid int) error

	// BecomeRoot makes the process uid and gid 0 of its user namespace.
	BecomeRoot bool

	// TimeOffsets is written to timens_offsets of a new time namespace.
	TimeOffsets string

	// Cgroup is a cgroup v2 folder in which the process is to be born.
	Cgroup *os.File

	// Files become the process's fds 0, 1, ...; nil ones are closed there.
	Files []*os.File

	// Exec is what the process executes, close-on-exec for all files but Files.
	// Without it the process is a stub that waits for pieces of program, where
	// [program.Supported] says so.
	Exec *Exec

	// Sealed is the binary that is executed as `runc init` to call [Relay],
	// where there is no stub, or with NoStub.
	Sealed *os.File
	NoStub bool

	// Await is called before something is read from the process, or its
	// carrier, with the fd to be read: a caller that waits for something else
	// as well gives up by an error. maker is -1, or the pidfd of a process that
	// has a message to send: io.EOF says that it has ended without. May be nil.
	Await func(fd, maker int) error

	// relay: the carrier is one, so the process that goes through the program
	// has another pid than the process that was executed.
	relay bool

	// others are the fds that the process has to close one by one, where
	// close_range(2) is refused.
	others []int
}

// Child is a process that Start has made: a child of the caller.
type Child struct {
	Pid   int
	PidFD *os.File

	// Conn is the stream socket to the process. A process that executes
	// Plan.Exec closes its end by that.
	Conn *os.File

	// Sock is the number of the socket's other end in the process.
	Sock int

	plan     *Plan
	failures *failures
	done     bool
	err      error
}

// Executed waits until the process executes Plan.Exec, and says why when it
// could not.
func (c *Child) Executed() error {
	if c.done || c.plan.Exec == nil {
		return c.err
	}
	m, err := readMessage(c.Conn, c.plan.Await)
	switch {
	case err == errClosed:
		err = nil
	case err == nil:
		err = c.failures.explain(m)
	default:
		return err
	}
	c.done, c.err = true, err
	return err
}

// nsNames is in the order in which error messages name the namespaces.
var nsNames = [...]struct {
	flag uintptr
	name string
}{
	{unix.CLONE_NEWUSER, "user"}, {unix.CLONE_NEWPID, "pid"}, {unix.CLONE_NEWNET, "network"},
	{unix.CLONE_NEWNS, "mount"}, {unix.CLONE_NEWIPC, "ipc"}, {unix.CLONE_NEWUTS, "uts"},
	{unix.CLONE_NEWTIME, "time"}, {unix.CLONE_NEWCGROUP, "cgroup"},
}

func flagNames(flags uintptr) string {
	s := ""
	for _, n := range nsNames {
		if flags&n.flag != 0 {
			if s != "" {
				s += ", "
			}
			s += n.name
		}
	}
	return s
}

// cgroupRefused says whether the errno is one that CLONE_INTO_CGROUP gives for
// a folder where the process may not be (clone(2)).
func cgroupRefused(errno syscall.Errno) bool {
	switch errno {
	case unix.EACCES, unix.EBUSY, unix.EOPNOTSUPP, unix.ENODEV, unix.EBADF, unix.EINVAL, unix.ENOENT, unix.ENOSYS, unix.EPERM:
		return true
	}
	return false
}

func intoCgroup(errno syscall.Errno) error {
	if cgroupRefused(errno) {
		return fmt.Errorf("%w: %w", ErrIntoCgroup, errno)
	}
	return fmt.Errorf("clone into the cgroup: %w", errno)
}
