package rootfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mountSetattr is replaced by tests that play an old kernel.
var mountSetattr = unix.MountSetattr

// setattr is mount_setattr(2) on a mount that is open as f.
func setattr(f fd, flags uint, attr *unix.MountAttr) error {
	err := mountSetattr(int(f), "", flags|unix.AT_EMPTY_PATH, attr)
	return os.NewSyscallError("mount_setattr", err)
}

// lacksSetattr: the call is from Linux 5.12.
func lacksSetattr(err error) bool { return errors.Is(err, unix.ENOSYS) }

// decorate gives a detached tree the attributes of op. It says whether that
// has to wait for remount, once the tree is attached.
func decorate(f fd, op *Op) (later bool, err error) {
	if op.Slave {
		err := setattr(f, unix.AT_RECURSIVE, &unix.MountAttr{Propagation: unix.MS_SLAVE})
		if err != nil && !lacksSetattr(err) {
			return false, fmt.Errorf("make it a slave: %w", err)
		}
		later = err != nil
	}
	if op.Kind == Bind && op.Set|op.Clear != 0 {
		err := bindAttrs(f, op)
		if err != nil && !lacksSetattr(err) {
			return false, err
		}
		later = later || err != nil
	}
	if op.RecAttr != nil {
		err := setattr(f, unix.AT_RECURSIVE, op.RecAttr)
		switch {
		case err == nil || lacksSetattr(err) && op.RecIfAble:
		case lacksSetattr(err):
			return false, fmt.Errorf("set recursive attributes (the kernel can from 5.12 on): %w", err)
		default:
			return false, fmt.Errorf("set recursive attributes: %w", err)
		}
	}
	return later, nil
}

// setPropagation is for a mount that is attached: attaching one to a shared
// mount makes it shared, and the kernel refuses that to an unbindable one.
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

// bindAttrs changes the attributes of a clone. What its source's owner locked
// (mount_namespaces(7)) stays, unless the configuration spells out that it must not.
func bindAttrs(f fd, op *Op) error {
	err := setattr(f, 0, &unix.MountAttr{Attr_set: op.Set, Attr_clr: op.Clear})
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	var st unix.Statfs_t
	if serr := unix.Fstatfs(int(f), &st); serr != nil {
		return os.NewSyscallError("fstatfs", serr)
	}
	has := attrOfStatfs(int64(st.Flags))
	if locked := lockedNames(has, op.Asked); locked != "" {
		return fmt.Errorf("cannot clear locked flags %s: %w", locked, err)
	}
	set, clr := op.Set, op.Clear&^(has&replaced)
	if clr&unix.MOUNT_ATTR__ATIME != 0 && has&unix.MOUNT_ATTR__ATIME != set&unix.MOUNT_ATTR__ATIME {
		// Access times are locked as a whole; mount(2) keeps the source's.
		clr &^= unix.MOUNT_ATTR__ATIME
		set &^= unix.MOUNT_ATTR__ATIME
	}
	return setattr(f, 0, &unix.MountAttr{Attr_set: set, Attr_clr: clr})
}

// lockedNames names what of asked the mount has.
func lockedNames(has, asked uint64) string {
	names := ""
	add := func(name string) {
		if names != "" {
			names += ","
		}
		names += name
	}
	for _, a := range [...]struct {
		bit  uint64
		name string
	}{
		{unix.MOUNT_ATTR_RDONLY, "ro"}, {unix.MOUNT_ATTR_NOSUID, "nosuid"},
		{unix.MOUNT_ATTR_NODEV, "nodev"}, {unix.MOUNT_ATTR_NOEXEC, "noexec"},
		{unix.MOUNT_ATTR_NODIRATIME, "nodiratime"}, {unix.MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"},
	} {
		if has&asked&a.bit != 0 {
			add(a.name)
		}
	}
	if asked&unix.MOUNT_ATTR__ATIME != 0 {
		switch has & unix.MOUNT_ATTR__ATIME {
		case unix.MOUNT_ATTR_NOATIME:
			add("noatime")
		case unix.MOUNT_ATTR_STRICTATIME:
			add("strictatime")
		}
	}
	return names
}

// remountAttached does with mount(2) what decorate could not do before the
// tree was attached.
func remountAttached(f fd, op *Op) error {
	path := f.link()
	if op.Slave {
		if err := unix.Mount("", path, "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("make it a slave: %w", os.NewSyscallError("mount", err))
		}
	}
	if op.Kind == Bind && op.Set|op.Clear != 0 {
		if err := remount(f, path, op.Set, op.Clear, op.Asked); err != nil {
			return err
		}
	}
	return nil
}

// remount changes attributes by MS_REMOUNT|MS_BIND, which sets all of them.
func remount(f fd, path string, set, clr, asked uint64) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f), &st); err != nil {
		return os.NewSyscallError("fstatfs", err)
	}
	has := attrOfStatfs(int64(st.Flags))
	const how = unix.MS_REMOUNT | unix.MS_BIND
	err := unix.Mount("", path, "", uintptr(how|msBits(has&^clr|set)), "")
	if err == unix.EPERM {
		if locked := lockedNames(has, asked); locked != "" {
			return fmt.Errorf("cannot clear locked flags %s: %w", locked, err)
		}
		keep := has&replaced | has&unix.MOUNT_ATTR_NODIRATIME | set&^unix.MOUNT_ATTR__ATIME | has&unix.MOUNT_ATTR__ATIME
		err = unix.Mount("", path, "", uintptr(how|msBits(keep)), "")
	}
	return os.NewSyscallError("mount", err)
}

// makeReadonly adds the one attribute to an attached mount.
func makeReadonly(f fd) error {
	err := setattr(f, 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if lacksSetattr(err) {
		return remount(f, f.link(), unix.MOUNT_ATTR_RDONLY, 0, 0)
	}
	return err
}
