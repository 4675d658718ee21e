// Package nsenter makes a child process inside other namespaces: joined, new,
// or both, born in a given cgroup, executing a given binary.
//
// setns(2) into a user namespace wants a process with one thread, which a Go
// program never is. So the child is made by a bare clone3(2) (Linux 5.3): it
// starts with one thread, in memory that is a copy of ours or is ours, and no
// part of the Go runtime runs in it. See child.go for the rules that code lives by.
package nsenter

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ErrIntoCgroup: the kernel refuses to let a child be born in Plan.Cgroup
// (CLONE_INTO_CGROUP, Linux 5.7). The caller may start it elsewhere, and move it.
var ErrIntoCgroup = errors.New("cannot be born in the cgroup")

// Join is one namespace, or several at once, to join by setns(2).
type Join struct {
	// Flag is a CLONE_NEW bit, or several of them for a pidfd (Linux 5.8).
	Flag uintptr
	// File is an nsfs file or a pidfd.
	File *os.File
}

// Plan says what child to make.
type Plan struct {
	// Join these, the user namespace first, for the rights it gives, the
	// mount namespace last, for the paths that it takes away.
	Join []Join

	// New are the CLONE_NEW bits of namespaces to make, after all are joined.
	// A cgroup namespace is not among them: its root is the cgroup that its
	// maker is in, which the child may not have reached yet.
	New uintptr

	// MapIDs writes the id maps of the child's new user namespace, from
	// outside, before the child goes on.
	MapIDs func(pid int) error

	// BecomeRoot makes the child uid and gid 0 of its user namespace.
	BecomeRoot bool

	// TimeOffsets is written to timens_offsets of a new time namespace.
	TimeOffsets string

	// Cgroup is a cgroup v2 folder in which the child is to be born.
	Cgroup *os.File

	// Exe is executed with Argv and Env.
	Exe       *os.File
	Argv, Env []string

	// Files become the child's fds 0, 1, ...; nil ones are closed there.
	Files []*os.File
}

// Child is a child process of the caller's.
type Child struct {
	Pid   int
	PidFD *os.File

	plan   *Plan
	script *script // which the child reads until it executes something
	status int     // the pipe's read end; -1 once it was read
}

// Executed waits until the child executes Exe, which takes it a while that the
// caller can use, and says why when it could not. It has to be called, or
// [Child.Abandon], once.
func (c *Child) Executed() error {
	r, err := readReport(c.status)
	c.done()
	if err != nil || r == nil {
		return err
	}
	return c.plan.explain(r)
}

// Abandon is for a child that was killed and collected: it gives back what the
// start has taken. After Executed it does nothing.
func (c *Child) Abandon() {
	if c.status >= 0 {
		c.done()
	}
}

func (c *Child) done() {
	unix.Close(c.status)
	c.status = -1
	if c.script.shared {
		releaseDumpable()
	}
	runtime.KeepAlive(c.script)
	c.script = nil
}

// order of joining; what is not listed comes between.
func rank(flag uintptr) int {
	switch {
	case flag&unix.CLONE_NEWUSER != 0:
		return 0
	case flag&unix.CLONE_NEWNS != 0:
		return 2
	}
	return 1
}
