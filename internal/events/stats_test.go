package events

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"

	"runc/libcontainer"
	"runc/libcontainer/intelrdt"
)

func eventJSON(t *testing.T, s *libcontainer.Stats) string {
	t.Helper()
	b, err := json.Marshal(NewStats("x", s))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What is left out of a container without any controller, and what is not.
func TestStatsOfNothing(t *testing.T) {
	const want = `{"type":"stats","id":"x","data":{"cpu":{"usage":{"kernel":0,"user":0}},` +
		`"cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,` +
		`"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0},` +
		`"memory":{},"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{},"network_interfaces":null}}`
	for name, s := range map[string]*libcontainer.Stats{
		"empty":     {CgroupStats: cgroups.NewStats()},
		"no cgroup": {},
	} {
		if got := eventJSON(t, s); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestStatsOfEverything(t *testing.T) {
	c := cgroups.NewStats()
	c.CpuStats = cgroups.CpuStats{
		CpuUsage: cgroups.CpuUsage{
			TotalUsage: 30, PercpuUsage: []uint64{10, 20},
			PercpuUsageInKernelmode: []uint64{1, 2}, PercpuUsageInUsermode: []uint64{3, 4},
			UsageInKernelmode: 5, UsageInUsermode: 6,
		},
		ThrottlingData: cgroups.ThrottlingData{Periods: 7, ThrottledPeriods: 8, ThrottledTime: 9},
		PSI:            &cgroups.PSIStats{Some: cgroups.PSIData{Avg10: 1.5, Avg60: 2, Avg300: 3, Total: 4}},
	}
	c.CPUSetStats = cgroups.CPUSetStats{CPUs: []uint16{0, 1}, Mems: []uint16{0}, SchedLoadBalance: 1, SchedRelaxDomainLevel: -1}
	c.MemoryStats.Cache = 11
	c.MemoryStats.Usage = cgroups.MemoryData{Usage: 1, MaxUsage: 2, Failcnt: 3, Limit: 4}
	c.MemoryStats.SwapUsage = cgroups.MemoryData{Limit: 5}
	c.MemoryStats.KernelUsage = cgroups.MemoryData{Usage: 6}
	c.MemoryStats.KernelTCPUsage = cgroups.MemoryData{Failcnt: 7}
	c.MemoryStats.Stats["rss"] = 8
	c.MemoryStats.PSI = &cgroups.PSIStats{Full: cgroups.PSIData{Total: 12}}
	c.PidsStats = cgroups.PidsStats{Current: 2, Limit: 20}
	entry := func(v uint64) []cgroups.BlkioStatEntry {
		return []cgroups.BlkioStatEntry{{Major: 8, Minor: 16, Op: "Read", Value: v}}
	}
	c.BlkioStats = cgroups.BlkioStats{
		IoServiceBytesRecursive: entry(1), IoServicedRecursive: entry(2), IoQueuedRecursive: entry(3),
		IoServiceTimeRecursive: entry(4), IoWaitTimeRecursive: entry(5), IoMergedRecursive: entry(6),
		IoTimeRecursive: entry(7), SectorsRecursive: entry(8), PSI: &cgroups.PSIStats{},
	}
	c.HugetlbStats["2MB"] = cgroups.HugetlbStats{Usage: 1, MaxUsage: 2, Failcnt: 3}
	rdt := &intelrdt.Stats{L3CacheSchema: "L3:0=f"}
	got := eventJSON(t, &libcontainer.Stats{CgroupStats: c, IntelRdtStats: rdt})
	blkio := func(v string) string { return `[{"major":8,"minor":16,"op":"Read","value":` + v + `}]` }
	for _, want := range []string{
		`"usage":{"total":30,"percpu":[10,20],"percpu_kernel":[1,2],"percpu_user":[3,4],"kernel":5,"user":6}`,
		`"throttling":{"periods":7,"throttledPeriods":8,"throttledTime":9}`,
		`"psi":{"some":{"avg10":1.5,"avg60":2,"avg300":3,"total":4}}`,
		`"cpuset":{"cpus":[0,1],"cpu_exclusive":0,"mems":[0],"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,` +
			`"memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":1,"sched_relax_domain_level":-1}`,
		`"memory":{"cache":11,"usage":{"limit":4,"usage":1,"max":2,"failcnt":3},"swap":{"limit":5,"failcnt":0},` +
			`"kernel":{"limit":0,"usage":6,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":7},"raw":{"rss":8},` +
			`"psi":{"full":{"avg10":0,"avg60":0,"avg300":0,"total":12}}}`,
		`"pids":{"current":2,"limit":20}`,
		`"blkio":{"ioServiceBytesRecursive":` + blkio("1") + `,"ioServicedRecursive":` + blkio("2") +
			`,"ioQueueRecursive":` + blkio("3") + `,"ioServiceTimeRecursive":` + blkio("4") +
			`,"ioWaitTimeRecursive":` + blkio("5") + `,"ioMergedRecursive":` + blkio("6") +
			`,"ioTimeRecursive":` + blkio("7") + `,"sectorsRecursive":` + blkio("8") + `,"psi":{}}`,
		`"hugetlb":{"2MB":{"usage":1,"max":2,"failcnt":3}}`,
		`"intel_rdt":{"l3_cache_schema":"L3:0=f"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s\nin %s", want, got)
		}
	}
}
