package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// propagates says whether mounts on a mount with the propagation ms reach the
// host's mount namespace.
func propagates(ms int) bool {
	return ms != 0 && ms&(unix.MS_SLAVE|unix.MS_PRIVATE|unix.MS_UNBINDABLE) == 0
}

// openRoot sets the propagation of all mounts, and makes the root a mount of its
// own, as pivot_root(2) wants it.
//
// The root becomes what runc makes of it: shared, a slave of the host's or
// private as rootfsPropagation says, and private where it says nothing, though
// everything else is a slave then.
func (s *setup) openRoot() error {
	r := &s.plan.Root
	if !r.OwnMounts {
		// The mounts are the host's, and stay as they are.
		root, err := openPath(r.Path, unix.O_DIRECTORY)
		s.tree.root = root
		return err
	}
	ms := r.Propagation
	switch {
	case ms == 0:
		ms = unix.MS_SLAVE | unix.MS_REC
	case ms&unix.MS_UNBINDABLE != 0:
		// Nothing could be bound any more. The root itself becomes unbindable
		// at the end.
		ms = unix.MS_PRIVATE | ms&unix.MS_REC
	}
	if err := unix.Mount("", "/", "", uintptr(ms), ""); err != nil {
		return fmt.Errorf("set the propagation of /: %w", os.NewSyscallError("mount", err))
	}
	if propagates(ms) || ms&unix.MS_REC == 0 {
		kind := unix.MS_PRIVATE
		if ms&unix.MS_SLAVE != 0 {
			kind = unix.MS_SLAVE
		}
		if err := propagateParent(r.Path, kind); err != nil {
			return err
		}
	}
	root, err := cloneTree(unix.AT_FDCWD, r.Path, unix.AT_RECURSIVE)
	if err != nil {
		return &os.PathError{Op: "open_tree", Path: r.Path, Err: err}
	}
	s.tree.root = root
	err = unix.MoveMount(int(root), "", unix.AT_FDCWD, r.Path,
		unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	if err != nil {
		return system.Refused(unix.SYS_MOVE_MOUNT, &os.PathError{Op: "move_mount", Path: r.Path, Err: err})
	}
	if r.Propagation == 0 {
		return setPropagation(root, []int{unix.MS_PRIVATE})
	}
	return nil
}

// propagateParent makes the mount on which the root lies private, or a slave:
// pivot_root(2) refuses a shared one, and mounts in the root would show on the
// host.
func propagateParent(p string, kind int) error {
	for {
		err := unix.Mount("", p, "", uintptr(kind), "")
		if err == nil {
			return nil
		}
		// EINVAL: p is not the root of a mount. That is further up.
		if err != unix.EINVAL || p == "/" {
			return &os.PathError{Op: "set the propagation of", Path: p, Err: err}
		}
		p = path.Dir(p)
	}
}

// changeRoot makes the root that of this process, and unmounts the old one.
func (s *setup) changeRoot() error {
	r := &s.plan.Root
	if err := unix.Fchdir(int(s.tree.root)); err != nil {
		return fmt.Errorf("error changing root: %w", os.NewSyscallError("fchdir", err))
	}
	switch {
	case !r.OwnMounts:
		if err := unix.Chroot("."); err != nil {
			return fmt.Errorf("error changing root: %w", os.NewSyscallError("chroot", err))
		}
	case r.NoPivot:
		if err := s.moveRoot(); err != nil {
			return fmt.Errorf("error moving root: %w", err)
		}
	default:
		if err := s.pivotRoot(); err != nil {
			return fmt.Errorf("error pivoting root: %w", err)
		}
	}
	if err := unix.Chdir("/"); err != nil {
		return &os.PathError{Op: "chdir", Path: "/", Err: err}
	}
	// This comes after the change of root, for it is about the container's
	// mounts, and would have reached the host's before. An unbindable root
	// comes after the masks, which are bind mounts.
	if r.OwnMounts && r.Propagation != 0 && r.Propagation&(unix.MS_PRIVATE|unix.MS_UNBINDABLE) == 0 {
		if err := r.propagate(); err != nil || r.Propagation&unix.MS_REC == 0 {
			return err
		}
		// The mounts with a propagation of their own get it back.
		for _, p := range s.propagating {
			if err := setPropagation(p.mnt, p.as); err != nil {
				return err
			}
		}
	}
	return nil
}

// propagate sets the propagation of the container's root.
func (r *Root) propagate() error {
	if err := unix.Mount("", "/", "", uintptr(r.Propagation), ""); err != nil {
		return fmt.Errorf("set the propagation of the container's root: %w", os.NewSyscallError("mount", err))
	}
	return nil
}

// pivotRoot puts the old root on top of the new one, at ".", and unmounts it
// there, so that no folder of the image has to hold it (pivot_root(2)).
func (s *setup) pivotRoot() error {
	old, err := openPath("/", unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer old.close()
	if err := unix.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := unix.Fchdir(int(old)); err != nil {
		return os.NewSyscallError("fchdir", err)
	}
	// The unmount must not propagate to the host, where these mounts came from.
	if ms := s.plan.Root.Propagation; ms != 0 && (propagates(ms) || ms&unix.MS_REC == 0) {
		if err := unix.Mount("", ".", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("make the old root a slave: %w", os.NewSyscallError("mount", err))
		}
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the old root: %w", os.NewSyscallError("umount2", err))
	}
	return nil
}

// moveRoot is for a root on the initial ramdisk, where pivot_root(2) fails. The
// old mounts stay, out of reach. Where a full procfs or sysfs is among them, the
// kernel lets the root of a user namespace mount another one without any masks,
// so those are unmounted.
func (s *setup) moveRoot() error {
	full, err := fullMounts(s.plan.Root.Path)
	if err != nil {
		return err
	}
	for _, p := range full {
		// As a slave, so that the host keeps its own.
		if err := unix.Mount("", p, "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
			if errors.Is(err, unix.EINVAL) {
				continue // It was unmounted with one above it.
			}
			return &os.PathError{Op: "make slave", Path: p, Err: err}
		}
		err := unix.Unmount(p, unix.MNT_DETACH)
		if err == unix.EINVAL || err == unix.EPERM {
			// A more privileged namespace has locked it to its parent, so it is
			// covered.
			err = unix.Mount("tmpfs", p, "tmpfs", unix.MS_RDONLY, "")
		}
		if err != nil {
			return &os.PathError{Op: "unmount", Path: p, Err: err}
		}
	}
	err = unix.MoveMount(int(s.tree.root), "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH)
	if err != nil {
		return moved(err)
	}
	return os.NewSyscallError("chroot", unix.Chroot("."))
}
