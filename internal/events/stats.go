// Package events is the JSON that `runc events` writes.
package events

import (
	"github.com/opencontainers/cgroups"

	"runc/libcontainer"
	"runc/libcontainer/intelrdt"
)

// Event is one line of `runc events`. Callers rely on the names of its fields,
// and on which of them are left out when they are empty.
type Event struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Data any    `json:"data,omitempty"`
}

type stats struct {
	CPU               cpuStats                `json:"cpu"`
	CPUSet            cpusetStats             `json:"cpuset"`
	Memory            memoryStats             `json:"memory"`
	Pids              pidsStats               `json:"pids"`
	Blkio             blkioStats              `json:"blkio"`
	Hugetlb           map[string]hugetlbStats `json:"hugetlb"`
	IntelRdt          intelrdt.Stats          `json:"intel_rdt"`
	NetworkInterfaces []struct{}              `json:"network_interfaces"`
}

// Times are in nanoseconds.
type cpuStats struct {
	Usage      cpuUsage          `json:"usage"`
	Throttling throttling        `json:"throttling,omitzero"`
	PSI        *cgroups.PSIStats `json:"psi,omitempty"`
}

type cpuUsage struct {
	Total        uint64   `json:"total,omitempty"`
	Percpu       []uint64 `json:"percpu,omitempty"`
	PercpuKernel []uint64 `json:"percpu_kernel,omitempty"`
	PercpuUser   []uint64 `json:"percpu_user,omitempty"`
	Kernel       uint64   `json:"kernel"`
	User         uint64   `json:"user"`
}

type throttling struct {
	Periods          uint64 `json:"periods,omitempty"`
	ThrottledPeriods uint64 `json:"throttledPeriods,omitempty"`
	ThrottledTime    uint64 `json:"throttledTime,omitempty"`
}

type cpusetStats struct {
	CPUs                  []uint16 `json:"cpus,omitempty"`
	CPUExclusive          uint64   `json:"cpu_exclusive"`
	Mems                  []uint16 `json:"mems,omitempty"`
	MemHardwall           uint64   `json:"mem_hardwall"`
	MemExclusive          uint64   `json:"mem_exclusive"`
	MemoryMigrate         uint64   `json:"memory_migrate"`
	MemorySpreadPage      uint64   `json:"memory_spread_page"`
	MemorySpreadSlab      uint64   `json:"memory_spread_slab"`
	MemoryPressure        uint64   `json:"memory_pressure"`
	SchedLoadBalance      uint64   `json:"sched_load_balance"`
	SchedRelaxDomainLevel int64    `json:"sched_relax_domain_level"`
}

// In bytes.
type memoryStats struct {
	Cache     uint64            `json:"cache,omitempty"`
	Usage     memoryEntry       `json:"usage,omitzero"`
	Swap      memoryEntry       `json:"swap,omitzero"`
	Kernel    memoryEntry       `json:"kernel,omitzero"`
	KernelTCP memoryEntry       `json:"kernelTCP,omitzero"`
	Raw       map[string]uint64 `json:"raw,omitempty"`
	PSI       *cgroups.PSIStats `json:"psi,omitempty"`
}

type memoryEntry struct {
	Limit   uint64 `json:"limit"`
	Usage   uint64 `json:"usage,omitempty"`
	Max     uint64 `json:"max,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

type pidsStats struct {
	Current uint64 `json:"current,omitempty"`
	Limit   uint64 `json:"limit,omitempty"`
}

type blkioStats struct {
	ServiceBytes []blkioEntry      `json:"ioServiceBytesRecursive,omitempty"`
	Serviced     []blkioEntry      `json:"ioServicedRecursive,omitempty"`
	Queued       []blkioEntry      `json:"ioQueueRecursive,omitempty"`
	ServiceTime  []blkioEntry      `json:"ioServiceTimeRecursive,omitempty"`
	WaitTime     []blkioEntry      `json:"ioWaitTimeRecursive,omitempty"`
	Merged       []blkioEntry      `json:"ioMergedRecursive,omitempty"`
	Time         []blkioEntry      `json:"ioTimeRecursive,omitempty"`
	Sectors      []blkioEntry      `json:"sectorsRecursive,omitempty"`
	PSI          *cgroups.PSIStats `json:"psi,omitempty"`
}

type blkioEntry struct {
	Major uint64 `json:"major,omitempty"`
	Minor uint64 `json:"minor,omitempty"`
	Op    string `json:"op,omitempty"`
	Value uint64 `json:"value,omitempty"`
}

type hugetlbStats struct {
	Usage   uint64 `json:"usage,omitempty"`
	Max     uint64 `json:"max,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// NewStats makes the event of type "stats" for the container id.
func NewStats(id string, s *libcontainer.Stats) Event {
	return Event{Type: "stats", ID: id, Data: newStats(s)}
}

// NewOOM makes the event of type "oom" for the container id.
func NewOOM(id string) Event { return Event{Type: "oom", ID: id} }

func newStats(s *libcontainer.Stats) *stats {
	e := &stats{Hugetlb: map[string]hugetlbStats{}}
	if s.IntelRdtStats != nil {
		e.IntelRdt = *s.IntelRdtStats
	}
	c := s.CgroupStats
	if c == nil {
		return e
	}
	usage := c.CpuStats.CpuUsage
	e.CPU = cpuStats{
		Usage: cpuUsage{
			Total: usage.TotalUsage, Percpu: usage.PercpuUsage,
			PercpuKernel: usage.PercpuUsageInKernelmode, PercpuUser: usage.PercpuUsageInUsermode,
			Kernel: usage.UsageInKernelmode, User: usage.UsageInUsermode,
		},
		Throttling: throttling(c.CpuStats.ThrottlingData),
		PSI:        c.CpuStats.PSI,
	}
	e.CPUSet = cpusetStats(c.CPUSetStats)
	m := &c.MemoryStats
	e.Memory = memoryStats{
		Cache:     m.Cache,
		Usage:     newMemoryEntry(m.Usage),
		Swap:      newMemoryEntry(m.SwapUsage),
		Kernel:    newMemoryEntry(m.KernelUsage),
		KernelTCP: newMemoryEntry(m.KernelTCPUsage),
		Raw:       m.Stats,
		PSI:       m.PSI,
	}
	e.Pids = pidsStats(c.PidsStats)
	b := &c.BlkioStats
	e.Blkio = blkioStats{
		ServiceBytes: newBlkioEntries(b.IoServiceBytesRecursive),
		Serviced:     newBlkioEntries(b.IoServicedRecursive),
		Queued:       newBlkioEntries(b.IoQueuedRecursive),
		ServiceTime:  newBlkioEntries(b.IoServiceTimeRecursive),
		WaitTime:     newBlkioEntries(b.IoWaitTimeRecursive),
		Merged:       newBlkioEntries(b.IoMergedRecursive),
		Time:         newBlkioEntries(b.IoTimeRecursive),
		Sectors:      newBlkioEntries(b.SectorsRecursive),
		PSI:          b.PSI,
	}
	for size, h := range c.HugetlbStats {
		e.Hugetlb[size] = hugetlbStats{Usage: h.Usage, Max: h.MaxUsage, Failcnt: h.Failcnt}
	}
	return e
}

func newMemoryEntry(d cgroups.MemoryData) memoryEntry {
	return memoryEntry{Limit: d.Limit, Usage: d.Usage, Max: d.MaxUsage, Failcnt: d.Failcnt}
}

func newBlkioEntries(from []cgroups.BlkioStatEntry) []blkioEntry {
	var to []blkioEntry
	for _, b := range from {
		to = append(to, blkioEntry(b))
	}
	return to
}
