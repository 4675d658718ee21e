package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckTargets looks, in the runtime and before anything is mounted, whether the
// image has the targets of all mounts, if nothing can be made in it: its file
// system is read-only, or mounted so. One error names all missing ones.
//
// It leaves out what it cannot know beforehand, the places below another mount
// and those behind a dangling symlink, so that it refuses nothing that would
// work.
func (p *Plan) CheckTargets() error {
	var st unix.Statfs_t
	err := retry(func() error { return unix.Statfs(p.Root.Path, &st) })
	if err != nil || st.Flags&unix.ST_RDONLY == 0 {
		// An error is met again, and better explained, when the root is opened.
		return nil
	}
	root, err := openPath(p.Root.Path, unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer root.close()
	t := tree{root: root}
	var missing, mounted []string
	for i := range p.Ops {
		op := &p.Ops[i]
		if op.Kind == Remount || op.Kind == Link {
			continue
		}
		place, lacks, err := t.lookUp(op.Target)
		if err != nil {
			// The mount itself has the words for it.
			continue
		}
		below := slices.ContainsFunc(mounted, func(m string) bool { return within(place, m) })
		if lacks && !below {
			missing = append(missing, fmt.Sprintf("%s (%s.destination)", op.Target, op.Place))
		}
		mounted = append(mounted, place)
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the root file system is read-only and lacks mount points, which have to be made in the image: %s (config.json: mounts)",
		strings.Join(missing, ", "))
}

var errUnknownPlace = errors.New("where it leads is not known beforehand")

// lookUp says where a path leads in the image, and whether it is missing on a
// read-only file system.
func (t *tree) lookUp(p string) (place string, lacks bool, err error) {
	f, err := t.open(p, 0)
	if err == nil {
		defer f.fd.close()
		place, err = t.placeOf(f.fd)
		return place, false, err
	}
	if err != unix.ENOENT {
		return "", false, err
	}
	have, rest, owned, err := t.deepest(p)
	if err != nil {
		return "", false, err
	}
	if owned {
		defer have.fd.close()
	}
	first, _, _ := strings.Cut(rest, "/")
	if _, err := readlink(have.fd, first); err == nil {
		return "", false, errUnknownPlace
	}
	dir, err := t.placeOf(have.fd)
	if err != nil {
		return "", false, err
	}
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(int(have.fd), &st) }); err != nil {
		return "", false, os.NewSyscallError("fstatfs", err)
	}
	return path.Join(dir, rest), st.Flags&unix.ST_RDONLY != 0, nil
}
