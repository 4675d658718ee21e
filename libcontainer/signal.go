package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/system"
)

// Signal sends a signal to init, or, for SIGKILL to a container that shares
// its pid namespace, to every process of its cgroup: they are in no PID namespace
// whose init's end would end them. It returns [ErrNotRunning] when init has ended.
func (c *Container) Signal(s os.Signal) error {
	sig, ok := s.(unix.Signal)
	if !ok {
		return fmt.Errorf("unsupported signal type %T", s)
	}
	debugf("signal %d to container %s", int(sig), c.id)
	if sig == unix.SIGKILL {
		private, err := c.privatePID()
		if err != nil {
			return err
		}
		if !private {
			return c.killShared()
		}
	}
	if err := c.signalInit(sig); err != nil {
		return err
	}
	if sig == unix.SIGKILL {
		// A frozen v1 cgroup keeps even SIGKILL waiting.
		return c.thawKilled()
	}
	return nil
}

// openInit gives a pidfd of init, made sure to be the same process that the
// state file names; [ErrNotRunning] when that has ended.
func (c *Container) openInit() (int, error) {
	if c.initPid <= 0 {
		return -1, ErrNotRunning
	}
	pidfd, err := unix.PidfdOpen(c.initPid, 0)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return -1, ErrNotRunning
	} else if err != nil {
		return -1, system.Refused(unix.SYS_PIDFD_OPEN, os.NewSyscallError("pidfd_open", err))
	}
	// Only after the open: from here on the number cannot be reused unseen.
	if ok, err := alive(c.initPid, c.initStart); err != nil || !ok {
		unix.Close(pidfd)
		return -1, or(err, ErrNotRunning)
	}
	return pidfd, nil
}

// withInit calls f with a pidfd of init. It stays open meanwhile, though another
// goroutine may collect init, which closes the pidfd of a child of ours.
// [ErrNotRunning] when init has ended.
func (c *Container) withInit(f func(pidfd int) error) error {
	if c.init == nil || c.init.run == nil {
		pidfd, err := c.openInit()
		if err != nil {
			return err
		}
		defer unix.Close(pidfd)
		return f(pidfd)
	}
	conn, err := c.init.run.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := conn.Control(func(fd uintptr) { result = f(int(fd)) }); err != nil {
		return ErrNotRunning // it was collected
	}
	return result
}

// signalInit signals init by a pidfd. Where the kernel or a sandbox has no
// pidfds, it goes by the number, as all runtimes did before Linux 5.3: after a
// look at the start time. Another process can only be meant when init ends and
// all other numbers are given away between the two system calls.
func (c *Container) signalInit(sig unix.Signal) error {
	pidfd, err := c.openInit()
	if err == nil {
		defer unix.Close(pidfd)
		err = system.Refused(unix.SYS_PIDFD_SEND_SIGNAL, os.NewSyscallError("pidfd_send_signal", unix.PidfdSendSignal(pidfd, sig, nil, 0)))
	}
	if system.IsRefused(err) {
		debugf("signal init by its number: %v", err)
		lives, e := alive(c.initPid, c.initStart)
		if e != nil {
			return e
		}
		if !lives {
			return ErrNotRunning
		}
		err = os.NewSyscallError("kill", unix.Kill(c.initPid, sig))
	}
	switch {
	case errors.Is(err, unix.ESRCH):
		return ErrNotRunning
	case err == nil || errors.Is(err, ErrNotRunning):
		return err
	}
	return fmt.Errorf("unable to signal init: %w", err)
}

// privatePID tells whether the container has made its PID namespace.
func (c *Container) privatePID() (bool, error) {
	return c.config.Namespaces.IsPrivate(configs.NEWPID), nil
}

// killShared kills every process of a container without a pid namespace of its
// own: those of its cgroup, leftovers of an init that has ended too, and init
// itself, which is in no cgroup of ours when a rootless user has none.
func (c *Container) killShared() error {
	owner := c.ownsCgroup()
	if owner {
		m, err := c.manager()
		if err != nil {
			return err
		}
		if err := m.Kill(unix.SIGKILL); err != nil {
			return fmt.Errorf("unable to kill all processes: %w", err)
		}
	}
	err := c.signalInit(unix.SIGKILL)
	if errors.Is(err, ErrNotRunning) && owner {
		// By the signal above, or before.
		return nil
	}
	return err
}

// thawKilled lets a killed init die that is frozen.
func (c *Container) thawKilled() error {
	if !c.ownsCgroup() {
		return nil
	}
	m, err := c.manager()
	if err != nil {
		return err
	}
	return m.ThawKilled()
}

// WaitStopped waits until init has ended, at most for the time given. It says
// whether it has.
func (c *Container) WaitStopped(limit time.Duration) (bool, error) {
	deadline := time.Now().Add(limit)
	pidfd, err := c.openInit()
	switch {
	case errors.Is(err, ErrNotRunning):
		return true, nil
	case system.IsRefused(err):
		return c.watchStopped(deadline)
	case err != nil:
		return false, err
	}
	defer unix.Close(pidfd)
	return waitReadable(pidfd, deadline)
}

// watchStopped is WaitStopped without a pidfd: the kernel has no other event for
// the end of a process that is not a child.
func (c *Container) watchStopped(deadline time.Time) (bool, error) {
	const interval = 5 * time.Millisecond
	for {
		lives, err := alive(c.initPid, c.initStart)
		if err != nil || !lives {
			return err == nil, err
		}
		if time.Now().After(deadline) {
			return false, nil
		}
		time.Sleep(interval)
	}
}

// waitReadable waits until the fd has something to read, or until the deadline. A
// pidfd has when its process ends.
func waitReadable(fd int, deadline time.Time) (bool, error) {
	return system.PollUntil([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, deadline)
}
