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
	"runc/libcontainer/system"
)

// Commands lock the state folder itself (flock(2)), so that no lock file is
// left behind. A create holds the lock until the state file is there, and again
// while it undoes a failed start; update and delete hold it while they work.
// The kernel releases the lock when its owner dies.
//
// A name is no identity: while a hook of a create runs, a delete --force and a
// second create can put another container in the place of the first. Under the
// lock, a command therefore compares the folder that it has locked with the
// folder that has the name now, and touches nothing when they differ.

// openDir opens a container's folder; [ErrNotExist] when there is none.
func openDir(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil, ErrNotExist
	} else if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// lock waits for the lock of a folder that openDir opened. [ErrNotExist] when
// the folder has been removed by then, even if another one has its name.
func lock(folder *os.File) error {
	fd, dir := int(folder.Fd()), folder.Name()
	err := system.Retry(func() error { return unix.Flock(fd, unix.LOCK_EX) })
	// A file system without locks has to do without.
	if err != nil && !errors.Is(err, unix.ENOLCK) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	var held, named unix.Stat_t
	if err := unix.Fstat(fd, &held); err != nil {
		unlock(folder)
		return &fs.PathError{Op: "fstat", Path: dir, Err: err}
	}
	if unix.Stat(dir, &named) != nil || named.Dev != held.Dev || named.Ino != held.Ino {
		unlock(folder)
		return ErrNotExist
	}
	return nil
}

// unlock releases the lock at once, also where a child that has not executed
// its program yet has a copy of the fd.
func unlock(folder *os.File) {
	_ = unix.Flock(int(folder.Fd()), unix.LOCK_UN)
}

// lockDir opens and locks a container's folder. Closing the file releases the
// lock.
func lockDir(dir string) (*os.File, error) {
	folder, err := openDir(dir)
	if err != nil {
		return nil, err
	}
	if err := lock(folder); err != nil {
		folder.Close()
		return nil, err
	}
	return folder, nil
}

// makeDir makes the folder of a new container, and locks it.
func makeDir(dir string) (*os.File, error) {
	for {
		// A folder without a state file is what a runtime left that was killed
		// half-way. It counts as not existing, and delete removes it; but
		// another create may be at work in it just now, so this one does not
		// take it over.
		if err := os.Mkdir(dir, 0o711); errors.Is(err, fs.ErrExist) {
			return nil, ErrExist
		} else if err != nil {
			return nil, err
		}
		folder, err := lockDir(dir)
		if errors.Is(err, ErrNotExist) {
			// A delete was faster: the folder looked like such a leftover.
			continue
		}
		if err == nil {
			// The umask may have removed the search right that a container's root
			// in a user namespace needs to reach exec.fifo and the notify socket.
			err = os.Chmod(dir, 0o711)
		}
		if err != nil {
			os.Remove(dir)
			if folder != nil {
				folder.Close()
			}
			return nil, err
		}
		return folder, nil
	}
}

// hold locks the container, unless this process holds its lock already. The
// returned function releases it. [ErrNotExist] when the container has been
// removed, even if there is another of its name by now.
func (c *Container) hold() (release func(), err error) {
	switch {
	case c.locked:
		return func() {}, nil
	case c.folder != nil:
		if err := lock(c.folder); err != nil {
			return nil, err
		}
		folder := c.folder
		return func() { unlock(folder) }, nil
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

// made releases the lock that this process has held since it made the
// container: the state file is there. The folder stays open, to know it by.
func (c *Container) made() {
	if c.locked {
		unlock(c.folder)
		c.locked = false
	}
}

// retake locks the container again to undo a failed start, until Destroy. It
// says whether the container is still there: when somebody has deleted it,
// everything that was made for it has been removed, and what has its name or
// the name of its cgroup now is another container's.
func (c *Container) retake() (bool, error) {
	if c.locked {
		return true, nil
	}
	if c.folder == nil {
		return false, nil
	}
	if err := lock(c.folder); errors.Is(err, ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	c.locked = true
	return true, nil
}

// ifOurs makes an undo step out of one that goes by the name of the container's
// folder or cgroup.
func (c *Container) ifOurs(undo func() error) func() error {
	return func() error {
		if ours, err := c.retake(); err != nil || !ours {
			return err
		}
		return undo()
	}
}

// whileOurs does what goes by the name of the container's cgroup during the
// start, when the container may have been deleted meanwhile.
func (c *Container) whileOurs(do func() error) error {
	release, err := c.hold()
	if errors.Is(err, ErrNotExist) {
		return errors.New("the container was deleted while it was being created")
	} else if err != nil {
		return err
	}
	defer release()
	return do()
}

// leave closes the folder of a container that this process made. From then on
// the state file tells this container from another of its name.
func (c *Container) leave() {
	if c.folder != nil {
		c.folder.Close()
		c.folder, c.locked = nil, false
	}
}
