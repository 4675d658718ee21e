package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// do carries out the operation with this number.
func (s *setup) do(n int) error {
	op := &s.plan.Ops[n]
	return opError(op, s.try(n, op))
}

// try carries out an operation, or the one that stands in for it.
func (s *setup) try(n int, op *Op) error {
	err := s.carryOut(n, op)
	if err != nil && op.Else != nil && (refused(err) || errors.Is(err, errNoSource)) {
		return s.try(n, op.Else)
	}
	return err
}

func (s *setup) carryOut(n int, op *Op) error {
	switch op.Kind {
	case Bind:
		return s.bind(n, op)
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

// opError adds the words that callers look for, and the place in config.json.
func opError(op *Op, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoSource):
		return fmt.Errorf("%w (config.json: %s.source)", err, op.Place)
	}
	return mountError(op.Source, op.Target, fmt.Errorf("%w (config.json: %s)", err, op.Place))
}

// target opens the place that the operation mounts on, and makes it when it is
// missing.
func (s *setup) target(op *Op, leaf func() (leaf, error)) (resolved, error) {
	var t resolved
	var err error
	if op.RealDir {
		t, err = s.tree.realDir(op.Target)
		if err == unix.ELOOP || err == unix.ENOTDIR {
			return t, fmt.Errorf("filesystem %q must be mounted on ordinary directory: %w", op.FSType, err)
		}
	} else {
		t, err = s.tree.openOrMake(op.Target, leaf)
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

// checkPlace applies the rules about targets to the place that symlinks led to.
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

// place attaches a tree, whose fd it closes, or keeps for look-ups when asked to.
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

// attachedNow gives a mount its propagation, and keeps it for the steps at the
// end.
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

func (s *setup) link(op *Op) error {
	at := strings.LastIndexByte(op.Target, '/')
	dir, err := s.tree.openOrMake(op.Target[:at], folder(0))
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
	t, err := s.target(op, folder(0))
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
