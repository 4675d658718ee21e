package rootfs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// bind attaches a clone of a tree.
func (s *setup) bind(n int, op *Op) error {
	mnt, err := s.source(n, op)
	if err != nil {
		return err
	}
	later, err := decorate(mnt, op)
	if err != nil {
		mnt.close()
		return err
	}
	t, err := s.target(op, func() (leaf, error) {
		st, err := mnt.stat()
		if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return emptyFile, nil
		}
		return leaf{mode: unix.S_IFDIR | madeMode}, err
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

// source gives the tree to bind: the one that the runtime sends, or a clone.
func (s *setup) source(n int, op *Op) (fd, error) {
	if !op.Sent {
		return cloneSource(op)
	}
	if op.Batch != 0 {
		files, err := s.env.Sources(n)
		if err != nil {
			return none, err
		}
		s.sources = files
	}
	if len(s.sources) == 0 {
		return none, fmt.Errorf("%w: the runtime has not sent %s", errNoSource, op.Source)
	}
	f := s.sources[0]
	s.sources = s.sources[1:]
	defer f.Close()
	return dupFD(fd(f.Fd()))
}

// remount changes a mount that is there, by mount(2) with MS_REMOUNT.
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
