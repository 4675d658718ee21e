package rootfs

import (
	"encoding/binary"
	"path"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// dev adds the steps of setup.makeDev.
func (s *Steps) dev(d *Dev) {
	dev := s.target("/dev", unix.S_IFDIR|madeMode)
	for i := range d.Nodes {
		s.node(dev, &d.Nodes[i], d.BindOnly)
	}
	for _, l := range devLinks {
		s.symlink(l.text, dev, l.name)
	}
	if unix.Access("/proc/kcore", unix.F_OK) == nil {
		s.symlink("/proc/kcore", dev, "core")
	}
	// A ptmx of the image, or of a mount, needs a look.
	s.Call("/dev/ptmx: symlinkat", unix.SYS_SYMLINKAT, s.Text("pts/ptmx"), dev.Value(), s.Text("ptmx"))
	s.close(dev)
}

func (s *Steps) symlink(text string, dir *program.Slot, name string) {
	s.Call("/dev/"+name+": symlinkat", unix.SYS_SYMLINKAT, s.Text(text), dir.Value(), s.Text(name)).Ignore(unix.EEXIST)
}

func (s *Steps) node(dev *program.Slot, n *Node, bindOnly bool) {
	dir, name := path.Split(n.Path)
	at := dev
	if dir != "/dev/" {
		at = s.target(path.Clean(dir), unix.S_IFDIR|madeMode)
		defer s.close(at)
	}
	fifo := n.Mode&unix.S_IFMT == unix.S_IFIFO
	if bindOnly && !fifo {
		s.bindNode(at, name, n)
		return
	}
	mknod := func() *program.Step {
		return s.Call(n.Path+": mknodat", unix.SYS_MKNODAT, at.Value(), s.Text(name), number(n.Mode), number(n.Dev))
	}
	made := s.Label()
	if fifo || s.Devices == nil {
		mknod()
	} else {
		// What the cgroup does not allow while its rules are being written is
		// tried again once they are there.
		denied := s.Label()
		mknod().Then(made).Else(denied, unix.EPERM)
		s.Place(denied)
		s.Devices()
		mknod()
		s.Place(made)
	}
	if n.UID != 0 || n.GID != 0 {
		s.Call(n.Path+": fchownat", unix.SYS_FCHOWNAT, at.Value(), s.Text(name), number(n.UID), number(n.GID), number(unix.AT_SYMLINK_NOFOLLOW))
	}
}

// Offsets in struct statx (statx(2)).
const (
	sizeofStatx    = 256
	statxMode      = 28
	statxRdevMajor = 128
	statxRdevMinor = 132
)

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// typeIs adds a check of a file's type.
func (s *Steps) typeIs(st *program.Mem, kind uint32) {
	mask := uint32(unix.S_IFMT)
	if bigEndian {
		mask, kind = mask<<16, kind<<16
	}
	s.expect(st.At(statxMode), mask, kind)
}

func (s *Steps) statx(what string, dir program.Arg, name string, flags int) *program.Mem {
	st := s.Buffer(sizeofStatx)
	s.Call(what+": statx", unix.SYS_STATX, dir, s.Text(name), number(flags), number(unix.STATX_BASIC_STATS), st.Addr())
	return st
}

// bindNode adds the steps of setup.bindNode.
func (s *Steps) bindNode(at *program.Slot, name string, n *Node) {
	mnt, _ := s.cloneTree(n.Path, cwd, n.Path, unix.AT_SYMLINK_NOFOLLOW)
	st := s.statx(n.Path, mnt.Value(), "", unix.AT_EMPTY_PATH)
	s.typeIs(st, n.Mode&unix.S_IFMT)
	s.expect(st.At(statxRdevMajor), ^uint32(0), unix.Major(n.Dev))
	s.expect(st.At(statxRdevMinor), ^uint32(0), unix.Minor(n.Dev))
	s.Call(n.Path+": mknodat", unix.SYS_MKNODAT, at.Value(), s.Text(name), number(unix.S_IFREG), number(0)).Ignore(unix.EEXIST)
	t := s.entry(n.Path, at, name)
	s.attach(n.Path, mnt, t)
	s.close(t)
	s.close(mnt)
}

// entry opens what is right in a folder, and is no symlink.
func (s *Steps) entry(what string, dir *program.Slot, name string) *program.Slot {
	f := s.Slot(-1)
	s.openat2(what, dir.Value(), name, 0, unix.RESOLVE_BENEATH).Into(f)
	return f
}

// consoleTarget adds the steps of setup.consoleTarget.
func (s *Steps) consoleTarget() {
	dev := s.target("/dev", unix.S_IFDIR|madeMode)
	s.Call("/dev/console: mknodat", unix.SYS_MKNODAT, dev.Value(), s.Text("console"), number(unix.S_IFREG|0o666), number(0)).Ignore(unix.EEXIST)
	s.Console = s.entry("/dev/console", dev, "console")
	s.close(dev)
	st := s.statx("/dev/console", s.Console.Value(), "", unix.AT_EMPTY_PATH)
	// A file or a character device: of the two types, only the one bit that
	// both have not in common differs.
	mask, reg := uint32(unix.S_IFMT), uint32(unix.S_IFREG)
	if bigEndian {
		mask, reg = mask<<16, reg<<16
	}
	file, device := s.Label(), s.Label()
	s.Test(st.At(statxMode), mask, reg, device)
	s.Jump(file)
	s.Place(device)
	s.typeIs(st, unix.S_IFCHR)
	s.Place(file)
}

// AttachConsole adds the mounting of a terminal's slave on /dev/console.
func (s *Steps) AttachConsole(slave *program.Slot) {
	mnt, _ := s.cloneTree("/dev/console", slave.Value(), "", unix.AT_EMPTY_PATH)
	s.attach("/dev/console", mnt, s.Console)
	s.close(mnt)
	s.close(s.Console)
}
