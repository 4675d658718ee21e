package rootfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// newHiding makes the empty read-only tmpfs that hides folders.
func newHiding(ps []Param) (fd, error) {
	ps = append([]Param{{Key: "ro"}, {"nr_blocks", "1", true}, {"nr_inodes", "1", true}}, ps...)
	return newMount("tmpfs", "tmpfs", ps, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|
		unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
}

// mask covers paths with clones of one mount. A clone is made only for a path
// that exists: the kernel waits for an RCU grace period when a clone is closed
// that was never attached.
type mask struct {
	first fd
	open  func() (fd, error)
}

// cover attaches the mask to what the path leads to.
func (m *mask) cover(path string) error {
	mnt := m.first
	if mnt == none {
		var err error
		if mnt, err = m.open(); err != nil {
			return err
		}
		m.first = mnt
	} else {
		var err error
		if mnt, err = cloneAt(mnt, 0); err != nil {
			return os.NewSyscallError("open_tree", err)
		}
		defer mnt.close()
	}
	err := unix.MoveMount(int(mnt), "", unix.AT_FDCWD, path,
		unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	return moved(err)
}

// MaskPaths hides the plan's Masked paths: the null device covers files, one
// empty read-only tmpfs all folders. Missing paths are ignored. It is to be
// called last, after [Plan.Setup] and [Plan.ReadonlyPaths].
func (p *Plan) MaskPaths() error {
	file := mask{none, openNull}
	folder := mask{none, func() (fd, error) { return newHiding(p.MaskParams) }}
	defer func() {
		file.first.close()
		folder.first.close()
	}()
	for _, path := range p.Masked {
		var st unix.Stat_t
		err := retry(func() error { return unix.Stat(path, &st) })
		switch {
		case err == unix.ENOENT || err == unix.ENOTDIR:
			continue
		case err != nil:
			err = os.NewSyscallError("stat", err)
		case st.Mode&unix.S_IFMT == unix.S_IFDIR:
			// The kernel refuses the mask if the path changes its type now.
			err = folder.cover(path)
		default:
			err = file.cover(path)
		}
		if err != nil {
			return fmt.Errorf("can't mask path %q: %w (config.json: linux.maskedPaths)", path, err)
		}
	}
	if p.Root.OwnMounts && p.Root.Propagation&unix.MS_UNBINDABLE != 0 {
		return p.Root.propagate()
	}
	return nil
}

// openNull clones the container's null device, and makes sure that it is that
// device: an image may have something else in its place, or a symlink to it,
// and masks would then show that (CVE-2025-31133). The check is of the clone, so
// it does not matter where a symlink leads.
func openNull() (fd, error) {
	f, err := cloneTree(unix.AT_FDCWD, "/dev/null", 0)
	if err != nil {
		return none, &os.PathError{Op: "open", Path: "/dev/null", Err: err}
	}
	st, err := f.stat()
	if err == nil && !system.IsNullDevice(&st) {
		err = errors.New("/dev/null of the container is not the null device")
	}
	if err != nil {
		f.close()
		return none, err
	}
	return f, nil
}

// ReadonlyPaths makes the plan's Readonly paths read-only, with all mounts below
// them. Their other attributes stay. Missing paths are ignored. It is to be
// called after [Plan.Setup].
func (p *Plan) ReadonlyPaths() error {
	for _, path := range p.Readonly {
		if err := readonlyPath(path); err != nil {
			return fmt.Errorf("can't make %q read-only: %w (config.json: linux.readonlyPaths)", path, err)
		}
	}
	return nil
}

// readonlyPath looks the path up once, so that the clone covers the very folder
// that was cloned.
func readonlyPath(path string) error {
	target, err := openPath(path, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	defer target.close()
	mnt, err := cloneAt(target, unix.AT_RECURSIVE)
	if err != nil {
		return os.NewSyscallError("open_tree", err)
	}
	defer mnt.close()
	err = setattr(mnt, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if err != nil && !lacksSetattr(err) {
		return err
	}
	late := err != nil
	if err := attach(mnt, target); err != nil {
		return err
	}
	if late {
		// Before Linux 5.12 only the mount itself becomes read-only, and only
		// by path: /proc is the container's by now, so no fd has a path there.
		return addReadonly(mnt, path)
	}
	return nil
}
