package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// devLinks are made in every /dev.
var devLinks = [...]struct{ name, text string }{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
}

// makeDev makes nodes and links. An image may have made /dev, or any file in
// it, a symlink (CVE-2026-41579), so names are looked up only below an fd of
// their folder, which was resolved inside the root.
func (s *setup) makeDev(d *Dev) error {
	dev, err := s.devFolder()
	if err != nil {
		return err
	}
	defer dev.close()
	for i := range d.Nodes {
		if err := s.makeNode(dev, &d.Nodes[i], d.BindOnly); err != nil {
			return fmt.Errorf("device %q: %w (config.json: linux.devices)", d.Nodes[i].Path, err)
		}
	}
	for _, l := range devLinks {
		if err := symlink(l.text, dev, l.name); err != nil {
			return err
		}
	}
	if unix.Access("/proc/kcore", unix.F_OK) == nil {
		if err := symlink("/proc/kcore", dev, "core"); err != nil {
			return err
		}
	}
	// A ptmx node of the image would open the host's devpts.
	err = unix.Symlinkat("pts/ptmx", int(dev), "ptmx")
	if err == unix.EEXIST {
		if own, err := s.onOwnMount(dev); err != nil || !own {
			// The kernel's ptmx opens the devpts that is mounted beside it.
			return err
		}
		if err := unix.Unlinkat(int(dev), "ptmx", 0); err != nil {
			return &os.PathError{Op: "unlink", Path: "/dev/ptmx", Err: err}
		}
		err = unix.Symlinkat("pts/ptmx", int(dev), "ptmx")
	}
	if err != nil {
		return &os.PathError{Op: "symlink", Path: "/dev/ptmx", Err: err}
	}
	return nil
}

func symlink(text string, dir fd, name string) error {
	err := unix.Symlinkat(text, int(dir), name)
	if err != nil && err != unix.EEXIST {
		return &os.PathError{Op: "symlink", Path: "/dev/" + name, Err: err}
	}
	return nil
}

// devFolder opens /dev; the caller closes it.
func (s *setup) devFolder() (fd, error) {
	if f := s.tree.base("/dev"); f != none {
		return dupFD(f)
	}
	f, err := s.tree.openOrMake("/dev", folder(0))
	if err != nil {
		return none, &os.PathError{Op: "open", Path: "/dev", Err: err}
	}
	return f.fd, nil
}

// makeNode makes a device node or named pipe. Whatever is there already stays
// as it is, as in runc: it may be the host's own file, which a mount has
// brought, and its owner and mode are not the container's to change.
func (s *setup) makeNode(dev fd, n *Node, bindOnly bool) error {
	dir, name := path.Split(n.Path)
	at := dev
	if dir != "/dev/" {
		f, err := s.tree.openOrMake(path.Clean(dir), folder(0))
		if err != nil {
			return fmt.Errorf("make its folder: %w", err)
		}
		at = f.fd
		defer at.close()
		if err := s.notInProc(f); err != nil {
			return err
		}
	}
	fifo := n.Mode&unix.S_IFMT == unix.S_IFIFO
	if bindOnly && !fifo {
		return s.bindNode(at, name, n)
	}
	// umask is 0, so this is all that most nodes need.
	switch err := s.mknod(at, name, n.Mode, n.Dev); err {
	case nil:
		return chownNode(at, name, n)
	case unix.EEXIST:
		return s.nodeByLink(at, name, n)
	case unix.EPERM:
		if !fifo {
			return s.bindNode(at, name, n)
		}
		return os.NewSyscallError("mknodat", err)
	default:
		return os.NewSyscallError("mknodat", err)
	}
}

