package statstable

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/cgroups"
)

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
