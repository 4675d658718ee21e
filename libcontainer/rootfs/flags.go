package rootfs

import (
	"strings"

	"golang.org/x/sys/unix"
)

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

// fsFlags pairs those that belong to the file system with what fsconfig(2)
// calls them.
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

	// replaced are the attributes that a bind mount with any flag at all has
	// only when they are among its flags.
	replaced = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV |
		unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_NOSYMFOLLOW
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

// bindAttr gives what a bind mount changes of its source's attributes: to set,
// to clear, and which of the latter the options spell out. Without options it
// keeps them all; with any, it has those of the options, and its source's
// access times unless they are among them.
func bindAttr(set, cleared int) (on, off, asked uint64) {
	const none = unix.MS_BIND | unix.MS_REC | unix.MS_REMOUNT | unix.MS_SILENT
	if set&^none == 0 && cleared == 0 {
		return 0, 0, 0
	}
	on = attrBits(set)
	asked = attrBits(cleared) &^ on
	off = (replaced | asked) &^ on
	if set&msAtime != 0 {
		on |= newAttr(set) & unix.MOUNT_ATTR__ATIME
		off |= unix.MOUNT_ATTR__ATIME
	} else if cleared&(unix.MS_NOATIME|unix.MS_STRICTATIME) != 0 {
		off |= unix.MOUNT_ATTR__ATIME
		asked |= unix.MOUNT_ATTR__ATIME
	}
	return on, off, asked
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

// params takes mount data apart. A comma within double quotes separates
// nothing, as in the context options of SELinux.
func params(data string) []Param {
	var ps []Param
	for data != "" {
		quoted, end := false, len(data)
		for i := range len(data) {
			if data[i] == '"' {
				quoted = !quoted
			} else if data[i] == ',' && !quoted {
				end = i
				break
			}
		}
		item := data[:end]
		data = data[min(end+1, len(data)):]
		if item == "" {
			continue
		}
		key, value, has := strings.Cut(item, "=")
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' && strings.HasSuffix(key, "context") {
			value = value[1 : len(value)-1]
		}
		ps = append(ps, Param{key, value, has})
	}
	return ps
}

// maxParam is what fsconfig(2) takes as a value, its end included.
const maxParam = 256

// needLegacy says that only mount(2) can carry the options: a value is too
// long for fsconfig(2), as an overlay's lowerdir may be, or a flag has no name there.
func needLegacy(flags int, ps []Param) bool {
	if flags&unix.MS_I_VERSION != 0 {
		return true
	}
	for _, p := range ps {
		if len(p.Value) >= maxParam || len(p.Key) >= maxParam {
			return true
		}
	}
	return false
}
