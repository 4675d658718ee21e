package rootfs

import (
	"path"

	"golang.org/x/sys/unix"
)

// openRoot is the steps of setup.openRoot.
func (s *Steps) openRoot() {
	r := &s.plan.Root
	ms := r.Propagation
	switch {
	case ms == 0:
		ms = unix.MS_SLAVE | unix.MS_REC
	case ms&unix.MS_UNBINDABLE != 0:
		ms = unix.MS_PRIVATE | ms&unix.MS_REC
	}
	s.mount("set the propagation of /: mount", "", "/", "", uintptr(ms))
	if propagates(ms) || ms&unix.MS_REC == 0 {
		kind := unix.MS_PRIVATE
		if ms&unix.MS_SLAVE != 0 {
			kind = unix.MS_SLAVE
		}
		done := s.Label()
		for p := r.Path; ; p = path.Dir(p) {
			step := s.mount("set the propagation of "+p+": mount", "", p, "", uintptr(kind)).Then(done)
			if p == "/" {
				break
			}
			// EINVAL: p is not the root of a mount. That is further up.
			step.Ignore(unix.EINVAL)
		}
		s.Place(done)
	}
	f, _ := s.cloneTree(r.Path, cwd, r.Path, unix.AT_RECURSIVE)
	s.root = f
	s.Call(r.Path+": move_mount", unix.SYS_MOVE_MOUNT, f.Value(), s.Text(""), cwd, s.Text(r.Path),
		number(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS))
	if r.Propagation == 0 {
		s.propagation(f, []int{unix.MS_PRIVATE})
	}
}

// changeRoot adds the steps of setup.changeRoot.
func (s *Steps) changeRoot() {
	r := &s.plan.Root
	s.Call("error changing root: fchdir", unix.SYS_FCHDIR, s.root.Value())
	old := s.Slot(-1)
	s.Call("open /", unix.SYS_OPENAT, cwd, s.Text("/"), number(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC), number(0)).Into(old)
	s.Call("error pivoting root: pivot_root", unix.SYS_PIVOT_ROOT, s.Text("."), s.Text("."))
	s.Call("error pivoting root: fchdir", unix.SYS_FCHDIR, old.Value())
	if ms := r.Propagation; ms != 0 && (propagates(ms) || ms&unix.MS_REC == 0) {
		// The unmount must not propagate to the host, where these mounts came from.
		s.mount("make the old root a slave: mount", "", ".", "", unix.MS_SLAVE|unix.MS_REC)
	}
	s.Call("unmount the old root: umount2", unix.SYS_UMOUNT2, s.Text("."), number(unix.MNT_DETACH))
	s.close(old)
	s.close(s.root)
	for _, b := range s.bases {
		s.close(b.mnt)
	}
	s.Call("chdir /", unix.SYS_CHDIR, s.Text("/"))
	if r.Propagation != 0 && r.Propagation&(unix.MS_PRIVATE|unix.MS_UNBINDABLE) == 0 {
		s.mount("set the propagation of the container's root: mount", "", "/", "", uintptr(r.Propagation))
		if r.Propagation&unix.MS_REC != 0 {
			for _, p := range s.propagating {
				s.propagation(p.mnt, p.as)
			}
		}
	}
	for _, p := range s.propagating {
		s.Call("close", unix.SYS_CLOSE, p.mnt.Value()).Ignore(unix.EBADF)
	}
}
