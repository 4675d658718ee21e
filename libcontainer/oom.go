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
// it, the channel tells the end alone.
func (c *Container) NotifyOOM() (<-chan struct{}, error) {
	pidfd, err := c.openInit()
	if err != nil {
		return nil, err
	}
	end := os.NewFile(uintptr(pidfd), "pidfd")
	events, err := cgroup.WatchOOM(c.cgroupPaths)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		events = nil
	} else if err != nil {
		end.Close()
		return nil, fmt.Errorf("unable to watch for out-of-memory events: %w", err)
	}
	ch := make(chan struct{})
	go func() {
		defer close(ch)
		defer end.Close()
		if events != nil {
			defer events.Close()
		}
		for {
			oom, ended, err := awaitOOM(events, end)
			for range oom {
				ch <- struct{}{}
			}
			if ended || err != nil {
				return
			}
		}
	}()
	return ch, nil
}

// awaitOOM waits for events or the end of init. It counts the events that came
// before the end as well.
func awaitOOM(events *cgroup.OOMWatch, end *os.File) (oom uint64, ended bool, err error) {
	p := []unix.PollFd{{Fd: int32(end.Fd()), Events: unix.POLLIN}}
	if events != nil {
		p = append(p, unix.PollFd{Fd: int32(events.FD()), Events: unix.POLLIN})
	}
	if err := system.Retry(func() error { _, err := unix.Ppoll(p, nil, nil); return err }); err != nil {
		return 0, false, os.NewSyscallError("ppoll", err)
	}
	ended = p[0].Revents != 0
	if events != nil {
		oom, err = events.Count()
	}
	return oom, ended, err
}
