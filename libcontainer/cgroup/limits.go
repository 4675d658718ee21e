package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
)

// needed lists the controllers that resources need, each with the place in
// config.json. v2 is the controller's name on cgroup v2. It is empty for resources
// that v2 does not have, which the library ignores, as runc does.
var needed = [...]struct {
	v1, v2, field string
	wanted        func(r *cgroups.Resources, v2 bool) bool
}{
	{"memory", "memory", "memory", func(r *cgroups.Resources, v2 bool) bool {
		return r.Memory != 0 || r.MemoryReservation != 0 || r.MemorySwap != 0 || !v2 && (r.OomKillDisable || r.MemorySwappiness != nil)
	}},
	{"cpu", "cpu", "cpu", func(r *cgroups.Resources, v2 bool) bool {
		return r.CpuShares != 0 || r.CpuQuota != 0 || r.CpuPeriod != 0 || r.CPUIdle != nil || r.CpuBurst != nil ||
			!v2 && (r.CpuRtPeriod != 0 || r.CpuRtRuntime != 0)
	}},
	{"cpuset", "cpuset", "cpu", func(r *cgroups.Resources, _ bool) bool { return r.CpusetCpus != "" || r.CpusetMems != "" }},
	{"pids", "pids", "pids", func(r *cgroups.Resources, _ bool) bool { return r.PidsLimit != nil }},
	{"blkio", "io", "blockIO", func(r *cgroups.Resources, _ bool) bool {
		return r.BlkioWeight != 0 || r.BlkioLeafWeight != 0 || len(r.BlkioWeightDevice)+len(r.BlkioThrottleReadBpsDevice)+
			len(r.BlkioThrottleWriteBpsDevice)+len(r.BlkioThrottleReadIOPSDevice)+len(r.BlkioThrottleWriteIOPSDevice) != 0
	}},
	{"hugetlb", "hugetlb", "hugepageLimits", func(r *cgroups.Resources, _ bool) bool { return len(r.HugetlbLimit) != 0 }},
	{"net_cls", "", "network.classID", func(r *cgroups.Resources, _ bool) bool { return r.NetClsClassid != 0 }},
	{"net_prio", "", "network.priorities", func(r *cgroups.Resources, _ bool) bool { return len(r.NetPrioIfpriomap) != 0 }},
	{"rdma", "rdma", "rdma", func(r *cgroups.Resources, _ bool) bool { return len(r.Rdma) != 0 }},
}

// explain adds to the library's error what in config.json asked for a
// controller that the container's cgroup does not have.
func (m *Manager) explain(err error, r *cgroups.Resources) error {
	if err == nil || r == nil {
		return err
	}
	version, have := "v1", func(name string) bool { return m.lib.Path(name) != "" }
	if m.v2 {
		list := strings.Fields(m.read("", "cgroup.controllers"))
		version, have = "v2", func(name string) bool { return slices.Contains(list, name) }
	}
	for _, n := range needed {
		name := n.v1
		if m.v2 {
			name = n.v2
		}
		if name != "" && !have(name) && n.wanted(r, m.v2) {
			return fmt.Errorf("%w (config.json: linux.resources.%s: needs the %s controller of cgroup %s)", err, n.field, name, version)
		}
	}
	return err
}

// heedIdle leaves the shares of an idle group out: the kernel refuses to set them
// (sched_group_set_shares). They are set when the group is no longer idle.
func (m *Manager) heedIdle(r *cgroups.Resources) (*cgroups.Resources, error) {
	if r == nil || r.CPUIdle == nil || r.CpuShares == 0 && r.CpuWeight == 0 {
		return r, nil
	}
	if *r.CPUIdle != 0 {
		c := *r
		c.CpuShares, c.CpuWeight = 0, 0
		return &c, nil
	}
	if dir := m.lib.Path("cpu"); !m.v2 && !m.fresh && dir != "" {
		// The library sets the shares first.
		return r, cgroups.WriteFile(dir, "cpu.idle", "0")
	}
	return r, nil
}

// Former fills the former resources up: with the kernel's values of the limits
// that only the next resources name. Setting the former resources again then undoes
// every change that the next ones have made.
func (m *Manager) Former(was, next *cgroups.Resources) {
	unlimited := int64(-1)
	if was.Memory == 0 && next.Memory != 0 {
		was.Memory = -1
	}
	if was.MemorySwap == 0 && next.MemorySwap != 0 {
		was.MemorySwap = -1
	}
	if was.MemoryReservation == 0 && next.MemoryReservation != 0 {
		was.MemoryReservation = -1
	}
	if was.MemorySwappiness == nil && next.MemorySwappiness != nil {
		if v, err := strconv.ParseUint(m.read("memory", "memory.swappiness"), 10, 64); err == nil {
			was.MemorySwappiness = &v
		}
	}
	// The kernel's defaults: sched-design-CFS, sched-bwc and cgroup-v2 in its
	// Documentation.
	if was.CpuShares == 0 && next.CpuShares != 0 {
		was.CpuShares, was.CpuWeight = 1024, 100
	}
	if was.CpuQuota == 0 && next.CpuQuota != 0 {
		was.CpuQuota = -1
	}
	if was.CpuPeriod == 0 && next.CpuPeriod != 0 {
		was.CpuPeriod = 100_000 // microseconds
	}
	if was.CpuBurst == nil && next.CpuBurst != nil {
		was.CpuBurst = new(uint64)
	}
	if was.CPUIdle == nil && next.CPUIdle != nil {
		was.CPUIdle = new(int64)
	}
	if was.PidsLimit == nil && next.PidsLimit != nil {
		was.PidsLimit = &unlimited
	}
	if was.CpusetCpus == "" && next.CpusetCpus != "" {
		was.CpusetCpus = m.cpuset("cpuset.cpus")
	}
	if was.CpusetMems == "" && next.CpusetMems != "" {
		was.CpusetMems = m.cpuset("cpuset.mems")
	}
}

// cpuset gives the cgroup's own list. On v2 that may be empty, and then the
// effective list is what it means.
func (m *Manager) cpuset(file string) string {
	if v := m.read("cpuset", file); v != "" || !m.v2 {
		return v
	}
	return m.read("cpuset", file+".effective")
}

// NoPidsLimit says whether a saved limit of 0 is not in force. The systemd driver
// writes 0 as 1, and a scope without a limit has systemd's default.
func (m *Manager) NoPidsLimit() bool {
	v := m.read("pids", "pids.max")
	return v != "" && v != "0" && v != "1"
}

// read gives the text of a file of the cgroup, empty when there is no such file.
func (m *Manager) read(controller, file string) string {
	dir := m.lib.Path(controller)
	if m.v2 {
		dir = m.lib.Path("")
	}
	if dir == "" {
		return ""
	}
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
