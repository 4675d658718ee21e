package rootfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// HostMount is a mount that a container without a mount namespace has made in
// that of the host. The kernel uses the numbers again after an unmount, so the
// three together tell it from others.
type HostMount struct {
	// ID is the mount id, as in mountinfo.
	ID uint64
	// Dev is the device number of its root.
	Dev uint64
	// Path is the absolute path of its root on the host.
	Path string
}

// hostMount describes the mount whose root is open as f.
func (f fd) hostMount() (m HostMount, err error) {
	if m.ID, err = f.mountID(); err != nil {
		return m, err
	}
	st, err := f.stat()
	if err != nil {
		return m, err
	}
	m.Dev = uint64(st.Dev)
	m.Path, err = os.Readlink(f.link())
	return m, err
}

// announce tells the runtime which mounts are to be undone when the container
// is deleted.
func (s *setup) announce() error {
	if len(s.attached) == 0 || s.env.Mounted == nil {
		return nil
	}
	list := make([]HostMount, 0, len(s.attached))
	for _, f := range s.attached {
		m, err := f.hostMount()
		if err != nil {
			return err
		}
		list = append(list, m)
	}
	return s.env.Mounted(list)
}

// UnmountHost undoes mounts, the last one first. A path that now leads to
// another mount, or to nothing, is left alone: the mount has been undone, or
// another process has mounted on it.
func UnmountHost(list []HostMount) error {
	var errs []error
	for i := len(list) - 1; i >= 0; i-- {
		if err := list[i].unmount(); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", list[i].Path, err))
		}
	}
	return errors.Join(errs...)
}

func (m HostMount) unmount() error {
	f, err := openat2(unix.AT_FDCWD, m.Path, unix.O_NOFOLLOW, unix.RESOLVE_NO_SYMLINKS)
	if err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("openat2", err)
	}
	defer f.close()
	now, err := f.hostMount()
	if err != nil || now != m {
		return err
	}
	// It is lazy, for the mounts below are the container's, too.
	return os.NewSyscallError("umount2", unix.Unmount(f.link(), unix.MNT_DETACH))
}
