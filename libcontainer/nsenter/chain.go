package nsenter

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// chain are the processes of a start: the one that the runtime has executed, and
// those that each in turn has made.
//
// The runtime signals, moves and limits the last one by its pid, so a pid has to
// come from a process outside the container. The process inside has the same
// socket from its birth on. A neighbour in its PID namespace that may trace it
// can write to that socket, earlier than the process's maker does. So every
// message is asked for its sender, whose pid the kernel attaches (SO_PASSCRED,
// unix(7)), and a pid counts only when it comes from a process of the chain.
// A sender may claim another pid only of those that its own PID namespace shows.
type chain struct {
	// pid is the last known process, in the end the one wanted.
	pid int
	// former are those before it, which end as soon as they have sent the pid.
	former []int
	// maker is the pidfd of a process that makes the next one and has not sent its
	// pid yet, or -1. When that process is killed, by the OOM killer for example,
	// the next one may have the socket, and say nothing.
	maker int
	// left is how many processes are still to be made.
	left int
	// made are pids from senders that are not known to be of the chain. A
	// process's first message may be faster than its maker's.
	made map[int]int
	// relayed: the relay's child has said its own pid.
	relayed bool
}

// maxUnknown bounds made.
const maxUnknown = 4

var errForged = errors.New("unexpected pid from the process that enters the container")

// note takes a pid from a sender.
func (s *start) note(from int, m program.Message) error {
	pid := int(m.Value)
	if s.p.relay && !s.relayed {
		// The first message of all: nothing of this start is inside yet.
		if from != pid || m.Addr != 1 {
			return errForged
		}
		s.relayed = true
		s.extend(pid)
		return nil
	}
	if s.made == nil {
		s.made = make(map[int]int)
	}
	if _, ok := s.made[from]; ok || len(s.made) == maxUnknown || from <= 0 || pid <= 0 {
		return errForged
	}
	s.made[from] = pid
	for s.left > 0 {
		next, ok := s.made[s.pid]
		if !ok {
			break
		}
		s.extend(next)
	}
	return nil
}

func (c *chain) extend(pid int) {
	c.former = append(c.former, c.pid)
	c.pid = pid
	c.left--
	c.forgetMaker()
	if c.left > 0 {
		// Without one, a start waits for a maker that was killed.
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			c.maker = fd
		}
	}
}

func (c *chain) forgetMaker() {
	if c.maker >= 0 {
		unix.Close(c.maker)
		c.maker = -1
	}
}

// killGrace is how long kill waits for the end of a process. One that is traced
// by a process of the container stays until its tracer lets it go.
const killGrace = 150 * time.Millisecond

// kill ends all processes of the start.
func (c *chain) kill() {
	all := append(c.former, c.pid)
	for _, pid := range all {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	done := make(chan struct{})
	go func() {
		for _, pid := range all {
			reap(pid)
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(killGrace):
	}
}

func (c *chain) reapFormer() {
	for _, pid := range c.former {
		reap(pid)
	}
	c.former = nil
}

func reap(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}
