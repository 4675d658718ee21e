package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Env is what Setup needs from outside the plan.
type Env struct {
	// Sources are what OpenSources gave, in its order. Setup closes them.
	Sources []*os.File

	// Hooks runs when all is mounted, before the root changes. nil: none.
	Hooks func() error

	// Settled waits until the rules of the cgroup about devices are those that
	// the container keeps: while they are written, they deny all. nil: they are.
	Settled func() error

	// Terminal: Console is going to be called, so make its target while /dev
	// can still be written.
	Terminal bool

	// Cwd is made when it is missing, while the root can still be written.
	// Empty: none.
	Cwd string
}

// setup is the state of Setup while it runs.
type setup struct {
	plan *Plan
	env  Env
	tree tree

	// readonly are mounts that are to be made so at the end.
	readonly []fd

	// propagating are mounts with a propagation of their own.
	propagating []propagating

	// attached are targets to be unmounted on failure. Only kept without a
	// mount namespace; else all goes with it.
	attached []fd
}

type propagating struct {
	mnt fd
	as  []int
}

// Setup makes the container's file system and changes the root to it. It has
// to be called on a locked thread, which alone is to go on afterwards, in the
// container's namespaces. On error a mount namespace is left as it is, for it
// ends with the caller; in the caller's own, all mounts are taken back.
func (p *Plan) Setup(env Env) (err error) {
	s := &setup{plan: p, env: env, tree: tree{root: none}}
	p.console = none
	// Modes are what the plan says.
	umask := unix.Umask(0)
	defer func() {
		s.release(err != nil)
		if err != nil {
			unix.Umask(umask)
		}
	}()
	if err := s.openRoot(); err != nil {
		return fmt.Errorf("error preparing rootfs: %w", err)
	}
	for i := range p.Ops {
		if err := s.do(&p.Ops[i]); err != nil {
			return err
		}
	}
	if p.Dev != nil {
		if err := s.makeDev(p.Dev); err != nil {
			return fmt.Errorf("error setting up /dev: %w", err)
		}
	}
	if env.Terminal {
		if p.console, err = s.consoleTarget(); err != nil {
			return err
		}
	}
	if env.Hooks != nil {
		// Hooks have always found themselves there.
		if err := unix.Fchdir(int(s.tree.root)); err != nil {
			return os.NewSyscallError("fchdir", err)
		}
		unix.Umask(umask)
		if err := env.Hooks(); err != nil {
			return err
		}
		unix.Umask(0)
	}
	if err := s.makeCwd(); err != nil {
		return err
	}
	for _, f := range s.readonly {
		if err := makeReadonly(f); err != nil {
			return fmt.Errorf("error making a mount read-only: %w", err)
		}
	}
	if p.Root.Readonly {
		if err := makeReadonly(s.tree.root); err != nil {
			return fmt.Errorf("error making the root read-only: %w", err)
		}
	}
	if err := s.changeRoot(); err != nil {
		return err
	}
	unix.Umask(int(p.Root.Umask))
	return nil
}

func (s *setup) makeCwd() error {
	if s.env.Cwd == "" || s.env.Cwd == "/" {
		return nil
	}
	cwd := path.Clean("/" + s.env.Cwd)
	f, err := s.tree.openOrMake(cwd, always(true))
	if err != nil {
		return &os.PathError{Op: "mkdir", Path: cwd, Err: err}
	}
	f.fd.close()
	return nil
}

func (s *setup) release(failed bool) {
	s.tree.close()
	s.tree.root.close()
	for _, f := range s.readonly {
		f.close()
	}
	for _, p := range s.propagating {
		p.mnt.close()
	}
	for i := len(s.attached) - 1; i >= 0; i-- {
		if failed {
			// A lazy one: whatever is beneath is ours as well.
			_ = unix.Unmount(s.attached[i].link(), unix.MNT_DETACH)
		}
		s.attached[i].close()
	}
	for _, f := range s.env.Sources {
		f.Close()
	}
	if failed {
		s.plan.console.close()
		s.plan.console = none
	}
}

// propagates says whether mounts made under ms reach the host's namespace.
func propagates(ms int) bool {
	return ms != 0 && ms&(unix.MS_SLAVE|unix.MS_PRIVATE|unix.MS_UNBINDABLE) == 0
}

