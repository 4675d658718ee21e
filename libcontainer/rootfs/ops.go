package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// errNoSource says that what a bind mount names is not there.
var errNoSource = errors.New("failed to fulfil mount request")

// do carries out one operation, or what is to be done instead.
func (s *setup) do(op *Op) error {
	err := s.try(op)
	if err != nil && op.Else != nil && (refused(err) || errors.Is(err, errNoSource)) {
		return s.do(op.Else)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoSource):
		return fmt.Errorf("%w (config.json: %s.source)", err, op.Place)
	}
	return mountError(op.Source, op.Target, fmt.Errorf("%w (config.json: %s)", err, op.Place))
}

func (s *setup) try(op *Op) error {
	switch op.Kind {
	case Bind:
		return s.bind(op)
	case Filesystem:
		return s.filesystem(op)
	case Remount:
		return s.remount(op)
	case Link:
		return s.link(op)
	case Hide:
		return s.hide(op)
	}
	return fmt.Errorf("unknown operation %d", op.Kind)
}

// target opens what the operation mounts on, making it when it is missing.
func (s *setup) target(op *Op, isDir func() (bool, error)) (resolved, error) {
	var t resolved
	var err error
	if op.RealDir {
		t, err = s.tree.realDir(op.Target)
		if err == unix.ELOOP || err == unix.ENOTDIR {
			return t, fmt.Errorf("filesystem %q must be mounted on ordinary directory: %w", op.FSType, err)
		}
	} else {
		t, err = s.tree.openOrMake(op.Target, isDir)
	}
	if err != nil {
		return t, fmt.Errorf("create mountpoint for %s mount: %w", op.Target, err)
	}
	if t.byLink {
		if err := s.checkPlace(t.fd); err != nil {
			t.fd.close()
			return t, err
		}
	}
	return t, nil
}

// checkPlace repeats the rules about targets for one that symlinks led to.
func (s *setup) checkPlace(f fd) error {
	place, err := s.tree.placeOf(f)
	if err != nil {
		return err
	}
	switch {
	case place == "/":
		return errors.New("the root of the container cannot be mounted over")
	case place == "/proc" || strings.HasPrefix(place, "/proc/") && !coverable(place):
		return fmt.Errorf("%q cannot be mounted because it is inside /proc", place)
	}
	return nil
}

// notInProc refuses a folder of procfs that symlinks led to: a node that is
// bound there would hide what labels and limits are written to.
func (s *setup) notInProc(r resolved) error {
	if !r.byLink {
		return nil
	}
	magic, err := r.fd.fsMagic()
	if err == nil && magic == unix.PROC_SUPER_MAGIC {
		err = errors.New("a symlink leads its folder into /proc")
	}
	return err
}

func always(isDir bool) func() (bool, error) {
	return func() (bool, error) { return isDir, nil }
}

// place attaches a tree, which it takes over, and keeps the fd for look-ups
// when asked to.
func (s *setup) place(op *Op, mnt fd, t resolved, keep bool) error {
	err := attach(mnt, t.fd)
	if err == nil {
		s.tree.covered(op.Target, t.byLink)
		err = s.attachedNow(op, mnt)
	} else if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTDIR) {
		err = fmt.Errorf("%w (not a directory, where the other one is? Source and target must both be directories, or neither)", err)
	}
	if err == nil && keep && !t.byLink {
		s.tree.remember(op.Target, mnt)
	} else {
		mnt.close()
	}
	return err
}

func dupFD(f fd) (fd, error) {
	n, err := unix.FcntlInt(uintptr(f), unix.F_DUPFD_CLOEXEC, 3)
	return fd(n), os.NewSyscallError("fcntl", err)
}

func (s *setup) bind(op *Op) error {
	mnt, later, err := s.source(op)
	if err != nil {
		return err
	}
	t, err := s.target(op, func() (bool, error) {
		st, err := mnt.stat()
		return st.Mode&unix.S_IFMT == unix.S_IFDIR, err
	})
	if err != nil {
		mnt.close()
		return err
	}
	defer t.fd.close()
	if op.ProcRoot {
		// Labels and sysctls are written there.
		magic, err := mnt.fsMagic()
		if err == nil && magic != unix.PROC_SUPER_MAGIC {
			err = fmt.Errorf("%q cannot be mounted because it is not of type proc", op.Target)
		}
		if err != nil {
			mnt.close()
			return err
		}
	}
	if !later {
		return s.place(op, mnt, t, false)
	}
	dup, err := dupFD(mnt)
	if err != nil {
		mnt.close()
		return err
	}
	defer dup.close()
	if err := s.place(op, mnt, t, false); err != nil {
		return err
	}
	return remountAttached(dup, op)
}

