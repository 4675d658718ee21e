package criu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	securejoin "github.com/cyphar/filepath-securejoin"
	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// A bind mount shows something that is not the container's: CRIU calls it
// external and has to be told by its mountpoint. A dump gives it a name, and a
// restore says what is mounted for that name. The names are an interface: image
// files outlive a swap of runtimes. They are the mountpoint as found in the
// image, and /dev/null for each masked file.

const nullDevice = "/dev/null"

func external(key, val string) *rpc.ExtMountMap { return &rpc.ExtMountMap{Key: &key, Val: &val} }

// inside resolves a path of the container below root, whatever symlinks are
// there. The result is a name for CRIU, nothing that is opened.
func inside(root, path string) (string, error) {
	full, err := securejoin.SecureJoin(root, path)
	if err != nil {
		return "", err
	}
	return "/" + strings.TrimPrefix(strings.TrimPrefix(full, root), "/"), nil
}

// dumpMounts are the external mounts of a running container.
func dumpMounts(config *configs.Config, pid int) ([]*rpc.ExtMountMap, error) {
	if !config.Namespaces.Contains(configs.NEWNS) {
		// The mounts are the host's.
		return nil, nil
	}
	live := fmt.Sprintf("/proc/%d/root", pid)
	var list []*rpc.ExtMountMap
	add := func(dest string) error {
		// What is mounted may bring symlinks of its own. A restore knows the
		// image alone.
		at, err := inside(live, dest)
		if err != nil {
			return err
		}
		name, err := inside(config.Rootfs, dest)
		if err != nil {
			return err
		}
		list = append(list, external(at, name))
		return nil
	}
	for i, m := range config.Mounts {
		var err error
		switch {
		case m.IsBind():
			err = add(m.Destination)
		case m.Device == "cgroup":
			var binds []string
			if binds, err = cgroupBinds(config, m, pid); err == nil {
				for _, b := range binds {
					list = append(list, external(b, b))
				}
			}
		}
		if err != nil {
			return nil, fmt.Errorf("config.json: mounts[%d].destination: %w", i, err)
		}
	}
	for _, path := range config.MaskPaths {
		// An absolute symlink of the image means the container's root.
		at, err := inside(live, path)
		if err != nil {
			return nil, fmt.Errorf("masked path: %w", err)
		}
		st, err := os.Lstat(filepath.Join(live, at))
		if errors.Is(err, fs.ErrNotExist) || err == nil && st.IsDir() {
			// A folder is masked by a tmpfs, which CRIU can make.
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("masked path: %w", err)
		}
		list = append(list, external(at, nullDevice))
	}
	if config.Namespaces.Contains(configs.NEWUSER) {
		// Where none can be made, device nodes are the host's.
		for _, d := range config.Devices {
			if err := add(d.Path); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// cgroupBinds are the mountpoints that show a container without a cgroup
// namespace its own cgroups: of hierarchies of cgroup v1, or with a user
// namespace of cgroup v2. What shows all of a hierarchy CRIU can mount.
func cgroupBinds(config *configs.Config, m *configs.Mount, pid int) ([]string, error) {
	if config.Namespaces.Contains(configs.NEWCGROUP) {
		return nil, nil // they are mounts, not binds
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil {
		return nil, err
	}
	at, err := inside(fmt.Sprintf("/proc/%d/root", pid), m.Destination)
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		// ID PARENT DEV ROOT MOUNTPOINT ... - TYPE SOURCE OPTIONS
		front, back, _ := strings.Cut(line, " - ")
		f := strings.Fields(front)
		if len(f) < 5 || f[3] == "/" || !strings.HasPrefix(back, "cgroup") || !strings.HasPrefix(f[4]+"/", at+"/") {
			continue
		}
		list = append(list, f[4])
	}
	return list, nil
}

// restoreMounts say what the names of a dump stand for. paths are the
// container's cgroups.
func restoreMounts(config *configs.Config, paths map[string]string) ([]*rpc.ExtMountMap, error) {
	if !config.Namespaces.Contains(configs.NEWNS) {
		return nil, nil
	}
	list := []*rpc.ExtMountMap{}
	add := func(name, source string) {
		for _, m := range list {
			if *m.Key == name {
				// Mounts on the same place: the later one is seen.
				*m.Val = source
				return
			}
		}
		list = append(list, external(name, source))
	}
	for i, m := range config.Mounts {
		name, err := inside(config.Rootfs, m.Destination)
		if err != nil {
			return nil, fmt.Errorf("config.json: mounts[%d].destination: %w", i, err)
		}
		switch {
		case m.IsBind():
			add(name, m.Source)
		case m.Device == "cgroup" && cgroups.IsCgroup2UnifiedMode():
			if own := paths[""]; own != "" {
				add(name, own)
			}
		case m.Device == "cgroup":
			for controller, own := range paths {
				if controller == "" || own == "" {
					continue
				}
				add(filepath.Join(name, hierarchyName(controller, own)), own)
			}
		}
	}
	if len(config.MaskPaths) != 0 {
		add(nullDevice, nullDevice)
	}
	if config.Namespaces.Contains(configs.NEWUSER) {
		for _, d := range config.Devices {
			name, err := inside(config.Rootfs, d.Path)
			if err != nil {
				return nil, err
			}
			add(name, d.Path)
		}
	}
	return list, nil
}

// hierarchyName is the folder's name below /sys/fs/cgroup.
func hierarchyName(controller, own string) string {
	if rest, ok := strings.CutPrefix(own, "/sys/fs/cgroup/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	return strings.TrimPrefix(controller, "name=")
}

// enslave has no mount below path reach another mount namespace, by the mount
// that path is on. Those from there still come.
func enslave(path string) error {
	for {
		err := unix.Mount("", path, "", unix.MS_SLAVE, "")
		// EINVAL: not the root of a mount, which is then further up.
		if err == nil || err != unix.EINVAL || path == "/" {
			if err != nil {
				return &os.PathError{Op: "make slave", Path: path, Err: err}
			}
			return nil
		}
		path = filepath.Dir(path)
	}
}

// EmptyNamespace is the bit for a kind of namespace that can be restored empty.
func EmptyNamespace(kind string) (uint32, error) {
	if kind != string(specs.NetworkNamespace) {
		return 0, fmt.Errorf("namespace %s is not supported (--empty-ns: network)", kind)
	}
	return uint32(configs.NEWNET.CloneFlag()), nil
}
