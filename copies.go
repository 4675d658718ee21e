package main

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// copies are the streams between our caller and the process. A stream gets a
// goroutine only once it has something that may have to be waited for: most
// processes that are run by exec say little or nothing, and to have three
// goroutines wait for that takes longer than all else that exec does in our own
// process.
type copies struct {
	waiting []stream
	running sync.WaitGroup // those outwards
}

// stream goes from or to one of our caller's files, to or from a pipe.
type stream struct {
	caller  *os.File
	ours    int // our end of the pipe
	inwards bool
}

func (c *copies) add(s stream) { c.waiting = append(c.waiting, s) }

// run copies at once.
func (c *copies) run(copy func()) { c.running.Go(copy) }

func (s stream) from() int {
	if s.inwards {
		return int(s.caller.Fd())
	}
	return s.ours
}

// poll waits until the fd is readable, and looks after the streams meanwhile.
func (c *copies) poll(fd int) error {
	for {
		readable, err := c.look(fd, nil)
		if err == nil && readable {
			return nil
		}
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("ppoll", err)
		}
	}
}

// look starts what has something to copy, and closes what has come to its end.
func (c *copies) look(fd int, limit *unix.Timespec) (readable bool, err error) {
	fds := append(make([]unix.PollFd, 0, 4), unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	for _, s := range c.waiting {
		fds = append(fds, unix.PollFd{Fd: int32(s.from()), Events: unix.POLLIN})
	}
	if _, err := unix.Ppoll(fds, limit, nil); err != nil {
		return false, err
	}
	still := c.waiting[:0]
	for i, s := range c.waiting {
		switch ev := fds[i+1].Revents; {
		case ev&unix.POLLIN != 0 && s.splice():
			still = append(still, s)
		case ev&unix.POLLIN != 0 && !s.null():
			c.start(s)
		case ev != 0:
			unix.Close(s.ours)
		default:
			still = append(still, s)
		}
	}
	c.waiting = still
	return fds[0].Revents != 0, nil
}

// splice copies some output where that needs no waiting: into a pipe that has
// room, or a file.
func (s stream) splice() bool {
	var st unix.Stat_t
	if s.inwards || unix.Fstat(int(s.caller.Fd()), &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFREG:
	default:
		// Not every kind is left alone by SPLICE_F_NONBLOCK.
		return false
	}
	n, err := unix.Splice(s.ours, nil, int(s.caller.Fd()), nil, 64<<10, unix.SPLICE_F_NONBLOCK)
	return err == nil && n > 0
}

// null: from the null device nothing ever comes.
func (s stream) null() bool {
	var st unix.Stat_t
	return s.inwards && unix.Fstat(s.from(), &st) == nil &&
		st.Mode&unix.S_IFMT == unix.S_IFCHR && uint64(st.Rdev) == unix.Mkdev(1, 3)
}

// start gives the stream its goroutine.
func (c *copies) start(s stream) {
	// Now it is worth a place with the Go runtime's poller.
	_ = unix.SetNonblock(s.ours, true)
	ours := os.NewFile(uintptr(s.ours), "pipe")
	if s.inwards {
		// Not waited for: it may sit in a read that nothing ends.
		go func() {
			_, _ = io.Copy(ours, s.caller)
			ours.Close()
		}()
		return
	}
	to, err := otherwise(s.caller)
	if err != nil {
		to = s.caller
	}
	c.running.Go(func() {
		_, _ = io.Copy(to, ours)
		ours.Close()
		if to != s.caller {
			to.Close()
		}
	})
}

func (c *copies) startAll() {
	for _, s := range c.waiting {
		c.start(s)
	}
	c.waiting = nil
}

// drain waits until all that goes outwards has been copied.
func (c *copies) drain() {
	// Mostly everything has come to its end just now.
	_, _ = c.look(-1, new(unix.Timespec))
	for _, s := range c.waiting {
		if s.inwards {
			unix.Close(s.ours)
		} else {
			c.start(s)
		}
	}
	c.waiting = nil
	c.running.Wait()
}

// close gives up what was not started.
func (c *copies) close() {
	for _, s := range c.waiting {
		unix.Close(s.ours)
	}
	c.waiting = nil
}
