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

	// Direct, where it is set, takes the place of Exe, Argv and Env.
	Direct *Direct

	// Exposed: the child is to join a PID namespace in which some process may
	// have the right to trace it, whatever it does against that. So nothing of
	// it is seen there before Exe is what runs, in a process of its own: Exe is
	// executed twice, the first time outside, with RelayEnv in its environment
	// and for [Relay] to call. Without Cgroup and Direct.
	Exposed bool

	// Files become the child's fds 0, 1, ...; nil ones are closed there.
	Files []*os.File

	// asSibling: the child is not the caller's, but the caller's parent's.
	asSibling bool
}

// Child is a child process of the caller's.
type Child struct {
	Pid   int
	PidFD *os.File

	// Await is called before the child's pipe, which it is given, is read: for
	// who has something else to wait for as well, and perhaps gives up then.
	// May be nil.
	Await func(fd int) error

	plan   *Plan
	script *script  // which the child reads until it executes something
	status int      // the pipe's read end; -1 once it was read
	gate   int      // of a direct child: the write end of what it waits for, or -1
	stub   *os.File // of a direct child: what it is to execute
	first  int      // pid of a first stage that has to be collected, or 0
	err    error    // of Executed
}

// Executed waits until the child executes Exe, which takes it a while that the
// caller can use, and says why when it could not. It, or [Child.Abandon], has
// to be called.
func (c *Child) Executed() error {
	if c.status < 0 {
		return c.err
	}
	var r *report
	r, c.err = c.report()
	if c.script.direct != nil && c.err == nil {
		if r == nil {
			c.err = ErrDied
		} else if r.step == stepReady {
			r, c.err = c.report()
		}
	}
	if up := (*gaveUp)(nil); errors.As(c.err, &up) {
		// It may still use what done gives back.
		return up.error
	}
	if c.err == nil && r != nil {
		c.err = c.plan.explain(r)
	}
	c.done()
	return c.err
}

// report is the next one; see readReport.
func (c *Child) report() (*report, error) {
	if c.Await != nil {
		if err := c.Await(c.status); err != nil {
			return nil, &gaveUp{err}
		}
	}
	return readReport(c.status)
}

// gaveUp is an error of Await's.
type gaveUp struct{ error }

// Unshared waits until what is set for the child by the kernel is not set for
// all that share its memory, us too: the OOM score (fs/proc/base.c). A child
// that is waited for by its parent is exempt.
func (c *Child) Unshared() error {
	if c.status < 0 || !c.script.shared || c.first != 0 {
		return nil
	}
	return c.Executed()
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
	if c.gate >= 0 {
		unix.Close(c.gate)
	}
	if c.stub != nil {
		c.stub.Close()
	}
	if c.first != 0 {
		reap(c.first)
	}
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
