package libcontainer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/statejson"
)

// The state folder itself is what commands lock, so that nothing of a lock is
// left behind: who makes a container until its state file is there, who changes
// it, and who removes it. The kernel lets go of a lock when its owner dies.

// lockDir waits for the lock of a container's folder; [ErrNotExist] when the
// folder is gone by then. The lock lasts until the file is closed.
func lockDir(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil, ErrNotExist
	} else if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	f := os.NewFile(uintptr(fd), dir)
	err = retry(func() error { return unix.Flock(fd, unix.LOCK_EX) })
	// A file system without locks has to do without.
	if err != nil && !errors.Is(err, unix.ENOLCK) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EOPNOTSUPP) {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	// Whoever had it before us may have removed the folder, and somebody else
	// have made a new one.
	var held, named unix.Stat_t
	if err := unix.Fstat(fd, &held); err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "fstat", Path: dir, Err: err}
	}
	if unix.Stat(dir, &named) != nil || named.Dev != held.Dev || named.Ino != held.Ino {
		f.Close()
		return nil, ErrNotExist
	}
	return f, nil
}

// makeDir makes the folder of a new container, and locks it.
func makeDir(dir string) (*os.File, error) {
	for {
		// A folder without a state file is what a runtime left that was killed
		// half-way: it counts as not existing (delete removes it), but another
		// create may be at work in it just now, so it is not taken over.
		if err := os.Mkdir(dir, 0o711); errors.Is(err, fs.ErrExist) {
			return nil, ErrExist
		} else if err != nil {
			return nil, err
		}
		lock, err := lockDir(dir)
		if errors.Is(err, ErrNotExist) {
			// A delete was faster, to which it looked like such a leftover.
			continue
		}
		if err == nil {
			// The umask may have taken the search right that a container's root
			// in a user namespace needs to reach exec.fifo and the notify socket.
			err = os.Chmod(dir, 0o711)
		}
		if err != nil {
			os.Remove(dir)
			if lock != nil {
				lock.Close()
			}
			return nil, err
		}
		return lock, nil
	}
}

// hold locks the container unless this process has it locked since it made it.
// The returned function lets go. [ErrNotExist] when the container is gone, even
// if there is another of its name by now.
func (c *Container) hold() (func(), error) {
	if c.making != nil {
		return func() {}, nil
	}
	f, err := lockDir(c.dir)
	if err != nil {
		return nil, err
	}
	if same, err := c.still(); err != nil || !same {
		f.Close()
		return nil, or(err, ErrNotExist)
	}
	return func() { f.Close() }, nil
}

// still says whether the state file is that of this container, not of another
// that was made in its place.
func (c *Container) still() (bool, error) {
	if c.initPid == 0 {
		return true, nil
	}
	b, err := os.ReadFile(filepath.Join(c.dir, stateFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	// As runtimes write it; to understand all of it takes much longer.
	if bytes.Contains(b, fmt.Appendf(nil, `"init_process_pid":%d,`, c.initPid)) &&
		bytes.Contains(b, fmt.Appendf(nil, `"init_process_start":%d,`, c.initStart)) {
		return true, nil
	}
	s, err := statejson.Decode(b)
	if err != nil {
		return false, err
	}
	return s.InitProcessPid == c.initPid && s.InitProcessStartTime == c.initStart, nil
}

// made lets go of the lock of who makes the container: the state file is there.
func (c *Container) made() {
	if c.making != nil {
		c.making.Close()
		c.making = nil
	}
}
