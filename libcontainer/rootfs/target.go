package rootfs

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

const (
	// maxLinks bounds the dangling links followed while a target is made.
	maxLinks = 40
	// maxRaces bounds the repetitions when a process renames folders meanwhile.
	maxRaces = 128
	// madeMode is the mode of folders and files that are made for targets.
	// Setup runs with umask 0.
	madeMode = 0o755
)

// resolved is the place that a path leads to.
type resolved struct {
	fd fd
	// byLink: there were symlinks on the way, so the place is not the name's.
	byLink bool
	// made: it was missing, and has been made.
	made bool
}

// leaf is what is made where a path leads to nothing: mode includes the type.
type leaf struct {
	mode uint32
	dev  uint64
}

// emptyFile is the target of a mount that is not a folder.
var emptyFile = leaf{mode: unix.S_IFREG | madeMode}

// folder is the target of a mount that is one. mode 0 is madeMode.
func folder(mode uint32) func() (leaf, error) {
	if mode == 0 {
		mode = madeMode
	}
	return func() (leaf, error) { return leaf{mode: unix.S_IFDIR | mode}, nil }
}

func (l leaf) isDir() bool { return l.mode&unix.S_IFMT == unix.S_IFDIR }

// make makes the entry of that name in an open folder.
func (l leaf) make(at fd, name string) error {
	if l.isDir() {
		return unix.Mkdirat(int(at), name, l.mode&0o7777)
	}
	return unix.Mknodat(int(at), name, l.mode, int(l.dev))
}

// tree resolves paths below a root, whatever links the image has.
type tree struct {
	root fd
	// bases are folders that this process has mounted and that no later mount
	// covers. Look-ups below them need not start from the root each time.
	bases []base
}

type base struct {
	path string
	fd   fd
}

// below finds the nearest base and the rest of the path.
func (t *tree) below(p string) (fd, string) {
	dir, rest, best := t.root, p[1:], 0
	if strings.Contains(p, "/..") {
		// It may lead out of the base, which is no root.
		return dir, rest
	}
	for _, b := range t.bases {
		if len(b.path) >= best && strings.HasPrefix(p, b.path) && len(p) > len(b.path) && p[len(b.path)] == '/' {
			dir, rest, best = b.fd, p[len(b.path)+1:], len(b.path)
		}
	}
	return dir, rest
}

// covered forgets the bases that a new mount at p hides. A mount that was
// reached by symlinks may be anywhere.
func (t *tree) covered(p string, byLink bool) {
	kept := t.bases[:0]
	for _, b := range t.bases {
		if byLink || b.path == p || strings.HasPrefix(b.path, p+"/") {
			b.fd.close()
			continue
		}
		kept = append(kept, b)
	}
	t.bases = kept
}

// remember keeps f, the root of the mount at p, as a base. It closes f later.
func (t *tree) remember(p string, f fd) { t.bases = append(t.bases, base{p, f}) }

func (t *tree) base(p string) fd {
	for _, b := range t.bases {
		if b.path == p {
			return b.fd
		}
	}
	return none
}

func (t *tree) close() {
	for _, b := range t.bases {
		b.fd.close()
	}
	t.bases = nil
}

// openat2 resolves below dir. The kernel returns EAGAIN when a rename or mount
// anywhere may have moved the parent that ".." means.
func openat2(dir fd, rel string, flags int, resolve uint64) (fd, error) {
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve | unix.RESOLVE_NO_MAGICLINKS}
	for range maxRaces {
		n, err := unix.Openat2(int(dir), rel, &how)
		switch err {
		case nil:
			return fd(n), nil
		case unix.EAGAIN, unix.EINTR:
		default:
			return none, system.Refused(unix.SYS_OPENAT2, err)
		}
	}
	return none, unix.EAGAIN
}

