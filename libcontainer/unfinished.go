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

// The cgroup is made before there is a state file to name it. A symlink in the
// state folder, with the cgroup's paths for a target, names it from the beginning:
// a runtime that is killed before the state file is there leaves nothing that
// cannot be found, and neither does a state file that has been broken since.
// To write a symlink takes one system call.

const noteFilename = "cgroup"

// note says which cgroups are about to be made.
func (c *Container) note(paths map[string]string) error {
	var list []string
	for _, p := range paths {
		if p != "" && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil
	}
	path := filepath.Join(c.dir, noteFilename)
	err := unix.Symlink(strings.Join(list, "\n"), path)
	if err == unix.ENAMETOOLONG {
		// A symlink cannot hold such long paths. Nobody needs the note unless
		// this process is killed or the state file breaks.
		return nil
	}
	if err != nil {
		// Without the list, which is long.
		return &os.PathError{Op: "symlink", Path: path, Err: err}
	}
	return nil
}

// noted are the paths of the note in a state folder, if there is one.
func noted(dir string) []string {
	target, err := os.Readlink(filepath.Join(dir, noteFilename))
	if err != nil {
		return nil
	}
	return strings.Split(target, "\n")
}

// dropNote removes what names the cgroup, which has been removed: the note and
// the state file.
func (c *Container) dropNote() error {
	var errs []error
	for _, name := range []string{noteFilename, stateFilename} {
		if err := os.Remove(filepath.Join(c.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Discard removes what a create left that was killed before there was a state
// file. It waits for a create that is at work. It does nothing where there is a
// state file, also when that appears meanwhile.
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
	if _, err := os.Lstat(filepath.Join(dir, stateFilename)); err == nil {
		return nil
	}
	paths := noted(dir)
	err = cgroup.Remove(paths)
	if err == nil {
		// systemd may have been told of the scope already.
		err = cgroup.StopUnits(paths)
	}
	if err != nil {
		return fmt.Errorf("unable to remove container's cgroup: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("unable to remove container state dir: %w", err)
	}
	return nil
}
