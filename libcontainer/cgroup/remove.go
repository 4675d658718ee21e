package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// removeLimit bounds how long the removal of a cgroup waits for processes that have
// been killed.
const removeLimit = 10 * time.Second

// patience bounds a removal.
type patience struct {
	deadline time.Time
	ctx      context.Context // nil for none
	grace    time.Duration
}

// until gives the deadline, which is near once the context is done.
func (p *patience) until() time.Time {
	if p.ctx != nil && p.ctx.Err() != nil {
		p.deadline, p.ctx = minTime(p.deadline, time.Now().Add(p.grace)), nil
	}
	return p.deadline
}

// GiveUpAfter has [Manager.Destroy] wait no longer than the grace once the
// context is done.
func (m *Manager) GiveUpAfter(ctx context.Context, grace time.Duration) {
	m.patience.ctx, m.patience.grace = ctx, grace
}

// Destroy removes the cgroup and those below it that the container made. It
// waits for processes that are about to end, ten seconds at most.
func (m *Manager) Destroy() error {
	if err := m.stopUnit(); err != nil {
		return err
	}
	p := m.patience
	p.deadline = time.Now().Add(removeLimit)
	return removeAll(slices.Sorted(maps.Values(m.lib.GetPaths())), &p)
}

// DestroyAll is Destroy for a container that has been killed. It kills what is
// left in the cgroup and those below: processes that somebody has moved there
// from outside the container's PID namespace, and frozen ones.
func (m *Manager) DestroyAll() error {
	if err := m.stopUnit(); err != nil {
		return err
	}
	return Clear(slices.Sorted(maps.Values(m.lib.GetPaths())))
}

// stopUnit has systemd end what is in the container's unit.
func (m *Manager) stopUnit() error {
	if !m.config.Systemd {
		return nil
	}
	return m.lib.Destroy()
}

// removeAll tries to remove each cgroup, and reports the first that it could not
// remove.
func removeAll(dirs []string, p *patience) error {
	var first error
	more := 0
	for _, dir := range dirs {
		switch err := removeTree(dir, p); {
		case err == nil:
		case first == nil:
			first = err
		default:
			more++
		}
	}
	if more != 0 {
		return fmt.Errorf("%w (and %d more)", first, more)
	}
	return first
}

// Remove removes cgroups of which nothing but the paths is known.
func Remove(paths []string) error {
	p := patience{deadline: time.Now().Add(removeLimit)}
	return removeAll(paths, &p)
}

// lookAgain bounds one wait for a cgroup to become empty: the kernel wakes nobody
// when another process removes the cgroup meanwhile.
const lookAgain = 100 * time.Millisecond

// removeTree removes a cgroup, those below it first: the kernel refuses (EBUSY)
// while there are any, or processes in it.
func removeTree(dir string, p *patience) error {
	for {
		err := rmdir(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) {
			// On a read-only mount the kernel says so even where nothing is there.
			if !exists(dir) {
				return nil
			}
			return err
		}
		below, e := subgroups(dir)
		if errors.Is(e, fs.ErrNotExist) {
			return nil
		} else if e != nil {
			return e
		}
		for _, sub := range below {
			if e := removeTree(sub, p); e != nil {
				return e
			}
		}
		if len(below) != 0 {
			if rmdir(dir) == nil {
				return nil
			}
		}
		if !time.Now().Before(p.until()) {
			return err
		}
		if e := awaitEmpty(dir, minTime(p.until(), time.Now().Add(lookAgain))); e != nil {
			return e
		}
	}
}

func rmdir(dir string) error {
	if err := unix.Rmdir(dir); err != nil {
		return &os.PathError{Op: "rmdir", Path: dir, Err: err}
	}
	return nil
}

func subgroups(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list, nil
}

// awaitEmpty waits for a change: on v2 by cgroup.events, on v1 by the end of the
// processes that are still there.
func awaitEmpty(dir string, deadline time.Time) error {
	var polls []unix.PollFd
	defer func() {
		for _, p := range polls {
			unix.Close(int(p.Fd))
		}
	}()
	if fd, err := unix.Open(filepath.Join(dir, "cgroup.events"), unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		polls = append(polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLPRI})
		// Reading arms the event. The cgroup may be empty by now.
		buf := make([]byte, 512)
		n, err := unix.Read(fd, buf)
		if err != nil || strings.Contains(string(buf[:n]), "populated 0") {
			return settle(deadline)
		}
	} else {
		pids, err := cgroups.GetPids(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENODEV) {
			return err
		}
		for _, pid := range pids {
			if fd, err := unix.PidfdOpen(pid, 0); err == nil {
				polls = append(polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			}
		}
		if len(polls) == 0 {
			return settle(deadline)
		}
	}
	return poll(polls, deadline)
}

// settle waits for the moment in which a process has left the lists already but
// still keeps its cgroup from being removed: the kernel has no event for its end.
func settle(deadline time.Time) error {
	return poll(nil, minTime(deadline, time.Now().Add(time.Millisecond)))
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func poll(p []unix.PollFd, deadline time.Time) error {
	if _, err := system.PollUntil(p, deadline); err != nil {
		return fmt.Errorf("wait for a change of the cgroup: %w", err)
	}
	return nil
}
