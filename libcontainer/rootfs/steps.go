package rootfs

import (
	"encoding/binary"
	"fmt"
	"path"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// Steps is what a plan needs to become steps of a program for the stub.
type Steps struct {
	*program.Builder

	// Hooks adds the wait for the runtime, when all is mounted. nil: there is
	// none.
	Hooks func()

	// Devices adds the wait for the device rules that the container keeps.
	Devices func()

	// Sources adds the receipt of the sources that the runtime opens for the
	// operation with this number. They are stored in the words.
	Sources func(op int, fds []*program.Slot)

	// Terminal: the target of /dev/console is opened, and kept in Console.
	Terminal bool
	Console  *program.Slot

	// Cwd is made when it is missing. Empty: there is none.
	Cwd string

	plan *Plan
	root *program.Slot
	// bases are new mounts of tmpfs that nothing hides.
	bases []baseStep
	// mounted are the targets so far.
	mounted     []string
	readonly    []*program.Slot
	propagating []propagatingStep
	sources     []*program.Slot
	// image is the root file system as the runtime sees it.
	image tree
}

type baseStep struct {
	path string
	mnt  *program.Slot
}

type propagatingStep struct {
	mnt *program.Slot
	as  []int
}

// NeedsGo says what of the plan no list of system calls can do; "" for nothing.
func (p *Plan) NeedsGo() string {
	r := &p.Root
	switch {
	case !r.OwnMounts:
		return "no mount namespace"
	case r.NoPivot:
		return "no pivot_root"
	}
	for i := range p.Ops {
		op := &p.Ops[i]
		switch {
		case op.Kind == Remount:
			return op.Place + ": remount"
		case op.Legacy:
			return op.Place + ": an option that only mount(2) has"
		case op.CopyUp && !p.freshTarget(i):
			return op.Place + ": tmpcopyup"
		case op.ModeFromTarget && !p.freshTarget(i) && p.covered(i):
			return op.Place + ": the mode of a folder in another mount"
		case op.Label != "":
			return op.Place + ": an SELinux label"
		}
	}
	return ""
}

// freshTarget says whether the operation's target lies right in a new tmpfs of
// an earlier one, so that it cannot be there yet.
func (p *Plan) freshTarget(i int) bool {
	for k := i - 1; k >= 0; k-- {
		op := &p.Ops[k]
		if op.Kind == Link || !within(p.Ops[i].Target, op.Target) {
			continue
		}
		return op.Kind == Filesystem && op.FSType == "tmpfs" && !op.CopyUp && op.Target != p.Ops[i].Target
	}
	return false
}

// covered says whether an earlier mount may have changed what is at the target.
func (p *Plan) covered(i int) bool {
	for k := range i {
		if op := &p.Ops[k]; op.Kind != Link && within(p.Ops[i].Target, op.Target) {
			return true
		}
	}
	return false
}

// Setup adds the steps of [Plan.Setup]. They take the short way: a step that
// fails for a reason that needs a look, such as a symlink of the image, ends the
// program, and the caller starts the container by `runc init`, which uses
// [Plan.Setup].
func (s *Steps) Setup(p *Plan) error {
	s.plan = p
	root, err := openPath(p.Root.Path, unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("error preparing rootfs: %w", err)
	}
	defer root.close()
	s.image = tree{root: root}
	s.root = s.Slot(-1)
	mask := s.Slot(0)
	s.Call("umask", unix.SYS_UMASK, number(0)).Into(mask)
	s.openRoot()
	for i := range p.Ops {
		s.operation(i)
	}
	if p.Dev != nil {
		s.dev(p.Dev)
	}
	if s.Terminal {
		s.consoleTarget()
	}
	if s.Hooks != nil {
		// Callers' hooks rely on this working directory.
		s.Call("fchdir", unix.SYS_FCHDIR, s.root.Value())
		s.Call("umask", unix.SYS_UMASK, mask.Value())
		s.Hooks()
		s.Call("umask", unix.SYS_UMASK, number(0))
	}
	if s.Cwd != "" && s.Cwd != "/" {
		s.close(s.target(path.Clean("/"+s.Cwd), unix.S_IFDIR|madeMode))
	}
	for _, f := range s.readonly {
		s.setattr("make a mount read-only", f.Value(), 0, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
		s.close(f)
	}
	if p.Root.Readonly {
		s.setattr("make the root read-only", s.root.Value(), 0, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	}
	s.changeRoot()
	s.Call("umask", unix.SYS_UMASK, number(p.Root.Umask))
	return nil
}

func number[T ~int | ~uint | ~uintptr | ~int32 | ~uint32 | ~uint64](n T) program.Arg {
	return program.Num(n)
}

var cwd = number(unix.AT_FDCWD)

func (s *Steps) close(f *program.Slot) {
	s.Call("close", unix.SYS_CLOSE, f.Value())
}

func (s *Steps) mount(what, source, target, fstype string, flags uintptr) *program.Step {
	arg := func(t string) program.Arg {
		if t == "" {
			return number(0)
		}
		return s.Text(t)
	}
	return s.Call(what, unix.SYS_MOUNT, arg(source), s.Text(target), arg(fstype), number(flags), number(0))
}

func bytesOf[T any](p *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)) }

func (s *Steps) setattr(what string, mnt program.Arg, flags int, attr unix.MountAttr) *program.Step {
	return s.Call(what+": mount_setattr", unix.SYS_MOUNT_SETATTR, mnt, s.Text(""), number(flags|unix.AT_EMPTY_PATH),
		s.Mem(bytesOf(&attr)).Addr(), number(unsafe.Sizeof(attr)))
}

func (s *Steps) cloneTree(what string, dir program.Arg, name string, flags int) (*program.Slot, *program.Step) {
	f := s.Slot(-1)
	return f, s.Call(what+": open_tree", unix.SYS_OPEN_TREE, dir, s.Text(name), number(flags|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)).Into(f)
}

func (s *Steps) attach(what string, mnt, target *program.Slot) {
	s.Call(what+": move_mount", unix.SYS_MOVE_MOUNT, mnt.Value(), s.Text(""), target.Value(), s.Text(""),
		number(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH))
}

func (s *Steps) openat2(what string, dir program.Arg, name string, flags int, resolve uint64) *program.Step {
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS}
	return s.Call(what+": openat2", unix.SYS_OPENAT2, dir, s.Text(name), s.Mem(bytesOf(&how)).Addr(), number(unsafe.Sizeof(how)))
}

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
		fs := s.Space(256)
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

