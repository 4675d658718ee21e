package criu

import (
	"fmt"
	"os"
	"strings"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"github.com/opencontainers/cgroups"
)

// Modes are the values of --manage-cgroups-mode.
var Modes = map[string]rpc.CriuCgMode{
	"soft":   rpc.CriuCgMode_SOFT,
	"full":   rpc.CriuCgMode_FULL,
	"strict": rpc.CriuCgMode_STRICT,
	"ignore": rpc.CriuCgMode_IGNORE,
}

// mode is what CRIU is told of cgroups; nil: nothing.
func mode(o *Options) *rpc.CriuCgMode {
	if o.ManageCgroupsMode == 0 && !o.ManageCgroupsSet {
		return nil
	}
	return &o.ManageCgroupsMode
}

// restoreMode is the same for a restore. The strict mode wants that a cgroup does
// not exist. The runtime has made the container's own by then: whether there was
// one before is for the runtime to check, and the rest of the mode is the full
// one.
func restoreMode(o *Options) *rpc.CriuCgMode {
	if Strict(o) {
		return new(rpc.CriuCgMode_FULL)
	}
	return mode(o)
}

// Strict says whether a restore is to refuse a cgroup that exists.
func Strict(o *Options) bool { return o.ManageCgroupsMode == rpc.CriuCgMode_STRICT }

// cgroupRoots say where CRIU puts what it has dumped of the container's cgroup:
// where CRIU itself is, which was put into the new one. Without that a container
// restored under another id would land in the cgroup of the old one.
func cgroupRoots(pid int) ([]*rpc.CgroupRoot, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return nil, err
	}
	return parseCgroupRoots(string(b), cgroups.IsCgroup2UnifiedMode()), nil
}

// parseCgroupRoots reads lines ID:CONTROLLERS:PATH (cgroups(7)). A host with
// cgroup v2 may have a hierarchy of v1 besides, in which the container has no
// cgroup.
func parseCgroupRoots(text string, unified bool) []*rpc.CgroupRoot {
	var list []*rpc.CgroupRoot
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 || unified && f[1] != "" {
			continue
		}
		for name := range strings.SplitSeq(f[1], ",") {
			list = append(list, &rpc.CgroupRoot{Ctrl: &name, Path: new(f[2])})
		}
	}
	return list
}