// openEntry opens an entry of dir, which must not be a symlink. With
// O_PATH|O_NOFOLLOW the kernel opens a link itself, even with
// RESOLVE_NO_SYMLINKS, so the type is looked at.
func openEntry(dir fd, name string, flags int) (fd, error) {
	f, err := openat2(dir, name, flags|unix.O_NOFOLLOW, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)
	if err != nil || flags&unix.O_DIRECTORY != 0 {
		return f, err
	}
	st, err := f.stat()
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		err = unix.ELOOP
	}
	if err != nil {
		f.close()
		return none, err
	}
	return f, nil
}

// open resolves a clean absolute path. O_PATH is added to flags.
func (t *tree) open(p string, flags int) (resolved, error) {
	if p == "/" {
		f, err := openat2(t.root, ".", flags, unix.RESOLVE_IN_ROOT)
		return resolved{fd: f}, err
	}
	dir, rel := t.below(p)
	f, err := openat2(dir, rel, flags, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_SYMLINKS)
	if err != unix.ELOOP || flags&unix.O_NOFOLLOW != 0 {
		return resolved{fd: f}, err
	}
	f, err = openat2(t.root, p[1:], flags, unix.RESOLVE_IN_ROOT)
	return resolved{fd: f, byLink: true}, err
}

// realDir opens, or makes, a folder that is reached without any symlink.
func (t *tree) realDir(p string) (resolved, error) {
	f, err := t.open(p, unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err == unix.ENOENT {
		if f, err = t.make(p, leaf{mode: unix.S_IFDIR | madeMode}); err == nil && f.byLink {
			f.fd.close()
			err = unix.ELOOP
		}
	}
	return f, err
}

// openOrMake opens a path, or makes what is missing of it: folders, and at the
// end the leaf.
func (t *tree) openOrMake(p string, last func() (leaf, error)) (resolved, error) {
	if dir, name := t.below(p); dir != t.root && !strings.Contains(name, "/") {
		// The folder is a fresh mount, so most likely the entry is missing.
		if l, err := last(); err != nil || l.isDir() {
			return t.make(p, l)
		}
	}
	f, err := t.open(p, 0)
	if err == unix.ELOOP {
		return t.openOrMakeByText(p, last)
	}
	if err != unix.ENOENT {
		return f, err
	}
	l, err := last()
	if err != nil {
		return resolved{fd: none}, err
	}
	return t.make(p, l)
}

// make makes what is missing of a path below the deepest part that exists,
// each step below an fd, so that no race can lead it outside (CVE-2024-45310).
// The target of a dangling link is made too, inside the root.
func (t *tree) make(p string, last leaf) (resolved, error) {
	byLink := false
	for range maxLinks {
		have, rest, owned, err := t.deepest(p)
		if err != nil {
			return resolved{fd: none}, err
		}
		byLink = byLink || have.byLink
		var f resolved
		next, err := beyondMissing(have.fd, p, rest)
		if err == nil && next == "" {
			var link string
			f, link, err = makeBelow(have.fd, rest, last)
			if link != "" {
				// rest begins with a symlink that leads to nothing so far.
				next = followed(p, rest, link)
			}
		}
		if owned {
			have.fd.close()
		}
		switch {
		case err != nil:
			return resolved{fd: none}, err
		case next == "":
			f.byLink = byLink
			return f, nil
		}
		byLink, p = true, next
		if f, err := t.open(p, 0); err != unix.ENOENT {
			return resolved{fd: f.fd, byLink: true}, err
		}
	}
	return resolved{fd: none}, unix.ELOOP
}

// followed gives the path p whose first component of rest is a symlink with
// the text link.
func followed(p, rest, link string) string {
	_, later, _ := strings.Cut(rest, "/")
	if !strings.HasPrefix(link, "/") {
		link = p[:len(p)-len(rest)] + link
	}
	// The kernel resolves a ".." after a symlink, so the path is not cleaned.
	return tidy(link + "/" + later)
}

// beyondMissing deals with ".." after a missing component, which only the
// texts of symlinks have. Nothing can be found above something missing, so the
// two cancel each other as text, as in runc: /a/../b is /b without any /a. The
// result is the path to go on with, empty where rest has no such thing.
func beyondMissing(dir fd, p, rest string) (string, error) {
	parts := strings.Split(rest, "/")
	at := slices.Index(parts, "..")
	if at < 0 {
		return "", nil
	}
	if link, err := readlink(dir, parts[0]); err == nil {
		// It is not missing, but a dangling link.
		return followed(p, rest, link), nil
	} else if err != unix.ENOENT {
		// A process has made it meanwhile.
		return "", unix.ENOENT
	}
	parts = slices.Delete(parts, max(at-1, 0), at+1)
	return tidy(p[:len(p)-len(rest)] + strings.Join(parts, "/")), nil
}

// tidy removes repeated slashes and single dots.
func tidy(p string) string {
	parts := strings.Split(p, "/")
	kept := parts[:0]
	for _, c := range parts {
		if c != "" && c != "." {
			kept = append(kept, c)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// deepest opens the longest leading part of a path that exists, and gives the
// rest, at least one component: the caller knows that the whole path leads to
// nothing. owned says that the caller has to close the fd.
func (t *tree) deepest(p string) (have resolved, rest string, owned bool, err error) {
	if dir, rel := t.below(p); dir != t.root && !strings.Contains(rel, "/") {
		return resolved{fd: dir}, rel, false, nil
	}
	for end := strings.LastIndexByte(p, '/'); end > 0; end = strings.LastIndexByte(p[:end], '/') {
		f, err := t.open(p[:end], 0)
		if err == nil {
			return f, p[end+1:], true, nil
		}
		if err != unix.ENOENT {
			return f, "", false, err
		}
	}
	return resolved{fd: t.root}, p[1:], false, nil
}

// makeBelow makes rel below dir. Its first component is missing, or it is a
// dangling link, whose text is then given back. Another process may have made
// it meanwhile.
func makeBelow(dir fd, rel string, last leaf) (f resolved, link string, err error) {
	f.fd = none
	at, first := dir, true
	defer func() {
		if at != dir {
			at.close()
		}
	}()
	for rel != "" {
		name, rest, more := strings.Cut(rel, "/")
		entry, kind := last, 0
		if more {
			entry = leaf{mode: unix.S_IFDIR | madeMode}
		}
		if entry.isDir() {
			kind = unix.O_DIRECTORY
		}
		err = entry.make(at, name)
		if err != nil && err != unix.EEXIST {
			return f, "", &os.PathError{Op: "make mountpoint", Path: name, Err: err}
		}
		existed := err == unix.EEXIST
		next, err := openEntry(at, name, kind)
		if err != nil && first && existed && (err == unix.ELOOP || err == unix.ENOTDIR) {
			if link, lerr := readlink(at, name); lerr == nil {
				return f, link, nil
			}
		}
		if err != nil {
			return f, "", &os.PathError{Op: "open mountpoint", Path: name, Err: err}
		}
		if at != dir {
			at.close()
		}
		at, rel, first, f.made = next, rest, false, !existed
	}
	f.fd, at = at, dir
	return f, "", nil
}

func readlink(dir fd, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(dir), name, buf)
	if err != nil {
		return "", err
	}
	if n == 0 || n == len(buf) {
		return "", unix.ENAMETOOLONG
	}
	return string(buf[:n]), nil
}

// placeOf asks the kernel for the path of f below the root.
func (t *tree) placeOf(f fd) (string, error) {
	full, err := os.Readlink(f.link())
	if err != nil {
		return "", err
	}
	root, err := os.Readlink(t.root.link())
	if err != nil {
		return "", err
	}
	if root == "/" {
		return full, nil
	}
	if full == root {
		return "/", nil
	}
	if rest, ok := strings.CutPrefix(full, root+"/"); ok {
		return "/" + path.Clean(rest), nil
	}
	return "", errors.New("it leads out of the container's root")
}