// target opens a path below the root, and makes what is missing of it: folders,
// and at the end what the type in mode says. No symlink is followed. Where the
// image has one, the path is the one to which it leads now.
func (s *Steps) target(p string, mode uint32) *program.Slot {
	return s.targetAt(s.realPath(p), mode, nil)
}

// targetAt is target for a path without symlinks. mnt is the mount that likeMount
// is about.
func (s *Steps) targetAt(p string, mode uint32, mnt *program.Slot) *program.Slot {
	f := s.Slot(-1)
	if p == "/" {
		s.openat2("/", s.root.Value(), ".", unix.O_DIRECTORY, unix.RESOLVE_IN_ROOT).Into(f)
		return f
	}
	done := s.Label()
	from, rest := s.nearest(p)
	if from == nil {
		from = s.root
		switch rest = s.missing(p); {
		case rest == "":
			s.openat2(p, from.Value(), p[1:], 0, unix.RESOLVE_IN_ROOT).Into(f)
			return f
		case rest == p[1:]:
			// Nothing is known of it: an earlier mount may have it.
			missing := s.Label()
			s.openat2(p, from.Value(), rest, 0, unix.RESOLVE_IN_ROOT).Into(f).Then(done).Else(missing, unix.ENOENT)
			s.Place(missing)
		default:
			folder := strings.TrimSuffix(p, "/"+rest)
			from = s.Slot(-1)
			s.openat2(folder, s.root.Value(), folder[1:], unix.O_DIRECTORY, unix.RESOLVE_IN_ROOT).Into(from)
			defer s.close(from)
		}
	}
	names := strings.Split(rest, "/")
	at := from
	for i, name := range names {
		next := f
		switch {
		case i < len(names)-1:
			next = s.Slot(-1)
			s.makeAt(p, at, name, unix.S_IFDIR|madeMode, next)
		case mode != likeMount:
			s.makeAt(p, at, name, mode, f)
		default:
			other, made := s.Label(), s.Label()
			st := s.statx(p, mnt.Value(), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC)
			mask, dir := uint32(unix.S_IFMT), uint32(unix.S_IFDIR)
			if bigEndian {
				mask, dir = mask<<16, dir<<16
			}
			s.Test(st.At(statxMode), mask, dir, other)
			s.makeAt(p, at, name, unix.S_IFDIR|madeMode, f)
			s.Jump(made)
			s.Place(other)
			s.makeAt(p, at, name, unix.S_IFREG|madeMode, f)
			s.Place(made)
		}
		if at != from {
			s.close(at)
		}
		at = next
	}
	s.Place(done)
	return f
}

