package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// removeLimit bounds how long the removal of a cgroup waits for processes that
// have been killed.
const removeLimit = 10 * time.Second

// Destroy removes the cgroup and those below it that the container made. It
// waits for processes that are about to end, ten seconds at most.
func (m *Manager) Destroy() error {
	if m.config.Systemd {
		// Stopping the unit ends what is in it.
		if err := m.lib.Destroy(); err != nil {
			return err
		}
	}
	deadline := time.Now().Add(removeLimit)
	var errs []error
	for _, dir := range m.lib.GetPaths() {
		if err := removeTree(dir, deadline); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Remove removes cgroups by their paths alone, where nobody knows more of them.
func Remove(paths []string) error {
	deadline := time.Now().Add(removeLimit)
	var errs []error
	for _, dir := range paths {
		errs = append(errs, removeTree(dir, deadline))
	}
	return errors.Join(errs...)
}

// lookAgain bounds one wait for a cgroup to become empty: when somebody else
// removes it meanwhile, the kernel wakes nobody.
const lookAgain = 100 * time.Millisecond

// removeTree removes a cgroup, those below it first: the kernel refuses (EBUSY)
// while there are any, or processes in it.
func removeTree(dir string, deadline time.Time) error {
	for {
		err := rmdir(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) {
			// A read-only mount says so even for what is not there.
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
			if e := removeTree(sub, deadline); e != nil {
				return e
			}
		}
		if len(below) != 0 {
			if rmdir(dir) == nil {
				return nil
			}
		}
		if !time.Now().Before(deadline) {
			return err
		}
		if e := awaitEmpty(dir, minTime(deadline, time.Now().Add(lookAgain))); e != nil {
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

// awaitEmpty waits until the kernel tells of a change: on v2 by cgroup.events,
// on v1 by the end of the processes that are still there.
func awaitEmpty(dir string, deadline time.Time) error {
	var polls []unix.PollFd
	defer func() {
		for _, p := range polls {
			unix.Close(int(p.Fd))
		}
	}()
	if fd, err := unix.Open(filepath.Join(dir, "cgroup.events"), unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		polls = append(polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLPRI})
		// Reading arms the event; and it may be empty by now.
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

// settle is for the moment in which a process has left the lists already but
// the kernel has not let go of its cgroup: there is no event for that.
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
	for {
		left := unix.NsecToTimespec(max(0, time.Until(deadline)).Nanoseconds())
		_, err := unix.Ppoll(p, &left, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for a change of the cgroup: %w", os.NewSyscallError("ppoll", err))
		}
		return nil
	}
}
