package rootfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// mountSetattr is replaced by tests that play an old kernel.
var mountSetattr = unix.MountSetattr

// setattr is mount_setattr(2) on a mount that is open as f.
func setattr(f fd, flags uint, attr *unix.MountAttr) error {
	err := mountSetattr(int(f), "", flags|unix.AT_EMPTY_PATH, attr)
	return system.Refused(unix.SYS_MOUNT_SETATTR, os.NewSyscallError("mount_setattr", err))
}

// lacksSetattr says that the kernel is older than Linux 5.12, or that a seccomp
// profile around the runtime denies the call.
func lacksSetattr(err error) bool { return system.IsRefused(err) }

// decorate gives a detached tree the attributes of op. later says that they
// have to wait for remountAttached, after the tree is attached.
func decorate(f fd, op *Op) (later bool, err error) {
	if op.Kind == Bind && !op.Change.none() {
		err := changeBind(f, op)
		// Linux 5.12 and 5.13 do not know nosymfollow here (EINVAL), mount(2)
		// has it since 5.10.
		if err != nil && !lacksSetattr(err) && !errors.Is(err, unix.EINVAL) {
			return false, err
		}
		later = err != nil
	}
	if op.RecAttr != nil {
		err := setattr(f, unix.AT_RECURSIVE, op.RecAttr)
		switch {
		case err == nil:
		case lacksSetattr(err):
			return false, fmt.Errorf("set recursive attributes: %w", err)
		default:
			return false, fmt.Errorf("set recursive attributes: %w", err)
		}
	}
	return later, nil
}

// setPropagation is for a mount that is attached: a mount becomes shared when
// it is attached to a shared one, and the kernel attaches no unbindable mount
// to a shared one.
func setPropagation(f fd, list []int) error {
	for _, ms := range list {
		var flags uint
		if ms&unix.MS_REC != 0 {
			flags = unix.AT_RECURSIVE
		}
		err := setattr(f, flags, &unix.MountAttr{Propagation: uint64(ms & msPropagation)})
		if lacksSetattr(err) {
			err = os.NewSyscallError("mount", unix.Mount("", f.link(), "", uintptr(ms), ""))
		}
		if err != nil {
			return fmt.Errorf("set propagation: %w", err)
		}
	}
	return nil
}

// changeBind changes the attributes of a clone as its options say.
func changeBind(f fd, op *Op) error {
	err := op.Change.apply(f)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	has, serr := attrsOf(f)
	if serr != nil {
		return serr
	}
	change, can := op.IfLocked.forKernel(has)
	if can {
		err = change.apply(f)
	}
	if errors.Is(err, unix.EPERM) {
		return errLocked(has, op.IfLocked, err)
	}
	return err
}

func (c Change) apply(f fd) error {
	return setattr(f, 0, &unix.MountAttr{Attr_set: c.Set, Attr_clr: c.Clear})
}

// errLocked says which attributes of the source the options may not change.
func errLocked(has uint64, c Change, err error) error {
	if names := lockedNames(has, c); names != "" {
		return fmt.Errorf("cannot clear locked flags %s: %w", names, err)
	}
	return err
}

// attrsOf reads the attributes of the mount that f is on.
func attrsOf(f fd) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f), &st); err != nil {
		return 0, os.NewSyscallError("fstatfs", err)
	}
	return attrOfStatfs(int64(st.Flags)), nil
}

// remountAttached does with mount(2) what decorate could not do before the
// tree was attached.
func remountAttached(f fd, op *Op) error {
	if op.Kind != Bind || op.Change.none() {
		return nil
	}
	has, err := attrsOf(f)
	if err != nil {
		return err
	}
	err = remount(f.link(), has, op.Change)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	change, can := op.IfLocked.forKernel(has)
	if can {
		err = remount(f.link(), has, change)
	}
	if errors.Is(err, unix.EPERM) {
		return errLocked(has, op.IfLocked, err)
	}
	return err
}

// remount changes attributes by MS_REMOUNT|MS_BIND, which sets all of them: has
// are those that the mount has so far.
func remount(path string, has uint64, c Change) error {
	const how = unix.MS_REMOUNT | unix.MS_BIND
	err := unix.Mount("", path, "", uintptr(how|msBits(has&^c.Clear|c.Set)), "")
	return os.NewSyscallError("mount", err)
}

// addReadonly is remount for the one attribute, where the call that adds it
// alone is missing. path leads to what f is.
func addReadonly(f fd, path string) error {
	has, err := attrsOf(f)
	if err != nil {
		return err
	}
	return remount(path, has, Change{Set: unix.MOUNT_ATTR_RDONLY})
}

// makeReadonly adds the one attribute to an attached mount.
func makeReadonly(f fd) error {
	err := setattr(f, 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if lacksSetattr(err) {
		return addReadonly(f, f.link())
	}
	return err
}
