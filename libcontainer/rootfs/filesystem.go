package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// filesystem attaches a new mount of a file system.
func (s *setup) filesystem(op *Op) error {
	t, err := s.target(op, folder(op.TargetMode))
	if err != nil {
		return err
	}
	defer t.fd.close()
	ps, data := op.Params, op.Data
	if op.ModeFromTarget && !t.made {
		st, err := t.fd.stat()
		if err != nil {
			return err
		}
		mode := "0" + strconv.FormatUint(uint64(st.Mode&0o7777), 8)
		ps = append(ps[:len(ps):len(ps)], Param{"mode", mode, true})
		data = strings.TrimPrefix(data+",mode="+mode, ",")
	}
	if op.Legacy {
		return s.legacy(op, t, data)
	}
	mnt, err := newMount(op.FSType, op.Source, ps, op.Set)
	if errors.Is(err, unix.EINVAL) && op.Set&unix.MOUNT_ATTR_NOSYMFOLLOW != 0 {
		// fsmount(2) knows nosymfollow since Linux 5.14, mount(2) since 5.10.
		return s.legacy(op, t, data)
	}
	if err != nil {
		return err
	}
	if op.CopyUp && !t.made {
		if err := s.copyUp(t.fd, mnt); err != nil {
			mnt.close()
			return fmt.Errorf("tmpcopyup: %w", err)
		}
	}
	if op.Label != "" {
		if err := unix.Setxattr(mnt.link(), "security.selinux", []byte(op.Label), 0); err != nil {
			mnt.close()
			return fmt.Errorf("set label %q: %w", op.Label, os.NewSyscallError("setxattr", err))
		}
	}
	later, err := decorate(mnt, op)
	if err != nil {
		mnt.close()
		return err
	}
	var dup fd
	if later {
		if dup, err = dupFD(mnt); err != nil {
			mnt.close()
			return err
		}
		defer dup.close()
	}
	// The root of a tmpfs is kept open, for targets and nodes in it.
	if err := s.place(op, mnt, t, op.FSType == "tmpfs"); err != nil {
		return err
	}
	if later {
		return remountAttached(dup, op)
	}
	return nil
}

// legacy mounts by mount(2), which attaches the mount before anything else can
// be done to it. The fd of the target still leads beneath the mount, so the root
// of the mount has to be looked up by name. A process that changes the meaning
// of the name in between causes an error.
func (s *setup) legacy(op *Op, t resolved, data string) error {
	err := unix.Mount(op.Source, t.fd.link(), op.FSType, uintptr(op.Flags), data)
	if err != nil {
		return fmt.Errorf("mount of type %q: %w", op.FSType, os.NewSyscallError("mount", err))
	}
	s.tree.covered(op.Target, t.byLink)
	top, err := s.tree.open(op.Target, 0)
	if err != nil {
		return fmt.Errorf("open what was mounted: %w", err)
	}
	defer top.fd.close()
	var was, is unix.Statx_t
	const how = unix.AT_EMPTY_PATH | unix.AT_SYMLINK_NOFOLLOW
	if err := unix.Statx(int(t.fd), "", how, unix.STATX_MNT_ID, &was); err != nil {
		return os.NewSyscallError("statx", err)
	}
	if err := unix.Statx(int(top.fd), "", how, unix.STATX_MNT_ID, &is); err != nil {
		return os.NewSyscallError("statx", err)
	}
	if is.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 || is.Mnt_id == was.Mnt_id {
		return errors.New("the target has been replaced while it was mounted on")
	}
	if op.CopyUp && !t.made {
		if err := s.copyUp(t.fd, top.fd); err != nil {
			return fmt.Errorf("tmpcopyup: %w", err)
		}
	}
	later, err := decorate(top.fd, op)
	if err == nil && later {
		err = remountAttached(top.fd, op)
	}
	if err != nil {
		return err
	}
	return s.attachedNow(op, top.fd)
}
