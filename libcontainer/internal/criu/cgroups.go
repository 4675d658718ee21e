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