// source gives the tree to bind: the one that the runtime opened, or a clone.
func (s *setup) source(op *Op) (mnt fd, later bool, err error) {
	if op.SourceFD != 0 {
		if op.SourceFD > len(s.env.Sources) {
			return none, false, fmt.Errorf("%w: source %d did not come", errNoSource, op.SourceFD)
		}
		mnt, err = dupFD(fd(s.env.Sources[op.SourceFD-1].Fd()))
		return mnt, false, err
	}
	mnt, later, err = openSource(op)
	if err != nil || op.UserNSFD == 0 {
		return mnt, later, err
	}
	if op.UserNSFD > len(s.env.Sources) {
		err = fmt.Errorf("user namespace %d did not come", op.UserNSFD)
	} else {
		err = idmap(mnt, op.IDMap, s.env.Sources[op.UserNSFD-1])
	}
	if err != nil {
		mnt.close()
		return none, false, err
	}
	return mnt, later, nil
}

// openSource clones what a bind mount names, and gives it its attributes.
func openSource(op *Op) (mnt fd, later bool, err error) {
	var flags uint
	if op.Recursive {
		flags = unix.AT_RECURSIVE
	}
	mnt, err = cloneTree(unix.AT_FDCWD, op.Source, flags)
	if err == unix.ENOENT || err == unix.ENOTDIR {
		return none, false, fmt.Errorf("%w: open %s: %w", errNoSource, op.Source, err)
	}
	if err != nil {
		return none, false, &os.PathError{Op: "open_tree", Path: op.Source, Err: err}
	}
	if later, err = decorate(mnt, op); err != nil {
		mnt.close()
		return none, false, err
	}
	return mnt, later, nil
}

func (s *setup) filesystem(op *Op) error {
	t, err := s.target(op, always(true))
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
		// fsmount(2) has it since Linux 5.14, mount(2) since 5.10.
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
	// Only a tmpfs is looked into again: for /dev and for further targets.
	if err := s.place(op, mnt, t, op.FSType == "tmpfs"); err != nil {
		return err
	}
	if later {
		return remountAttached(dup, op)
	}
	return nil
}

// legacy mounts by mount(2), which attaches before anything else can be done.
// The fd of the target still leads beneath the mount, so its root has to be
// looked up by name: somebody who changed the name's meaning in between gets an
// error.
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

// attachedNow gives a mount its propagation, and remembers it for what is done
// at the end.
func (s *setup) attachedNow(op *Op, mnt fd) error {
	if err := setPropagation(mnt, op.Propagation); err != nil {
		return err
	}
	if len(op.Propagation) != 0 && s.plan.Root.OwnMounts {
		dup, err := dupFD(mnt)
		if err != nil {
			return err
		}
		s.propagating = append(s.propagating, propagating{dup, op.Propagation})
	}
	if !s.plan.Root.OwnMounts {
		dup, err := dupFD(mnt)
		if err != nil {
			return err
		}
		s.attached = append(s.attached, dup)
	}
	if op.LateReadonly {
		dup, err := dupFD(mnt)
		if err != nil {
			return err
		}
		s.readonly = append(s.readonly, dup)
	}
	return nil
}

func (s *setup) remount(op *Op) error {
	t, err := s.tree.open(op.Target, 0)
	if err != nil {
		return fmt.Errorf("remount: open %s: %w", op.Target, err)
	}
	defer t.fd.close()
	if err := unix.Mount(op.Source, t.fd.link(), op.FSType, uintptr(op.Flags), op.Data); err != nil {
		return fmt.Errorf("remount: %w", os.NewSyscallError("mount", err))
	}
	if op.RecAttr != nil {
		if err := setattr(t.fd, unix.AT_RECURSIVE, op.RecAttr); err != nil {
			return fmt.Errorf("set recursive attributes: %w", err)
		}
	}
	return setPropagation(t.fd, op.Propagation)
}

func (s *setup) link(op *Op) error {
	at := strings.LastIndexByte(op.Target, '/')
	dir, err := s.tree.openOrMake(op.Target[:at], always(true))
	if err != nil {
		return err
	}
	defer dir.fd.close()
	err = unix.Symlinkat(op.Source, int(dir.fd), op.Target[at+1:])
	if err != nil && err != unix.EEXIST {
		return os.NewSyscallError("symlinkat", err)
	}
	return nil
}

func (s *setup) hide(op *Op) error {
	t, err := s.target(op, always(true))
	if err != nil {
		return err
	}
	defer t.fd.close()
	mnt, err := newHiding(s.plan.MaskParams)
	if err != nil {
		return err
	}
	return s.place(op, mnt, t, false)
}
