package rootfs

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

func (s *Steps) propagation(mnt *program.Slot, list []int) {
	for _, ms := range list {
		flags := 0
		if ms&unix.MS_REC != 0 {
			flags = unix.AT_RECURSIVE
		}
		s.setattr("set propagation", mnt.Value(), flags, unix.MountAttr{Propagation: uint64(ms & msPropagation)})
	}
}

// operation adds the steps of one operation.
func (s *Steps) operation(i int) {
	op := &s.plan.Ops[i]
	switch op.Kind {
	case Link:
		at := strings.LastIndexByte(op.Target, '/')
		dir := s.target(op.Target[:at], unix.S_IFDIR|madeMode)
		s.Call(op.Target+": symlinkat", unix.SYS_SYMLINKAT, s.Text(op.Source), dir.Value(), s.Text(op.Target[at+1:])).Ignore(unix.EEXIST)
		s.close(dir)
	case Hide:
		mnt := s.hiding()
		s.attachTo(op, mnt, unix.S_IFDIR|madeMode)
	case Bind:
		s.bind(i, op)
	case Filesystem:
		s.filesystem(i, op)
	}
}

// attachTo attaches a mount at the operation's target.
func (s *Steps) attachTo(op *Op, mnt *program.Slot, mode uint32) {
	target := op.Target
	if !op.RealDir {
		target = s.realPath(target)
	}
	t := s.targetAt(target, mode, mnt)
	s.attach(op.Target, mnt, t)
	s.close(t)
	s.propagation(mnt, op.Propagation)
	kept := s.attached(op, target, mnt)
	if len(op.Propagation) != 0 {
		s.propagating = append(s.propagating, propagatingStep{mnt, op.Propagation})
		kept = true
	}
	if op.LateReadonly {
		s.readonly = append(s.readonly, mnt)
		kept = true
	}
	if !kept {
		s.close(mnt)
	}
}

func (s *Steps) bind(i int, op *Op) {
	var mnt *program.Slot
	if op.Sent {
		if op.Batch != 0 {
			fds := make([]*program.Slot, op.Batch)
			s.Sources(i, fds)
			s.sources = append(s.sources, fds...)
		}
		mnt, s.sources = s.sources[0], s.sources[1:]
	} else {
		flags := 0
		if op.Recursive {
			flags = unix.AT_RECURSIVE
		}
		mnt, _ = s.cloneTree(op.Source, cwd, op.Source, flags)
	}
	s.change(op, mnt)
	s.recAttr(op, mnt)
	if op.ProcRoot {
		fs := s.Buffer(256)
		s.Call("fstatfs", unix.SYS_FSTATFS, mnt.Value(), fs.Addr())
		s.expect(fs.Addr(), ^uint32(0), unix.PROC_SUPER_MAGIC)
	}
	s.attachTo(op, mnt, likeMount)
}

// likeMount as a mode is that of a folder where the mount is one, and that of a
// file otherwise. The runtime does not look at a source beforehand: it may be
// another one at its turn, and its file system may hang.
const likeMount = 0

// change adds the steps of changeBind.
func (s *Steps) change(op *Op, mnt *program.Slot) {
	if op.Change.none() {
		return
	}
	attr := func(c Change) *program.Step {
		return s.setattr(op.Target, mnt.Value(), 0, unix.MountAttr{Attr_set: c.Set, Attr_clr: c.Clear})
	}
	step := attr(op.Change)
	if c, can := op.IfLocked.forKernel(unix.MOUNT_ATTR_NOATIME); can {
		locked, done := s.Label(), s.Label()
		step.Then(done).Else(locked, unix.EPERM)
		s.Place(locked)
		attr(c)
		s.Place(done)
	}
}

func (s *Steps) recAttr(op *Op, mnt *program.Slot) {
	if op.RecAttr != nil {
		s.setattr(op.Target, mnt.Value(), unix.AT_RECURSIVE, *op.RecAttr)
	}
}

// expect adds a test of a word. A failure ends the program.
func (s *Steps) expect(word program.Arg, mask, want uint32) {
	wrong, right := s.Label(), s.Label()
	s.Test(word, mask, want, wrong)
	s.Jump(right)
	s.Place(wrong)
	s.Call("not what it has to be", unix.SYS_CLOSE, program.None)
	s.Place(right)
}

func (s *Steps) filesystem(i int, op *Op) {
	ps := op.Params
	if op.ModeFromTarget && !s.plan.freshTarget(i) {
		if mode, ok := s.imageMode(op.Target); ok {
			ps = append(ps[:len(ps):len(ps)], Param{"mode", fmt.Sprintf("0%o", mode), true})
		}
	}
	mnt := s.newMount(op.FSType, op.Source, ps, op.Set)
	s.recAttr(op, mnt)
	mode := op.TargetMode
	if mode == 0 {
		mode = madeMode
	}
	s.attachTo(op, mnt, unix.S_IFDIR|mode)
}

// imageMode is the mode of a folder of the image.
func (s *Steps) imageMode(target string) (uint32, bool) {
	f, err := s.image.open(target, 0)
	if err != nil {
		return 0, false
	}
	defer f.fd.close()
	st, err := f.fd.stat()
	return st.Mode & 0o7777, err == nil
}

func (s *Steps) newMount(fstype, source string, ps []Param, attr uint64) *program.Slot {
	const (
		setFlag   = 0 // FSCONFIG_SET_FLAG
		setString = 1 // FSCONFIG_SET_STRING
		create    = 6 // FSCONFIG_CMD_CREATE
	)
	ctx, mnt := s.Slot(-1), s.Slot(-1)
	s.Call("fsopen "+fstype, unix.SYS_FSOPEN, s.Text(fstype), number(unix.FSOPEN_CLOEXEC)).Into(ctx)
	if source != "" {
		ps = append([]Param{{"source", source, true}}, ps...)
	}
	for _, p := range ps {
		value, command := number(0), setFlag
		if p.HasValue {
			value, command = s.Text(p.Value), setString
		}
		s.Call("fsconfig "+fstype+" "+p.String(), unix.SYS_FSCONFIG, ctx.Value(), number(command), s.Text(p.Key), value, number(0))
	}
	s.Call("fsconfig create "+fstype, unix.SYS_FSCONFIG, ctx.Value(), number(create), number(0), number(0), number(0))
	s.Call("fsmount "+fstype, unix.SYS_FSMOUNT, ctx.Value(), number(unix.FSMOUNT_CLOEXEC), number(attr)).Into(mnt)
	s.close(ctx)
	return mnt
}

func (s *Steps) hiding() *program.Slot {
	ps := append([]Param{{Key: "ro"}, {"nr_blocks", "1", true}, {"nr_inodes", "1", true}}, s.plan.MaskParams...)
	return s.newMount("tmpfs", "tmpfs", ps, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
}
