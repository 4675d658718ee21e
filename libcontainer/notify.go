package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/cgroup"
	"runc/libcontainer/system"
)

// NotifyOOM gives a channel that gets a value each time the container runs out
// of memory, and is closed after the last such event once init has ended. The
// caller has to read the channel until then. [ErrNotRunning] when init has ended
// already. Where the cgroup has no memory controller, or the caller may not watch
// it, the channel reports the end alone.
func (c *Container) NotifyOOM() (<-chan struct{}, error) {
	return c.notify(func() (*cgroup.Watch, error) {
		w, err := cgroup.WatchOOM(c.cgroupPaths)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil, nil
		} else if err != nil {
			return nil, fmt.Errorf("unable to watch for out-of-memory events: %w", err)
		}
		return w, nil
	})
}

// PressureLevel is how hard the kernel has to work for the container's memory.
type PressureLevel = cgroup.Pressure

// The levels are the kernel's of cgroup v1. On cgroup v2 the kernel measures how
// long processes wait for memory in two seconds (PSI).
const (
	// LowPressure: memory is being reclaimed; v2: a process waits for 5 % of
	// the time.
	LowPressure = cgroup.LowPressure
	// MediumPressure: memory is swapped, or the cache written out; v2: a process
	// waits for 20 % of the time.
	MediumPressure = cgroup.MediumPressure
	// CriticalPressure: memory is about to run out; v2: all processes wait at
	// once for 20 % of the time.
	CriticalPressure = cgroup.CriticalPressure
)

// NotifyMemoryPressure gives a channel that gets values while the container's
// memory is under at least that pressure, and is closed once init has ended. The
// caller has to read the channel until then. [ErrNotRunning] when init has ended
// already; [ErrCgroupNotExist] where the kernel does not measure it: there is no
// cgroup with a memory controller, or on v2 the kernel was built without PSI.
func (c *Container) NotifyMemoryPressure(level PressureLevel) (<-chan struct{}, error) {
	return c.notify(func() (*cgroup.Watch, error) {
		w, err := cgroup.WatchPressure(c.cgroupPaths, level)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: unable to watch for memory pressure: %w", ErrCgroupNotExist, err)
		} else if err != nil {
			return nil, fmt.Errorf("unable to watch for memory pressure: %w", err)
		}
		return w, nil
	})
}

// notify sends the events of a watch, nil for none, until init has ended.
func (c *Container) notify(watch func() (*cgroup.Watch, error)) (<-chan struct{}, error) {
	pidfd, err := c.openInit()
	if err != nil {
		return nil, err
	}
	end := os.NewFile(uintptr(pidfd), "pidfd")
	events, err := watch()
	if err != nil {
		end.Close()
		return nil, err
	}
	ch := make(chan struct{})
	go func() {
		defer close(ch)
		defer end.Close()
		if events != nil {
			defer events.Close()
		}
		for {
			n, ended, err := awaitEvents(events, end)
			for range n {
				ch <- struct{}{}
			}
			if ended || err != nil {
				return
			}
		}
	}()
	return ch, nil
}

// awaitEvents waits for events or the end of init. It counts the events that came
// before the end as well.
func awaitEvents(events *cgroup.Watch, end *os.File) (n uint64, ended bool, err error) {
	p := []unix.PollFd{{Fd: int32(end.Fd()), Events: unix.POLLIN}}
	if events != nil {
		p = append(p, events.Poll())
	}
	if err := system.Retry(func() error { _, err := unix.Ppoll(p, nil, nil); return err }); err != nil {
		return 0, false, os.NewSyscallError("ppoll", err)
	}
	ended = p[0].Revents != 0
	if events != nil {
		n, err = events.Count(p[1].Revents)
	}
	return n, ended, err
}
