package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/cgroups"

	"runc/libcontainer"
	"runc/libcontainer/intelrdt"
)

func eventJSON(t *testing.T, s *libcontainer.Stats) string {
	t.Helper()
	b, err := json.Marshal(event{Type: "stats", ID: "x", Data: newStatsEvent(s)})
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

func TestCPUPercent(t *testing.T) {
	t0 := time.Unix(1000, 0)
	for _, c := range []struct {
		name     string
		from, to sample
		want     string
	}{
		{"half of one", sample{t0, 1e9}, sample{t0.Add(2 * time.Second), 2e9}, "50.0%"},
		{"two whole ones", sample{t0, 1e9}, sample{t0.Add(time.Second), 3e9}, "200.0%"},
		{"idle", sample{t0, 1e9}, sample{t0.Add(time.Second), 1e9}, "0.0%"},
		{"another container of the same name", sample{t0, 2e9}, sample{t0.Add(time.Second), 1e9}, "-"},
		{"no time between", sample{t0, 1e9}, sample{t0, 2e9}, "-"},
		{"nothing counts", sample{t0, 0}, sample{t0.Add(time.Second), 0}, "-"},
	} {
		if got := percent(cpuPercent(c.from, c.to)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func tableStats(change func(*cgroups.Stats)) *cgroups.Stats {
	s := cgroups.NewStats()
	if change != nil {
		change(s)
	}
	return s
}

func TestRenderTable(t *testing.T) {
	full := tableRow{id: "web", status: "running", cpu: 12.34, stats: tableStats(func(s *cgroups.Stats) {
		s.MemoryStats.Usage = cgroups.MemoryData{Usage: 48 << 20, Limit: 64 << 20}
		s.MemoryStats.Stats["inactive_file"] = 16 << 20
		s.PidsStats = cgroups.PidsStats{Current: 3, Limit: 20}
		s.BlkioStats.IoServiceBytesRecursive = []cgroups.BlkioStatEntry{
			{Op: "Read", Value: 1024}, {Op: "read", Value: 1024}, {Op: "Write", Value: 512}, {Op: "Total", Value: 9999},
		}
	})}
	bare := tableRow{id: "database", status: "paused", cpu: math.NaN(), stats: tableStats(nil)}
	unlimited := tableRow{id: "v1", status: "created", cpu: 0, stats: tableStats(func(s *cgroups.Stats) {
		s.MemoryStats.Usage = cgroups.MemoryData{Usage: 1 << 20, Limit: math.MaxInt64 &^ 0xfff}
		s.MemoryStats.Stats["total_inactive_file"] = 2 << 20 // read a moment later
		s.PidsStats.Current = 1
	})}
	got := strings.Join(renderTable([]tableRow{full, bare, unlimited}, 0), "\n")
	want := strings.TrimPrefix(`
ID        STATUS      CPU    MEMORY    LIMIT    MEM  PIDS      READ   WRITTEN
web       running   12.3%     32MiB    64MiB  50.0%  3/20      2KiB      512B
database  paused        -         -        -      -     -         -         -
v1        created    0.0%        0B        -      -     1         -         -`, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	// Pressure has columns of its own once one container has it.
	full.stats.CpuStats.PSI = &cgroups.PSIStats{Some: cgroups.PSIData{Avg10: 7.25}}
	lines := renderTable([]tableRow{full, bare}, 0)
	for i, end := range []string{"WRITTEN  CPU WAIT", "512B      7.2%", "-         -"} {
		if !strings.HasSuffix(lines[i], end) {
			t.Errorf("%q does not end in %q", lines[i], end)
		}
	}

	if lines := renderTable(nil, 0); len(lines) != 1 || !strings.HasPrefix(lines[0], "ID  STATUS") {
		t.Errorf("without containers: %q", lines)
	}
}

// Long ids give way to a narrow screen, but not altogether.
func TestRenderTableWidth(t *testing.T) {
	row := tableRow{id: strings.Repeat("0123456789abcdef", 4), status: "running", stats: tableStats(nil)}
	for screen, id := range map[int]int{0: 64, 200: 64, 100: 100 - 69, 40: 12} {
		lines := renderTable([]tableRow{row}, screen)
		if got := strings.Index(lines[1], " "); got != id {
			t.Errorf("on %d columns: %d characters of the id, want %d: %q", screen, got, id, lines[1])
		}
		if screen >= 100 && len(lines[1]) > screen {
			t.Errorf("on %d columns: a line of %d", screen, len(lines[1]))
		}
	}
}

func TestFrame(t *testing.T) {
	lines := []string{"head", "one", "two", "three"}
	for _, c := range []struct {
		name          string
		width, height int
		want          string
	}{
		{"all fit", 80, 24, "\x1b[Hhead\x1b[K\r\none\x1b[K\r\ntwo\x1b[K\r\nthree\x1b[K\r\n\x1b[J"},
		{"size not known", 0, 0, "\x1b[Hhead\x1b[K\r\none\x1b[K\r\ntwo\x1b[K\r\nthree\x1b[K\r\n\x1b[J"},
		{"narrow", 3, 24, "\x1b[Hhea\x1b[K\r\none\x1b[K\r\ntwo\x1b[K\r\nthr\x1b[K\r\n\x1b[J"},
		{"just high enough", 80, 4, "\x1b[Hhead\x1b[K\r\none\x1b[K\r\ntwo\x1b[K\r\nthree\x1b[K"},
		{"low", 80, 3, "\x1b[Hhead\x1b[K\r\none\x1b[K\r\nand 2 more\x1b[K"},
	} {
		if got := frame(lines, c.width, c.height); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if lines[3] != "three" {
		t.Error("the caller's lines were changed")
	}
}
