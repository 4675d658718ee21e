package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/cgroup"
)

// The cgroup is made before there is a state file to name it. Meanwhile a
// symlink has the state file's name and the cgroup's paths for a target, so
// that a runtime that is killed in between leaves nothing that nobody can find.
// To who reads the state file it is a missing one, and the state file replaces
// it by the rename that it comes with: all that costs one system call.

const notePrefix = "cgroup"

// note says which cgroups are about to be made.
func (c *Container) note(paths map[string]string) error {
	list := []string{notePrefix}
	for _, p := range paths {
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	path := filepath.Join(c.dir, stateFilename)
	err := unix.Symlink(strings.Join(list, "\n"), path)
	if err == unix.ENAMETOOLONG {
		// Longer paths than a symlink can hold: only a kill just now would
		// have needed it.
		return nil
	}
	if err != nil {
		// Without the list, which is long.
		return &os.PathError{Op: "symlink", Path: path, Err: err}
	}
	return nil
}

// dropNote removes the note, or the state file that has replaced it.
func (c *Container) dropNote() error {
	err := os.Remove(filepath.Join(c.dir, stateFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Discard removes what a create left that was killed before there was a state
// file. Where there is one it does nothing, also when that comes just now: it
// waits for a create that is at work.
func Discard(root, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	dir := filepath.Join(root, id)
	lock, err := lockDir(dir)
	if errors.Is(err, ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	} else if err != nil {
		return err
	}
	defer lock.Close()
	state := filepath.Join(dir, stateFilename)
	if _, err := os.Stat(state); err == nil {
		return nil
	}
	if target, err := os.Readlink(state); err == nil {
		list := strings.Split(target, "\n")
		if list[0] == notePrefix {
			if err := cgroup.Remove(list[1:]); err != nil {
				return fmt.Errorf("unable to remove container's cgroup: %w", err)
			}
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("unable to remove container state dir: %w", err)
	}
	return nil
}
