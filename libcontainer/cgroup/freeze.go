package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// freezeLimit bounds how long Freeze waits for the last process to stop: a process
// in an uninterruptible sleep stops only when the sleep ends.
const freezeLimit = 10 * time.Second

// Freeze stops all processes, and returns when they have stopped.
func (m *Manager) Freeze() error {
	if !m.v2 {
		return m.lib.Freeze(cgroups.Frozen)
	}
	dir := m.lib.Path("")
	if err := writeFreeze(dir, "1"); err != nil {
		return err
	}
	if err := awaitFrozen(dir, time.Now().Add(freezeLimit)); err != nil {
		// A cgroup that is frozen in part would be worse than one that is not.
		return errors.Join(err, writeFreeze(dir, "0"))
	}
	return nil
}

// Thaw undoes Freeze.
func (m *Manager) Thaw() error {
	if !m.v2 {
		return m.lib.Freeze(cgroups.Thawed)
	}
	return writeFreeze(m.lib.Path(""), "0")
}

func writeFreeze(dir, value string) error {
	f, err := cgroups.OpenFile(dir, "cgroup.freeze", unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}

// awaitFrozen waits until cgroup.events says that all is frozen (Linux 5.2).
func awaitFrozen(dir string, deadline time.Time) error {
	f, err := os.Open(filepath.Join(dir, "cgroup.events"))
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 512)
	for {
		// Reading arms the next event.
		n, err := f.ReadAt(buf, 0)
		if n == 0 {
			return err
		}
		if strings.Contains(string(buf[:n]), "frozen 1") {
			return nil
		}
		if !time.Now().Before(deadline) {
			return errors.New("timed out waiting for the cgroup to freeze")
		}
		if err := poll([]unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}, deadline); err != nil {
			return err
		}
	}
}
