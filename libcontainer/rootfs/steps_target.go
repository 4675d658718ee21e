package rootfs

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

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