// openRoot sets the propagation of everything, and makes the root a mount of
// its own, as pivot_root(2) wants it.
func (s *setup) openRoot() error {
	r := &s.plan.Root
	if !r.OwnMounts {
		// The mounts are the caller's: none of our business.
		root, err := openPath(r.Path, unix.O_DIRECTORY)
		s.tree.root = root
		return err
	}
	ms := r.Propagation
	switch {
	case ms == 0:
		ms = unix.MS_SLAVE | unix.MS_REC
	case ms&unix.MS_UNBINDABLE != 0:
		// Nothing could be bound any more; the root itself gets it at the end.
		ms = unix.MS_PRIVATE | ms&unix.MS_REC
	}
	if err := unix.Mount("", "/", "", uintptr(ms), ""); err != nil {
		return fmt.Errorf("set the propagation of /: %w", os.NewSyscallError("mount", err))
	}
	if propagates(ms) || ms&unix.MS_REC == 0 {
		if err := privateParent(r.Path); err != nil {
			return err
		}
	}
	root, err := cloneTree(unix.AT_FDCWD, r.Path, unix.AT_RECURSIVE)
	if err != nil {
		return &os.PathError{Op: "open_tree", Path: r.Path, Err: err}
	}
	s.tree.root = root
	err = unix.MoveMount(int(root), "", unix.AT_FDCWD, r.Path,
		unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	if err != nil {
		return &os.PathError{Op: "move_mount", Path: r.Path, Err: err}
	}
	return nil
}

// privateParent makes the mount that the root lies on private: pivot_root(2)
// refuses a shared one, and mounts in the root would show on the host.
func privateParent(p string) error {
	for {
		err := unix.Mount("", p, "", unix.MS_PRIVATE, "")
		if err == nil {
			return nil
		}
		// EINVAL: not the root of a mount, which is then further up.
		if err != unix.EINVAL || p == "/" {
			return &os.PathError{Op: "make private", Path: p, Err: err}
		}
		p = path.Dir(p)
	}
}

// changeRoot makes the root that of this process, and lets go of the old one.
func (s *setup) changeRoot() error {
	r := &s.plan.Root
	if err := unix.Fchdir(int(s.tree.root)); err != nil {
		return fmt.Errorf("error changing root: %w", os.NewSyscallError("fchdir", err))
	}
	switch {
	case !r.OwnMounts:
		if err := unix.Chroot("."); err != nil {
			return fmt.Errorf("error changing root: %w", os.NewSyscallError("chroot", err))
		}
	case r.NoPivot:
		if err := s.moveRoot(); err != nil {
			return fmt.Errorf("error moving root: %w", err)
		}
	default:
		if err := s.pivotRoot(); err != nil {
			return fmt.Errorf("error pivoting root: %w", err)
		}
	}
	if err := unix.Chdir("/"); err != nil {
		return &os.PathError{Op: "chdir", Path: "/", Err: err}
	}
	// Only now: it is meant for the container's root, and before it would
	// have reached the host's. What is unbindable could not be masked.
	if r.OwnMounts && r.Propagation != 0 && r.Propagation&(unix.MS_PRIVATE|unix.MS_UNBINDABLE) == 0 {
		if err := r.propagate(); err != nil || r.Propagation&unix.MS_REC == 0 {
			return err
		}
		// That was for those without a propagation of their own.
		for _, p := range s.propagating {
			if err := setPropagation(p.mnt, p.as); err != nil {
				return err
			}
		}
	}
	return nil
}

// propagate sets the propagation of the container's root.
func (r *Root) propagate() error {
	if err := unix.Mount("", "/", "", uintptr(r.Propagation), ""); err != nil {
		return fmt.Errorf("set the propagation of the container's root: %w", os.NewSyscallError("mount", err))
	}
	return nil
}

// pivotRoot puts the old root on top of the new one, at ".", from where it is
// unmounted; no folder of the image is needed to hold it (pivot_root(2)).
func (s *setup) pivotRoot() error {
	old, err := openPath("/", unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer old.close()
	if err := unix.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := unix.Fchdir(int(old)); err != nil {
		return os.NewSyscallError("fchdir", err)
	}
	// Unmounting must not reach the host, from which these mounts came.
	if ms := s.plan.Root.Propagation; ms != 0 && (propagates(ms) || ms&unix.MS_REC == 0) {
		if err := unix.Mount("", ".", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("make the old root a slave: %w", os.NewSyscallError("mount", err))
		}
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the old root: %w", os.NewSyscallError("umount2", err))
	}
	return nil
}

// moveRoot is for a root on the initial ramdisk, which cannot be pivoted. The
// old mounts stay, unreachable; but the kernel takes a full procfs or sysfs
// among them as leave to mount another one in a user namespace, masks or not,
// so those have to go.
func (s *setup) moveRoot() error {
	full, err := fullMounts(s.plan.Root.Path)
	if err != nil {
		return err
	}
	for _, p := range full {
		// Slave first: the host is to keep its own.
		if err := unix.Mount("", p, "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
			if errors.Is(err, unix.EINVAL) {
				continue // gone with one above it
			}
			return &os.PathError{Op: "make slave", Path: p, Err: err}
		}
		err := unix.Unmount(p, unix.MNT_DETACH)
		if err == unix.EINVAL || err == unix.EPERM {
			// Locked to its parent by a more privileged namespace: cover it.
			err = unix.Mount("tmpfs", p, "tmpfs", unix.MS_RDONLY, "")
		}
		if err != nil {
			return &os.PathError{Op: "unmount", Path: p, Err: err}
		}
	}
	err = unix.MoveMount(int(s.tree.root), "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH)
	if err != nil {
		return os.NewSyscallError("move_mount", err)
	}
	return os.NewSyscallError("chroot", unix.Chroot("."))
}
