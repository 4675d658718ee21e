package rootfs

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// openOrMakeByText is openOrMake where a magic link of procfs is on the way, as
// /proc/self/cwd. The kernel would jump to the file that such a link stands for,
// which may be outside the root, so it is told not to follow it (ELOOP). The
// text of the link is a path like any other. Images have such links, and runc
// takes them for their text, too.
func (t *tree) openOrMakeByText(p string, last func() (leaf, error)) (resolved, error) {
	p, err := t.byText(p)
	if err != nil {
		return resolved{fd: none}, err
	}
	f, err := t.open(p, 0)
	if err == unix.ENOENT {
		var l leaf
		if l, err = last(); err == nil {
			f, err = t.make(p, l)
		}
	}
	f.byLink = true
	return f, err
}

// byText replaces all symlinks of a path by their texts, inside the root. What
// follows a missing component is taken as text.
func (t *tree) byText(p string) (string, error) {
	place, rest := "/", p
	for links := 0; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		next := path.Join(place, name)
		if name == "" || name == "." || name == ".." {
			place = next
			continue
		}
		f, err := openat2(t.root, next[1:], unix.O_NOFOLLOW, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_SYMLINKS)
		if err == unix.ENOENT {
			return path.Join(next, rest), nil
		}
		if err != nil {
			return "", err
		}
		text, err := readlink(f, "")
		f.close()
		switch err {
		case nil:
			if links++; links > maxLinks {
				return "", unix.ELOOP
			}
			if strings.HasPrefix(text, "/") {
				place = "/"
			}
			rest = text + "/" + rest
		case unix.ENOENT, unix.EINVAL:
			// It is no symlink: readlinkat(2) has ENOENT for an empty name then.
			place = next
		default:
			return "", err
		}
	}
	return place, nil
}