// nodeByLink makes the node where a symlink of its name leads, inside the root.
// Images have such links (/dev/null to a folder of their own), and runc starts
// them. Anything else of that name is left alone.
func (s *setup) nodeByLink(at fd, name string, n *Node) error {
	var st unix.Stat_t
	if err := unix.Fstatat(int(at), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("fstatat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return nil
	}
	f, err := s.linked(n, leaf{mode: n.Mode, dev: n.Dev})
	if errors.Is(err, unix.EPERM) {
		if err := s.settle(); err != nil {
			return err
		}
		f, err = s.linked(n, leaf{mode: n.Mode, dev: n.Dev})
	}
	if errors.Is(err, unix.EPERM) && n.Mode&unix.S_IFMT != unix.S_IFIFO {
		return s.bindNode(at, name, n)
	}
	if err != nil {
		return err
	}
	defer f.fd.close()
	if !f.made || n.UID == 0 && n.GID == 0 {
		return nil
	}
	err = unix.Fchownat(int(f.fd), "", int(n.UID), int(n.GID), unix.AT_EMPTY_PATH)
	return os.NewSyscallError("fchownat", err)
}

// linked opens the place where the symlink of the node's name leads, and makes
// it when it is missing.
func (s *setup) linked(n *Node, l leaf) (resolved, error) {
	f, err := s.tree.openOrMake(n.Path, func() (leaf, error) { return l, nil })
	if err != nil {
		return f, err
	}
	f.byLink = true
	if err := s.notInProc(f); err != nil {
		f.fd.close()
		return resolved{fd: none}, err
	}
	return f, nil
}

// notInProc refuses a place in procfs that symlinks led to: a node that is
// bound there would hide files that labels and limits are written to.
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

// mknod is mknodat(2). The cgroup denies it while its device rules are written,
// so it is tried again after that.
func (s *setup) mknod(at fd, name string, mode uint32, dev uint64) error {
	err := unix.Mknodat(int(at), name, mode, int(dev))
	if err != unix.EPERM || s.env.Settled == nil {
		return err
	}
	if serr := s.settle(); serr != nil {
		return serr
	}
	return unix.Mknodat(int(at), name, mode, int(dev))
}

func (s *setup) settle() error {
	if s.env.Settled == nil {
		return nil
	}
	return s.env.Settled()
}

func chownNode(at fd, name string, n *Node) error {
	if n.UID == 0 && n.GID == 0 {
		return nil
	}
	err := unix.Fchownat(int(at), name, int(n.UID), int(n.GID), unix.AT_SYMLINK_NOFOLLOW)
	return os.NewSyscallError("fchownat", err)
}

// same says whether the file is the device that the plan means.
func (n *Node) same(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == n.Mode&unix.S_IFMT &&
		(n.Mode&unix.S_IFMT == unix.S_IFIFO || uint64(st.Rdev) == n.Dev)
}

// onOwnMount says whether f lies on the container's root or on a tmpfs of the
// container's, and not on what a mount has brought from the host.
func (s *setup) onOwnMount(f fd) (bool, error) {
	id, err := f.mountID()
	if err != nil {
		return false, err
	}
	own := []fd{s.tree.root}
	for i := range s.plan.Ops {
		if op := &s.plan.Ops[i]; op.Kind == Filesystem && op.FSType == "tmpfs" {
			if b := s.tree.base(op.Target); b != none {
				own = append(own, b)
			}
		}
	}
	for _, o := range own {
		if n, err := o.mountID(); err != nil || n == id {
			return n == id, err
		}
	}
	return false, nil
}

// bindNode binds the host's node of the same path, where none can be made.
func (s *setup) bindNode(at fd, name string, n *Node) error {
	mnt, err := cloneTree(unix.AT_FDCWD, n.Path, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &os.PathError{Op: "open_tree", Path: n.Path, Err: err}
	}
	st, err := mnt.stat()
	if err == nil && !n.same(&st) {
		err = fmt.Errorf("the host's %s has another type or number, and no node can be made here", n.Path)
	}
	if err != nil {
		mnt.close()
		return err
	}
	f, err := s.nodeTarget(at, name, n)
	if err != nil {
		mnt.close()
		return err
	}
	defer f.fd.close()
	return s.place(&Op{Target: n.Path}, mnt, f, false)
}

// nodeTarget opens the file on which a node is bound, and makes it when it is
// missing.
func (s *setup) nodeTarget(at fd, name string, n *Node) (resolved, error) {
	err := unix.Mknodat(int(at), name, unix.S_IFREG, 0)
	if err != nil && err != unix.EEXIST {
		return resolved{fd: none}, os.NewSyscallError("mknodat", err)
	}
	f, err := openEntry(at, name, 0)
	if err == unix.ELOOP {
		return s.linked(n, emptyFile)
	}
	return resolved{fd: f}, os.NewSyscallError("openat2", err)
}
