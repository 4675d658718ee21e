package foreground

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// streams go between the caller and the process. A stream gets a goroutine only
// once it has data that may have to wait: most processes that exec runs write
// little or nothing, and three waiting goroutines take more time than all else
// that exec does in this process.
type streams struct {
	waiting []stream
	running sync.WaitGroup // the goroutines that copy outwards
}

// stream goes from or to one of the caller's files, to or from a pipe.
type stream struct {
	caller  *os.File
	ours    int // our end of the pipe
	inwards bool
}

func (c *streams) add(s stream) { c.waiting = append(c.waiting, s) }

// run copies in a goroutine, from now on.
func (c *streams) run(copy func()) { c.running.Go(copy) }

func (s stream) from() int {
	if s.inwards {
		return int(s.caller.Fd())
	}
	return s.ours
}

// poll waits until the fd is readable, and serves the streams in between.
func (c *streams) poll(fd int) error {
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

// look starts the streams that have something to copy, and closes those that
// have come to their end.
func (c *streams) look(fd int, limit *unix.Timespec) (readable bool, err error) {
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

// splice copies some output where that cannot block: into a pipe that has room,
// or into a file.
func (s stream) splice() bool {
	var st unix.Stat_t
	if s.inwards || unix.Fstat(int(s.caller.Fd()), &st) != nil {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFREG:
	default:
		// SPLICE_F_NONBLOCK does not keep a write to other kinds of files
		// from blocking.
		return false
	}
	n, err := unix.Splice(s.ours, nil, int(s.caller.Fd()), nil, 64<<10, unix.SPLICE_F_NONBLOCK)
	return err == nil && n > 0
}

// null tells whether a stream inwards reads the null device, which never has
// data.
func (s stream) null() bool {
	var st unix.Stat_t
	return s.inwards && unix.Fstat(s.from(), &st) == nil && system.IsNullDevice(&st)
}

// start gives the stream its goroutine.
func (c *streams) start(s stream) {
	// os.NewFile registers a non-blocking fd with the Go runtime's poller.
	_ = unix.SetNonblock(s.ours, true)
	ours := os.NewFile(uintptr(s.ours), "pipe")
	if s.inwards {
		// Nothing waits for this goroutine: nothing ends a read of the
		// caller's stdin.
		go func() {
			_, _ = io.Copy(ours, s.caller)
			ours.Close()
		}()
		return
	}
	to, err := duplicate(s.caller)
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

// startAll starts all that wait.
func (c *streams) startAll() {
	for _, s := range c.waiting {
		c.start(s)
	}
	c.waiting = nil
}

// drain waits until all streams outwards have been copied to their end.
func (c *streams) drain() {
	// Mostly all streams have come to their end at this moment.
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

// close drops the streams that were not started.
func (c *streams) close() {
	for _, s := range c.waiting {
		unix.Close(s.ours)
	}
	c.waiting = nil
}