// makeAt makes an entry of an open folder, unless it is there, and opens it as f.
func (s *Steps) makeAt(p string, at *program.Slot, name string, mode uint32, f *program.Slot) {
	flags := unix.O_NOFOLLOW
	if mode&unix.S_IFMT == unix.S_IFDIR {
		flags |= unix.O_DIRECTORY
		s.Call(p+": mkdirat", unix.SYS_MKDIRAT, at.Value(), s.Text(name), number(mode&0o7777)).Ignore(unix.EEXIST)
	} else {
		s.Call(p+": mknodat", unix.SYS_MKNODAT, at.Value(), s.Text(name), number(mode), number(0)).Ignore(unix.EEXIST)
	}
	s.openat2(p, at.Value(), name, flags, unix.RESOLVE_BENEATH).Into(f)
}

// nearest gives the innermost new tmpfs that a path lies below, and the rest of
// the path; nil for none.
func (s *Steps) nearest(p string) (*program.Slot, string) {
	var best baseStep
	for _, b := range s.bases {
		if len(b.path) > len(best.path) && p != b.path && within(p, b.path) {
			best = b
		}
	}
	if best.mnt == nil {
		return nil, ""
	}
	return best.mnt, p[len(best.path)+1:]
}

// missing gives the part of a path that the image lacks: "" when it has the
// path, all of it when earlier mounts may have changed what is there.
func (s *Steps) missing(p string) string {
	for _, m := range s.mounted {
		if within(p, m) {
			return p[1:]
		}
	}
	for end := len(p); end > 0; end = strings.LastIndexByte(p[:end], '/') {
		f, err := openat2(s.image.root, p[1:end], 0, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_SYMLINKS)
		if err == nil {
			f.close()
			return strings.TrimPrefix(p[end:], "/")
		}
		if err != unix.ENOENT {
			break
		}
	}
	return p[1:]
}

// attached notes what a new mount hides, and keeps a tmpfs for look-ups.
func (s *Steps) attached(op *Op, target string, mnt *program.Slot) (kept bool) {
	s.mounted = append(s.mounted, target)
	left := s.bases[:0]
	for _, b := range s.bases {
		if within(b.path, target) {
			s.close(b.mnt)
			continue
		}
		left = append(left, b)
	}
	s.bases = left
	if op.Kind != Filesystem || op.FSType != "tmpfs" || op.LateReadonly || len(op.Propagation) != 0 {
		return false
	}
	s.bases = append(s.bases, baseStep{target, mnt})
	return true
}

// realPath gives the path to which symlinks of the image lead now. It is a
// guess, for mounts may change it: the steps follow no symlink, and where there
// is one after all, they fail.
func (s *Steps) realPath(p string) string {
	if p == "/" {
		return p
	}
	f, err := s.image.open(p, 0)
	switch {
	case err == nil:
		defer f.fd.close()
		if !f.byLink {
			return p
		}
		// The rules about targets are those of setup.checkPlace.
		place, err := s.image.placeOf(f.fd)
		if err == nil && place != "/" && (!within(place, "/proc") || place != "/proc" && coverable(place)) {
			return place
		}
	case err == unix.ENOENT:
		// The folder may be a symlink.
		dir, name := path.Split(p)
		if dir != "/" {
			return path.Join(s.realPath(path.Clean(dir)), name)
		}
	}
	return p
}

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
	st := s.Space(sizeofStatx)
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
		st := s.Space(sizeofStatx)
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
