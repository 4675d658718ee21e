package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// killRounds bounds how often Kill looks again for processes that were forked while
// it killed others.
const killRounds = 100

// Kill sends a signal to every process in the cgroup and those below it. After
// SIGKILL no process is left that runs on. On v2 that is one write to cgroup.kill
// (Linux 5.14).
func (m *Manager) Kill(sig unix.Signal) error {
	if m.v2 && sig == unix.SIGKILL {
		err := os.WriteFile(filepath.Join(m.lib.Path(""), "cgroup.kill"), []byte("1"), 0)
		if err == nil || errors.Is(err, os.ErrNotExist) && !m.lib.Exists() {
			return nil
		}
	}
	if sig != unix.SIGKILL {
		_, err := m.signal(sig, nil)
		return err
	}
	// A process can fork faster than its cgroup can be listed. New processes show
	// up in the next round; a frozen cgroup has none. Where it cannot be frozen, as
	// by an ordinary user, the rounds have to do.
	frozen := m.Freeze() == nil
	seen := make(map[int]bool)
	for range killRounds {
		found, err := m.signal(sig, seen)
		if err != nil {
			return errors.Join(err, m.ThawKilled())
		}
		if found == 0 || frozen {
			break
		}
	}
	if !frozen {
		return nil
	}
	if err := m.Thaw(); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ENODEV) {
		return err
	}
	return nil
}

// kill signals a process that a list of a cgroup's names. The kernel lists a
// process that this one's PID namespace does not show as 0, which would mean the
// caller's own process group to kill(2).
func kill(pid int, sig unix.Signal) error {
	if pid <= 0 {
		return nil
	}
	return unix.Kill(pid, sig)
}

// signal signals the processes that are not in seen yet, and gives their number.
func (m *Manager) signal(sig unix.Signal, seen map[int]bool) (int, error) {
	pids, err := m.lib.GetAllPids()
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	found := 0
	for _, pid := range pids {
		if pid <= 0 || seen[pid] {
			continue
		}
		if seen != nil {
			seen[pid] = true
		}
		found++
		if err := kill(pid, sig); err != nil && err != unix.ESRCH {
			return found, fmt.Errorf("process %d: %w", pid, os.NewSyscallError("kill", err))
		}
	}
	return found, nil
}
