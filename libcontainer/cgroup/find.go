package cgroup

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"runc/libcontainer/internal/mountinfo"
	"runc/libcontainer/system"
)

// uniqueID is the length from which a container's id is taken for one that no
// other container has: engines make ids of 64 random digits.
const uniqueID = 32

// Find looks for the cgroups of a container of which nothing but its id is known,
// and perhaps its init, 0 for none: where the runtime makes a cgroup without being
// told a path; where init is; and, for an id that is long enough to be unique,
// anywhere. Only a cgroup that is named after the id is found.
func Find(id string, initPid int) []string {
	mounts, err := mountinfo.All()
	if err != nil {
		return nil
	}
	own, _ := system.ReadFile("/proc/self/cgroup")
	var init []byte
	if initPid > 0 {
		init, _ = system.ReadFile("/proc/" + strconv.Itoa(initPid) + "/cgroup")
	}
	var found []string
	add := func(path string) {
		if namedAfter(filepath.Base(path), id) && exists(path) && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	for m := range mounts {
		if !strings.HasPrefix(m.Point, "/sys/fs/cgroup") {
			continue
		}
		group, ok := groupOn(m, string(own))
		if !ok {
			continue
		}
		add(filepath.Join(m.Point, below(m.Root, group), id))
		if group, ok := groupOn(m, string(init)); ok {
			add(filepath.Join(m.Point, below(m.Root, group)))
		}
		if len(id) < uniqueID {
			continue
		}
		_ = filepath.WalkDir(m.Point, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && namedAfter(d.Name(), id) {
				add(path)
				return fs.SkipDir
			}
			return nil
		})
	}
	return found
}

// namedAfter says whether a cgroup has the name that a runtime gives it for an id:
// the id itself or, in systemd's form, PREFIX-ID.scope.
func namedAfter(name, id string) bool {
	if name == id {
		return true
	}
	unit, ok := strings.CutSuffix(name, ".scope")
	return ok && (unit == id || strings.HasSuffix(unit, "-"+id))
}
