package libcontainer

import (
	"errors"
	"io"
	"os"
	"reflect"

	"runc/libcontainer/internal/inside"
)

// IO has the caller's ends of the pipes that [Process.InitializeIO] has made.
// Each one is an [*os.File].
type IO struct {
	Stdin  io.WriteCloser
	Stdout io.ReadCloser
	Stderr io.ReadCloser
}

// Close closes all three. A process that writes to a closed pipe gets SIGPIPE.
func (i *IO) Close() error {
	return errors.Join(closeOnce(i.Stdin), closeOnce(i.Stdout), closeOnce(i.Stderr))
}

// closeOnce closes a pipe that the caller may have closed before.
func closeOnce(c io.Closer) error {
	if err := c.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// InitializeIO makes pipes for the process's stdio. They belong to the ids that
// the container's root has on the host, so that root of a container with a user
// namespace may open them again by /proc/self/fd: see [configs.Config.HostRootUID].
// Start closes the process's ends, whether it succeeds or not.
func (p *Process) InitializeIO(rootuid, rootgid int) (*IO, error) {
	var ours, theirs []*os.File
	fail := func(err error) (*IO, error) {
		inside.CloseAll(ours)
		inside.CloseAll(theirs)
		return nil, err
	}
	for n := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			return fail(err)
		}
		if n == 0 {
			r, w = w, r
		}
		ours, theirs = append(ours, r), append(theirs, w)
		// One fchown(2) is for both ends of a pipe.
		if err := w.Chown(rootuid, rootgid); err != nil {
			return fail(err)
		}
	}
	p.Stdin, p.Stdout, p.Stderr = theirs[0], theirs[1], theirs[2]
	p.pipes = append(p.pipes, theirs...)
	return &IO{Stdin: ours[0], Stdout: ours[1], Stderr: ours[2]}, nil
}

// closePipes closes the process's ends of the pipes of InitializeIO.
func (p *Process) closePipes() {
	inside.CloseAll(p.pipes)
	p.pipes = nil
}

// stdio gives the files for fds 0 to 2 of the child. What is in theirs has to be
// closed once the child has them. After that run.startCopies has to be called, or
// run.dropCopies.
func (p *Process) stdio(run *running) (files, theirs []*os.File, err error) {
	var ours []*os.File
	var copies []func()
	run.dropCopies = func() { inside.CloseAll(theirs); inside.CloseAll(ours) }
	run.startCopies = func() {
		for _, start := range copies {
			start()
		}
	}
	defer func() {
		if err != nil {
			run.dropCopies()
		}
	}()
	null := func(flag int) error {
		f, err := os.OpenFile(os.DevNull, flag, 0)
		if err == nil {
			theirs, files = append(theirs, f), append(files, f)
		}
		return err
	}
	if p.Terminal {
		// The console takes their place inside. Until then they are not the
		// caller's: a neighbour in the container's PID namespace could read and
		// write a terminal of the host.
		for range 3 {
			if err := null(os.O_RDWR); err != nil {
				return nil, nil, err
			}
		}
		return files, theirs, nil
	}
	switch in := p.Stdin.(type) {
	case nil:
		if err := null(os.O_RDONLY); err != nil {
			return nil, nil, err
		}
	case *os.File:
		files = append(files, in)
	default:
		r, w, err := os.Pipe()
		if err != nil {
			return nil, nil, err
		}
		files, theirs, ours = append(files, r), append(theirs, r), append(ours, w)
		// Not waited for: it may sit in a read that nothing ends.
		copies = append(copies, func() { go func() { io.Copy(w, in); w.Close() }() })
	}
	for n, out := range []io.Writer{p.Stdout, p.Stderr} {
		switch out := out.(type) {
		case nil:
			if err := null(os.O_WRONLY); err != nil {
				return nil, nil, err
			}
		case *os.File:
			files = append(files, out)
		default:
			if n == 1 && same(p.Stdout, out) {
				// Two goroutines would write to it at once.
				files = append(files, files[1])
				continue
			}
			r, w, err := os.Pipe()
			if err != nil {
				return nil, nil, err
			}
			files, theirs, ours = append(files, w), append(theirs, w), append(ours, r)
			copies = append(copies, func() {
				run.copies.Go(func() { io.Copy(out, r); r.Close() })
			})
		}
	}
	return files, theirs, nil
}

// same says whether two writers are one. Of types that cannot be compared none
// are.
func same(a, b io.Writer) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
