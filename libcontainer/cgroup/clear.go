package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/systemd"
	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/mountinfo"
	"runc/libcontainer/system"
)

// clearDelay is how long Clear waits before it looks for processes to kill: what
// was killed before is usually about to end.
const clearDelay = 50 * time.Millisecond

// Clear removes cgroups, given by their paths, and those below. It kills and thaws
// all processes in them. A cgroup with this process in it, or below it, is left
// alone: that can be no container's.
func Clear(paths []string) error {
	own, err := ownPaths()
	if err != nil {
		return err
	}
	paths = slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		return p == "" || slices.ContainsFunc(own, func(o string) bool { return o == p || strings.HasPrefix(o, p+"/") })
	})
	if removeAll(paths, &patience{deadline: time.Now().Add(clearDelay)}) == nil {
		return nil
	}
	for _, dir := range paths {
		killTree(dir)
	}
	return removeAll(paths, &patience{deadline: time.Now().Add(removeLimit)})
}

// StopUnits has systemd forget the scopes whose cgroups, at these paths, Clear has
// removed. systemd notices by itself that a scope is empty, but a container of the
// same name cannot be made before that.
func StopUnits(paths []string) error {
	if !systemd.IsRunningSystemd() {
		return nil
	}
	var units []string
	for _, p := range paths {
		if unit := filepath.Base(p); strings.HasSuffix(unit, ".scope") && !slices.Contains(units, unit) {
			units = append(units, unit)
		}
	}
	for _, unit := range units {
		// The library puts PREFIX-NAME.scope together again.
		prefix, name, ok := strings.Cut(strings.TrimSuffix(unit, ".scope"), "-")
		if !ok {
			continue
		}
		m, err := Load(&cgroups.Cgroup{
			Systemd: true, Rootless: os.Geteuid() != 0,
			ScopePrefix: prefix, Name: name, Resources: new(cgroups.Resources),
		}, nil)
		if err != nil {
			return err
		}
		if err := m.stopUnit(); err != nil {
			return err
		}
	}
	return nil
}

// ownPaths are the folders of the cgroups that this process is in.
func ownPaths() ([]string, error) {
	mounts, err := mountinfo.All()
	if err != nil {
		return nil, err
	}
	groups, err := system.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	var paths []string
	for m := range mounts {
		if group, ok := groupOn(m, string(groups)); ok {
			paths = append(paths, filepath.Join(m.Point, below(m.Root, group)))
		}
	}
	return paths, nil
}

// groupOn finds the cgroup of a process, by the text of its /proc/PID/cgroup, in
// the hierarchy that a mount shows.
func groupOn(m mountinfo.Mount, groups string) (string, bool) {
	switch m.Type {
	case "cgroup2":
		return ownGroup(groups, "")
	case "cgroup":
		for _, name := range hierarchies {
			if hasOption(m.Super, name) {
				return ownGroup(groups, name)
			}
		}
	}
	return "", false
}

// killTree kills and thaws what is in a cgroup and those below, from the top: a
// frozen cgroup of v1 freezes all below. Errors are left to the removal.
func killTree(dir string) {
	// cgroup v2, Linux 5.14.
	if os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0) == nil {
		return
	}
	if pids, err := cgroups.GetPids(dir); err == nil {
		for _, pid := range pids {
			_ = kill(pid, unix.SIGKILL)
		}
	}
	thaw(dir)
	below, _ := subgroups(dir)
	for _, sub := range below {
		killTree(sub)
	}
}

// thaw thaws one cgroup, of v1 or v2, if it can be.
func thaw(dir string) {
	for file, value := range map[string]string{"freezer.state": "THAWED", "cgroup.freeze": "0"} {
		if fd, err := unix.Open(filepath.Join(dir, file), unix.O_WRONLY|unix.O_CLOEXEC, 0); err == nil {
			_, _ = unix.Write(fd, []byte(value))
			unix.Close(fd)
		}
	}
}

// ThawAll thaws the container's cgroup and those below, on v1: a process in a
// frozen one ends by no signal. On v2 SIGKILL ends a frozen process.
func (m *Manager) ThawAll() {
	if dir := m.lib.Path("freezer"); dir != "" && !m.v2 {
		thawTree(dir)
	}
}

func thawTree(dir string) {
	thaw(dir)
	below, _ := subgroups(dir)
	for _, sub := range below {
		thawTree(sub)
	}
}
