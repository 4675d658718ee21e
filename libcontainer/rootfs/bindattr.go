package rootfs

import "golang.org/x/sys/unix"

// named are the attributes that a bind mount with any option at all has only
// when one of its options names them.
const named = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV |
	unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_NOSYMFOLLOW

// bindAttr gives the changes that the options of a bind mount make to the
// attributes of its source: set and cleared are the MS_ flags that the options
// switch on and off. The rules are those of mount(2) with MS_REMOUNT|MS_BIND,
// which runc uses, and by which engines' configurations are written:
//
//   - Without any option the mount keeps all attributes of its source.
//   - With one, it has the attributes that its options name, and no others.
//     An option that only switches something off counts as one (mount(8)
//     ignores such an option, runc does not).
//   - Access times stay as they are unless an option sets one of noatime,
//     nodiratime, relatime and strictatime. The named ones then replace all
//     four. Options that only switch one of them off (atime, diratime,
//     norelatime, nostrictatime) change nothing about them.
//
// A mount namespace whose owner is a less privileged user namespace locks the
// attributes of the mounts that it has inherited (mount_namespaces(7)): ro,
// nosuid, nodev and noexec where they are set, and all access times together,
// but not nosymfollow. Where the kernel refuses the first change with EPERM,
// the second one is made: the mount keeps all attributes of its source except
// those that an option switches off, and nosymfollow. The kernel refuses that,
// too, where an option switches off a locked one.
func bindAttr(set, cleared int) (change, ifLocked Change) {
	const noOption = unix.MS_BIND | unix.MS_REC | unix.MS_REMOUNT | unix.MS_SILENT
	if set&^noOption == 0 && cleared == 0 {
		return Change{}, Change{}
	}
	on := attrBits(set)
	off := attrBits(cleared)

	change = Change{Set: on, Clear: named &^ on}
	if set&(msAtime|unix.MS_NODIRATIME) != 0 {
		change.Set |= newAttr(set) & unix.MOUNT_ATTR__ATIME
		change.Clear |= (unix.MOUNT_ATTR__ATIME | unix.MOUNT_ATTR_NODIRATIME) &^ (on & unix.MOUNT_ATTR_NODIRATIME)
	}
	ifLocked = Change{Set: on, Clear: (off | unix.MOUNT_ATTR_NOSYMFOLLOW) &^ on}
	switch {
	case set&msAtime != 0:
		ifLocked.Set |= newAttr(set) & unix.MOUNT_ATTR__ATIME
		ifLocked.Clear |= unix.MOUNT_ATTR__ATIME
	case cleared&unix.MS_NOATIME != 0:
		ifLocked.Clear |= notNoatime
	}
	return change, ifLocked
}

// notNoatime in IfLocked.Clear says that an option asks for atime. The kernel
// takes access times only as a whole field (MOUNT_ATTR__ATIME, EINVAL for a
// part of it), so [Change.forKernel] turns it into an error or into nothing.
const notNoatime = unix.MOUNT_ATTR_NOATIME

// forKernel gives the change without notNoatime, and whether a mount with the
// attributes in has can have it.
func (c Change) forKernel(has uint64) (Change, bool) {
	if c.Clear&unix.MOUNT_ATTR__ATIME != notNoatime {
		return c, true
	}
	c.Clear &^= notNoatime
	return c, has&unix.MOUNT_ATTR__ATIME != unix.MOUNT_ATTR_NOATIME
}

// lockedNames names the attributes of a mount that has them (MOUNT_ATTR_ bits)
// and that c would change though their owner may have locked them.
func lockedNames(has uint64, c Change) string {
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
		{unix.MOUNT_ATTR_NODIRATIME, "nodiratime"},
	} {
		if has&c.Clear&a.bit != 0 {
			add(a.name)
		}
	}
	if c.Set&^has&unix.MOUNT_ATTR_NODIRATIME != 0 {
		add("diratime")
	}
	was := has & unix.MOUNT_ATTR__ATIME
	switch {
	case c.Clear&unix.MOUNT_ATTR__ATIME == 0 || was == c.Set&unix.MOUNT_ATTR__ATIME:
	case was == unix.MOUNT_ATTR_NOATIME:
		add("noatime")
	case c.Clear&unix.MOUNT_ATTR__ATIME == notNoatime:
	case was == unix.MOUNT_ATTR_STRICTATIME:
		add("strictatime")
	default:
		add("relatime")
	}
	return names
}
