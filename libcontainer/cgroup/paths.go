package cgroup

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/mountinfo"
	"runc/libcontainer/system"
)

// hierarchies are the cgroup v1 controllers and named hierarchies in which a
// container gets a cgroup, where they are mounted.
var hierarchies = [...]string{
	"cpuset", "devices", "memory", "cpu", "cpuacct", "pids", "blkio", "hugetlb", "net_cls", "net_prio",
	"perf_event", "freezer", "rdma", "name=systemd", "misc",
}

const hybridRoot = "/sys/fs/cgroup/unified"

// v1Paths decides where the container's cgroups will be on cgroup v1. The library
// would read two files of /proc for each hierarchy; here each file is read once.
func v1Paths(c *cgroups.Cgroup) (map[string]string, error) {
	inner, err := innerPath(c)
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.All()
	if err != nil {
		return nil, err
	}
	own := ""
	if !filepath.IsAbs(inner) {
		b, err := system.ReadFile("/proc/self/cgroup")
		if err != nil {
			return nil, err
		}
		own = string(b)
	}
	paths := decideV1(inner, mounts, own, cgroups.IsCgroup2HybridMode())
	if _, ok := paths["devices"]; !ok && !c.SkipDevices {
		// Without it the container could open any device.
		return nil, errors.New("mountpoint for devices not found")
	}
	return paths, nil
}

// Shown are the folders that a mount of type cgroup shows: those of the
// container's cgroup. Where a caller without rights could make none, they are,
// in a hierarchy of v1, those of the cgroup that the container shares with the
// caller, and on v2 there is none. To be asked when init is in its cgroup.
func (m *Manager) Shown() map[string]string {
	paths := m.Paths()
	if m.v2 && m.shared {
		return nil
	}
	if m.v2 || !m.config.Rootless {
		return paths
	}
	mounts, err := mountinfo.All()
	if err != nil {
		return paths
	}
	own, err := system.ReadFile("/proc/self/cgroup")
	if err != nil {
		return paths
	}
	shown := decideV1("", mounts, string(own), false)
	for key, path := range paths {
		if unix.Access(path, unix.F_OK) == nil {
			shown[key] = path
		}
	}
	return shown
}

// decideV1 makes the paths out of the mounts and the text of /proc/self/cgroup;
// see cgroups(7).
func decideV1(inner string, mounts iter.Seq[mountinfo.Mount], own string, hybrid bool) map[string]string {
	paths := make(map[string]string, len(hierarchies)+1)
	for m := range mounts {
		if m.Type != "cgroup" {
			continue
		}
		for _, name := range hierarchies {
			// The first mount of a hierarchy is the one that counts.
			if _, seen := paths[name]; seen || !hasOption(m.Super, name) {
				continue
			}
			if filepath.IsAbs(inner) {
				paths[name] = filepath.Join(m.Point, inner)
			} else if group, ok := ownGroup(own, name); ok {
				paths[name] = filepath.Join(m.Point, below(m.Root, group), inner)
			}
		}
	}
	if hybrid {
		// The v2 hierarchy beside them has no controllers; init is put there
		// at the same place so that cgroup.kill and BPF can find it.
		group := ""
		if !filepath.IsAbs(inner) {
			group, _ = ownGroup(own, "")
		}
		paths[""] = filepath.Join(hybridRoot, group, inner)
	}
	return paths
}

// below gives a process's cgroup as a mount of a subtree shows it: in a container
// without a cgroup namespace the mount's root is not "/".
func below(root, group string) string {
	if root == "/" {
		return group
	}
	if rest, ok := strings.CutPrefix(group, root); ok && (rest == "" || rest[0] == '/') {
		return rest
	}
	// The mount was bound from elsewhere, and shows nothing of that cgroup.
	return "/"
}

func hasOption(options, name string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == name {
			return true
		}
	}
	return false
}

// ownGroup finds a controller's line: ID:CONTROLLERS:PATH.
func ownGroup(text, name string) (string, bool) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) == 3 && hasOption(parts[1], name) {
			return parts[2], true
		}
	}
	return "", false
}

// innerPath gives the container's cgroup: an absolute path is below the mount, a
// relative one below the runtime's own cgroup. Dots lead out of neither.
func innerPath(c *cgroups.Cgroup) (string, error) {
	if c.Path == "" {
		return strings.TrimPrefix(filepath.Join("/", c.Parent, "/", c.Name), "/"), nil
	}
	if c.Name != "" || c.Parent != "" {
		return "", fmt.Errorf("cgroup path %q given together with a name", c.Path)
	}
	clean := filepath.Clean("/" + c.Path)
	if !filepath.IsAbs(c.Path) {
		clean = clean[1:]
	}
	return clean, nil
}
