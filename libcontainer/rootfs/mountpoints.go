package rootfs

import (
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// MakeMountpoints makes what is missing of the mountpoints of a configuration,
// in the image and in what is bound into it. It mounts nothing and is called in
// the caller's namespaces: CRIU, which restores a container, mounts only where
// there is something to mount on.
//
// As in [Plan.Setup], no symlink of the image leads outside.
func MakeMountpoints(config *configs.Config) error {
	for i, m := range config.Mounts {
		where, rest, ok := holder(config, i)
		if !ok {
			continue
		}
		last := folder(0)
		if m.IsBind() {
			st, err := os.Stat(m.Source)
			if err != nil {
				return fmt.Errorf("%w (config.json: mounts[%d].source)", err, i)
			}
			if !st.IsDir() {
				last = func() (leaf, error) { return emptyFile, nil }
			}
		}
		if err := makeMountpoint(where, rest, last); err != nil {
			return fmt.Errorf("mountpoint %s: %w (config.json: mounts[%d].destination)", m.Destination, err, i)
		}
	}
	return nil
}

func makeMountpoint(root, p string, last func() (leaf, error)) error {
	dir, err := openPath(root, unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer dir.close()
	t := tree{root: dir}
	f, err := t.openOrMake(p, last)
	f.fd.close()
	return err
}

// holder is the folder on the host that has the mountpoint of a mount, and the
// path below it: the image, or the source of an earlier bind mount. There is
// none in other file systems, whose contents CRIU restores.
func holder(config *configs.Config, i int) (root, rest string, ok bool) {
	dest := clean(config.Mounts[i].Destination)
	root, rest = config.Rootfs, dest
	best := 0
	for _, m := range config.Mounts[:i] {
		at := clean(m.Destination)
		if len(at) < best || !strings.HasPrefix(dest, strings.TrimSuffix(at, "/")+"/") {
			continue
		}
		best = len(at)
		root, rest = "", dest[len(strings.TrimSuffix(at, "/")):]
		if m.IsBind() {
			root = m.Source
		}
	}
	return root, rest, root != "" && rest != "/"
}

func clean(p string) string { return path.Clean("/" + p) }
