package intelrdt

import (
	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/mountinfo"
)

// defaultRoot is where the kernel has a mount point ready.
const defaultRoot = "/sys/fs/resctrl"

// Root is where resctrl is mounted; [ErrNotEnabled] when it is nowhere.
func Root() (string, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(defaultRoot, &fs); err == nil && fs.Type == unix.RDTGROUP_SUPER_MAGIC {
		return defaultRoot, nil
	}
	mounts, err := mountinfo.All()
	if err != nil {
		return "", err
	}
	for m := range mounts {
		if m.Type == "resctrl" {
			return m.Point, nil
		}
	}
	return "", ErrNotEnabled
}

// IsEnabled says whether resctrl is mounted.
func IsEnabled() bool {
	_, err := Root()
	return err == nil
}
