package rootfs

import (
	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// ReadonlyPaths adds the steps of [Plan.ReadonlyPaths].
func (s *Steps) ReadonlyPaths() {
	for _, p := range s.plan.Readonly {
		t := s.Slot(-1)
		missing := s.Label()
		s.Call(p+": open", unix.SYS_OPENAT, cwd, s.Text(p), number(unix.O_PATH|unix.O_CLOEXEC), number(0)).Into(t).Else(missing, unix.ENOENT, unix.ENOTDIR)
		mnt, _ := s.cloneTree(p, t.Value(), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
		s.setattr(p, mnt.Value(), unix.AT_RECURSIVE, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
		s.attach(p, mnt, t)
		s.close(mnt)
		s.close(t)
		s.Place(missing)
	}
}

// MaskPaths adds the steps of [Plan.MaskPaths].
func (s *Steps) MaskPaths() {
	file, folder := s.Slot(-1), s.Slot(-1)
	const sign = 1 << 31
	// cover attaches the mask, or a clone of it where it is attached already.
	cover := func(p string, first *program.Slot, open func()) {
		again, use, done := s.Label(), s.Label(), s.Label()
		s.Test(first.Addr(), sign, sign, again)
		open()
		s.moveTo(p, first.Value())
		s.Jump(done)
		s.Place(again)
		mnt, _ := s.cloneTree(p, first.Value(), "", unix.AT_EMPTY_PATH)
		s.Place(use)
		s.moveTo(p, mnt.Value())
		s.close(mnt)
		s.Place(done)
	}
	for _, p := range s.plan.Masked {
		missing, other := s.Label(), s.Label()
		st := s.Buffer(sizeofStatx)
		s.Call(p+": statx", unix.SYS_STATX, cwd, s.Text(p), number(0), number(unix.STATX_TYPE), st.Addr()).Else(missing, unix.ENOENT, unix.ENOTDIR)
		mask, dir := uint32(unix.S_IFMT), uint32(unix.S_IFDIR)
		if bigEndian {
			mask, dir = mask<<16, dir<<16
		}
		s.Test(st.At(statxMode), mask, dir, other)
		cover(p, folder, func() { s.Builder.Set(folder, s.hiding().Value()) })
		s.Jump(missing)
		s.Place(other)
		cover(p, file, func() {
			null, _ := s.cloneTree("/dev/null", cwd, "/dev/null", 0)
			st := s.statx("/dev/null", null.Value(), "", unix.AT_EMPTY_PATH)
			s.typeIs(st, unix.S_IFCHR)
			s.expect(st.At(statxRdevMajor), ^uint32(0), 1)
			s.expect(st.At(statxRdevMinor), ^uint32(0), 3)
			s.Builder.Set(file, null.Value())
		})
		s.Place(missing)
	}
	for _, f := range []*program.Slot{file, folder} {
		s.Call("close", unix.SYS_CLOSE, f.Value()).Ignore(unix.EBADF)
	}
	if s.plan.Root.Propagation&unix.MS_UNBINDABLE != 0 {
		s.mount("set the propagation of the container's root: mount", "", "/", "", uintptr(s.plan.Root.Propagation))
	}
}

func (s *Steps) moveTo(p string, mnt program.Arg) {
	s.Call(p+": move_mount", unix.SYS_MOVE_MOUNT, mnt, s.Text(""), cwd, s.Text(p),
		number(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS))
}
