package rootfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/nsenter"
)

// sentSource is a bind mount whose source the runtime opens.
type sentSource struct {
	op    int
	idmap *configs.MountIDMapping
}

// maxBatch bounds the sources that are sent at a time, and so how many files
// either side has open because of them.
const maxBatch = 8

// Arrange decides which sources the runtime sends together. It has to be called
// before the plan is sent to init.
//
// Mounts are made in the order of config.json, and a source shows the tree as
// it is at its turn. The container's mounts change nothing outside its root, so
// a source outside may be opened some turns early. One at or below the root, or
// one whose place is not known, is opened at its own turn. In a shared root an
// earlier mount may propagate to any place.
func (p *Plan) Arrange() {
	shared := propagates(p.Root.Propagation)
	first := -1
	for _, s := range p.sent {
		op := &p.Ops[s.op]
		early := first >= 0 && p.Ops[first].Batch < maxBatch && !shared && p.outside(op.Source)
		if !early {
			first = s.op
		}
		p.Ops[first].Batch++
	}
}

// resolveCached is RESOLVE_CACHED of openat2(2), which x/sys lacks.
const resolveCached = 0x20

// outside says whether the path is known to lead out of the root file system,
// whose own path has no symlinks. Only the kernel's cache is asked (Linux 5.12):
// a file system that hangs must not hold the runtime here.
func (p *Plan) outside(path string) bool {
	n, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: resolveCached})
	if err != nil {
		return false
	}
	f := fd(n)
	defer f.close()
	real, err := os.Readlink(f.link())
	return err == nil && !within(real, p.Root.Path)
}

// Sources opens, in the runtime and with its rights, the sources of bind mounts
// that init may not open by itself: the root of a user namespace may not be
// able to enter a source's folder, and it may not map ids. Init asks for them
// when their turn comes.
//
// Sources are opened in init's mount namespace, by a thread of the runtime that
// has joined that one namespace and nothing else. So they show what init has
// mounted before, and keep the locks and the propagation that mounts have there
// (mount_namespaces(7)): a tree that was cloned in the host's namespace could
// be taken apart and made writable by the container.
type Sources struct {
	plan *Plan
	// join makes the calling thread join init's mount namespace.
	join func() error
	// userns opens the container's user namespace, for id-mapped mounts
	// without maps of their own.
	userns func() (*os.File, error)

	maps   mapCache
	thread *insideThread

	// hung: a call of Open has been given up and still uses the two above. It
	// closes them when it returns.
	hung bool
}

// NewSources prepares to open the plan's sources. Close has to be called.
func (p *Plan) NewSources(join func() error, userns func() (*os.File, error)) *Sources {
	s := &Sources{plan: p, join: join, userns: userns}
	s.maps.open = s.openMaps
	return s
}

// Close ends the thread and closes what Open has kept for later calls.
func (s *Sources) Close() {
	if !s.hung {
		s.end()
	}
}

func (s *Sources) end() {
	s.thread.end()
	s.thread = nil
	s.maps.close()
}

// Open gives the sources that init asks for at the operation with this number:
// its own, and those of the next operations of its batch, as detached mounts.
// The caller closes them.
func (s *Sources) Open(op int) (files []*os.File, err error) {
	defer func() {
		if err != nil {
			closeFiles(files)
			files = nil
		}
	}()
	if op < 0 || op >= len(s.plan.Ops) {
		return nil, fmt.Errorf("init asks for the source of operation %d, which does not exist", op)
	}
	if s.thread == nil {
		s.thread = startInside(s.join)
	}
	for at, src := range s.plan.sent {
		if src.op < op || len(files) == s.plan.Ops[op].Batch {
			continue
		}
		f, err := s.open(at)
		if err != nil {
			return files, opError(&s.plan.Ops[src.op], err)
		}
		files = append(files, f)
	}
	return files, nil
}

// open opens one source and maps its ids.
func (s *Sources) open(at int) (*os.File, error) {
	src := s.plan.sent[at]
	op := &s.plan.Ops[src.op]
	var ns *os.File
	if src.idmap != nil {
		var err error
		if ns, err = s.maps.get(src.idmap); err != nil {
			return nil, err
		}
	}
	mnt := none
	err := s.thread.do(func() (err error) {
		if mnt, err = cloneSource(op); err != nil || src.idmap == nil {
			return err
		}
		if err = mapIDs(mnt, src.idmap, ns); err != nil {
			mnt.close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(mnt), op.Source), nil
}

// errNoSource says that the source of a bind mount does not exist.
var errNoSource = errors.New("failed to fulfil mount request")

// cloneSource clones what a bind mount names.
func cloneSource(op *Op) (fd, error) {
	var flags uint
	if op.Recursive {
		flags = unix.AT_RECURSIVE
	}
	mnt, err := cloneTree(unix.AT_FDCWD, op.Source, flags)
	if err == unix.ENOENT || err == unix.ENOTDIR {
		return none, fmt.Errorf("%w: open %s: %w", errNoSource, op.Source, err)
	}
	if err != nil {
		return none, &os.PathError{Op: "open_tree", Path: op.Source, Err: err}
	}
	return mnt, nil
}

// openMaps opens the user namespace whose maps an id-mapped mount is to have.
func (s *Sources) openMaps(m *configs.MountIDMapping) (*os.File, error) {
	switch {
	case len(m.UIDMappings) != 0 || len(m.GIDMappings) != 0:
		return nsenter.NewUserNS(m.UIDMappings, m.GIDMappings)
	case m.UserNSPath != "":
		return os.Open(m.UserNSPath)
	}
	return s.userns()
}

// mapIDs gives the mount the id maps of a user namespace (mount_setattr(2),
// MOUNT_ATTR_IDMAP; Linux 5.12, and the file system has to take part).
func mapIDs(mnt fd, m *configs.MountIDMapping, ns *os.File) error {
	var flags uint
	if m.Recursive {
		flags = unix.AT_RECURSIVE
	}
	err := setattr(mnt, flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(ns.Fd())})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("id-mapped mounts are not supported by the kernel (from 5.12) or by this file system: %w", err)
	}
	return err
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
