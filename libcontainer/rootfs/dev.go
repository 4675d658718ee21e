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

// makeDev makes nodes and links. Names are always looked up right below an fd
// of their folder, which was resolved inside the root: an image may have made
// /dev, or any file in it, a symlink (CVE-2026-41579).
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
	// The image's ptmx may be a node, which would be the host's.
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
	f, err := s.tree.openOrMake("/dev", always(true))
	if err != nil {
		return none, &os.PathError{Op: "open", Path: "/dev", Err: err}
	}
	return f.fd, nil
}

func (s *setup) makeNode(dev fd, n *Node, bindOnly bool) error {
	dir, name := path.Split(n.Path)
	at := dev
	if dir != "/dev/" {
		f, err := s.tree.openOrMake(path.Clean(dir), always(true))
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
		return s.keepNode(at, name, n)
	case unix.EPERM:
		if !fifo {
			return s.bindNode(at, name, n)
		}
		return os.NewSyscallError("mknodat", err)
	default:
		return os.NewSyscallError("mknodat", err)
	}
}

// mknod is mknodat(2). What the cgroup does not allow while its rules are being
// written is tried again once they are.
func (s *setup) mknod(at fd, name string, mode uint32, dev uint64) error {
	err := unix.Mknodat(int(at), name, mode, int(dev))
	if err != unix.EPERM || s.env.Settled == nil {
		return err
	}
	if serr := s.env.Settled(); serr != nil {
		return serr
	}
	return unix.Mknodat(int(at), name, mode, int(dev))
}

func chownNode(at fd, name string, n *Node) error {
	if n.UID == 0 && n.GID == 0 {
		return nil
	}
	err := unix.Fchownat(int(at), name, int(n.UID), int(n.GID), unix.AT_SYMLINK_NOFOLLOW)
	return os.NewSyscallError("fchownat", err)
}

// same says whether what is there is the device that the plan means.
func (n *Node) same(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == n.Mode&unix.S_IFMT &&
		(n.Mode&unix.S_IFMT == unix.S_IFIFO || uint64(st.Rdev) == n.Dev)
}

// keepNode takes a node that is there already, if it is the right one.
func (s *setup) keepNode(at fd, name string, n *Node) error {
	f, err := openEntry(at, name, 0)
	if err != nil {
		return os.NewSyscallError("openat2", err)
	}
	defer f.close()
	st, err := f.stat()
	if err != nil {
		return err
	}
	if !n.same(&st) {
		return errors.New("there is something else already, or a node with other numbers")
	}
	// A node that a mount has brought, by itself or with its folder, is the
	// host's own file: its owner and mode are not for a container to change.
	if own, err := s.onOwnMount(f); err != nil || !own {
		return err
	}
	if st.Uid != n.UID || st.Gid != n.GID {
		if err := unix.Fchownat(int(f), "", int(n.UID), int(n.GID), unix.AT_EMPTY_PATH); err != nil {
			return os.NewSyscallError("fchownat", err)
		}
	}
	if st.Mode&0o7777 != n.Mode&0o7777 {
		// chmod(2) of an O_PATH fd goes by its link only.
		if err := unix.Chmod(f.link(), n.Mode&0o7777); err != nil {
			return os.NewSyscallError("chmod", err)
		}
	}
	return nil
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

// bindNode shows the host's node: in a user namespace none can be made.
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
	err = unix.Mknodat(int(at), name, unix.S_IFREG, 0)
	if err != nil && err != unix.EEXIST {
		mnt.close()
		return os.NewSyscallError("mknodat", err)
	}
	f, err := openEntry(at, name, 0)
	if err != nil {
		mnt.close()
		return os.NewSyscallError("openat2", err)
	}
	defer f.close()
	return s.place(&Op{Target: n.Path}, mnt, resolved{fd: f}, false)
}
