package rootfs

import "golang.org/x/sys/unix"

// attrOf pairs the flags of mount(2) that belong to a mount, not to its file
// system, with those of the new API. Access times are a field, not flags.
var attrOf = [...]struct {
	ms   int
	attr uint64
}{
	{unix.MS_RDONLY, unix.MOUNT_ATTR_RDONLY},
	{unix.MS_NOSUID, unix.MOUNT_ATTR_NOSUID},
	{unix.MS_NODEV, unix.MOUNT_ATTR_NODEV},
	{unix.MS_NOEXEC, unix.MOUNT_ATTR_NOEXEC},
	{unix.MS_NODIRATIME, unix.MOUNT_ATTR_NODIRATIME},
	{unix.MS_NOSYMFOLLOW, unix.MOUNT_ATTR_NOSYMFOLLOW},
}

// fsFlags pairs the flags that belong to the file system with their names for
// fsconfig(2).
var fsFlags = [...]struct {
	ms  int
	key string
}{
	{unix.MS_RDONLY, "ro"},
	{unix.MS_SYNCHRONOUS, "sync"},
	{unix.MS_DIRSYNC, "dirsync"},
	{unix.MS_MANDLOCK, "mand"},
	{unix.MS_LAZYTIME, "lazytime"},
}

const (
	msAtime       = unix.MS_NOATIME | unix.MS_RELATIME | unix.MS_STRICTATIME
	msPropagation = unix.MS_SHARED | unix.MS_SLAVE | unix.MS_PRIVATE | unix.MS_UNBINDABLE
)

func attrBits(ms int) uint64 {
	var attr uint64
	for _, f := range attrOf {
		if ms&f.ms != 0 {
			attr |= f.attr
		}
	}
	return attr
}

// newAttr gives the attributes of a new mount. As with mount(2), strictatime
// beats noatime, and relatime is the default.
func newAttr(ms int) uint64 {
	attr := attrBits(ms)
	switch {
	case ms&unix.MS_STRICTATIME != 0:
		attr |= unix.MOUNT_ATTR_STRICTATIME
	case ms&unix.MS_NOATIME != 0:
		attr |= unix.MOUNT_ATTR_NOATIME
	}
	return attr
}

// msBits turns attributes back into flags for mount(2).
func msBits(attr uint64) int {
	ms := 0
	for _, f := range attrOf {
		if attr&f.attr != 0 {
			ms |= f.ms
		}
	}
	switch attr & unix.MOUNT_ATTR__ATIME {
	case unix.MOUNT_ATTR_NOATIME:
		ms |= unix.MS_NOATIME
	case unix.MOUNT_ATTR_STRICTATIME:
		ms |= unix.MS_STRICTATIME
	default:
		ms |= unix.MS_RELATIME
	}
	return ms
}

// attrOfStatfs reads f_flags of statfs(2). Its ST_ bits are those of mount(2)
// but for relatime and nosymfollow.
func attrOfStatfs(flags int64) uint64 {
	const (
		stNoatime     = 1 << 10
		stNodiratime  = 1 << 11
		stRelatime    = 1 << 12
		stNosymfollow = 1 << 13
	)
	attr := attrBits(int(flags) & (unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC))
	if flags&stNosymfollow != 0 {
		attr |= unix.MOUNT_ATTR_NOSYMFOLLOW
	}
	if flags&stNodiratime != 0 {
		attr |= unix.MOUNT_ATTR_NODIRATIME
	}
	switch {
	case flags&stNoatime != 0:
		attr |= unix.MOUNT_ATTR_NOATIME
	case flags&stRelatime == 0:
		attr |= unix.MOUNT_ATTR_STRICTATIME
	}
	return attr
}
