package rootfs

import (
	"errors"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxLinks bounds the dangling links followed while a target is made.
	maxLinks = 40
	// maxRaces bounds the repetitions when somebody renames under us.
	maxRaces = 128
	// madeMode is that of folders and files made for targets; Setup runs with
	// umask 0.
	madeMode = 0o755
)

// resolved is where a path leads.
type resolved struct {
	fd fd
	// byLink: there were symlinks on the way, so the name does not tell where.
	byLink bool
	// made: it was missing, and is ours.
	made bool
}

// tree resolves paths below a root, whatever links the image has.
type tree struct {
	root fd
	// bases are folders that this process mounted and that nothing covers, so
	// that look-ups below need not start from the root each time.
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

// covered forgets what a new mount at p hides. A mount that was reached by
// symlinks may be anywhere.
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

// remember takes over f, the root of what was just mounted at p.
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

// openat2 resolves below dir. The kernel says EAGAIN when a rename or mount
// anywhere made it lose track of "..".
func openat2(dir fd, rel string, flags int, resolve uint64) (fd, error) {
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve | unix.RESOLVE_NO_MAGICLINKS}
	for range maxRaces {
		n, err := unix.Openat2(int(dir), rel, &how)
		switch err {
		case nil:
			return fd(n), nil
		case unix.EAGAIN, unix.EINTR:
		default:
			return none, err
		}
	}
	return none, unix.EAGAIN
}

// openEntry opens what is right below dir, which must not be a symlink. With
// O_PATH|O_NOFOLLOW the kernel would open the link itself, RESOLVE_NO_SYMLINKS
// or not.
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

// open resolves a clean absolute path. flags are O_ flags besides O_PATH.
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
		if f, err = t.make(p, true); err == nil && f.byLink {
			f.fd.close()
			err = unix.ELOOP
		}
	}
	return f, err
}

// openOrMake opens a path, or makes what is missing of it: a folder, or with
// isDir false an empty file in folders.
func (t *tree) openOrMake(p string, isDir func() (bool, error)) (resolved, error) {
	if dir, name := t.below(p); dir != t.root && !strings.Contains(name, "/") {
		// Right below what we have just mounted, so most likely missing.
		if dir, err := isDir(); err != nil || dir {
			return t.make(p, true)
		}
	}
	f, err := t.open(p, 0)
	if err != unix.ENOENT {
		return f, err
	}
	dir, err := isDir()
	if err != nil {
		return resolved{fd: none}, err
	}
	return t.make(p, dir)
}

// make makes what is missing of a path below the deepest part that exists,
// each step below an fd, so that no race can lead it outside (CVE-2024-45310).
// The target of a dangling link is made too, inside the root.
func (t *tree) make(p string, dir bool) (resolved, error) {
	byLink := false
	for range maxLinks {
		have, rest, owned, err := t.deepest(p)
		if err != nil {
			return resolved{fd: none}, err
		}
		byLink = byLink || have.byLink
		f, link, err := makeBelow(have.fd, rest, dir)
		if owned {
			have.fd.close()
		}
		switch {
		case err != nil:
			return resolved{fd: none}, err
		case link == "":
			f.byLink = byLink
			return f, nil
		}
		// rest begins with a symlink that leads nowhere, yet.
		byLink = true
		_, later, _ := strings.Cut(rest, "/")
		if !strings.HasPrefix(link, "/") {
			link = p[:len(p)-len(rest)] + link
		}
		// Not cleaned: ".." after a symlink is the kernel's to resolve.
		p = tidy(link + "/" + later)
		if f, err := t.open(p, 0); err != unix.ENOENT {
			return resolved{fd: f.fd, byLink: true}, err
		}
	}
	return resolved{fd: none}, unix.ELOOP
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

// deepest opens the longest leading part of a path that exists and gives the
// rest, at least one component; of the whole path the caller knows that it is
// missing. owned says that the fd is to be closed.
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

// makeBelow makes rel below dir, whose first component is missing, or is a link,
// which is then given back. Somebody may have made it meanwhile.
func makeBelow(dir fd, rel string, isDir bool) (f resolved, link string, err error) {
	f.fd = none
	at, first := dir, true
	defer func() {
		if at != dir {
			at.close()
		}
	}()
	for rel != "" {
		name, rest, more := strings.Cut(rel, "/")
		if name == ".." {
			// Above something that did not exist a moment ago: nobody means it.
			return f, "", unix.ENOENT
		}
		kind := unix.O_DIRECTORY
		if more || isDir {
			err = unix.Mkdirat(int(at), name, madeMode)
		} else {
			kind = 0
			err = unix.Mknodat(int(at), name, unix.S_IFREG|madeMode, 0)
		}
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
