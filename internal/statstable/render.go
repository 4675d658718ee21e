package statstable

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/opencontainers/cgroups"
)

// tableRow is one container at one time.
type tableRow struct {
	id, status string
	cpu        float64 // per cent of one CPU; NaN when not known yet
	stats      *cgroups.Stats
}

// unknown is the cell for a controller that is missing, or a limit that is not set.
const unknown = "-"

// tableColumns are the columns from left to right. The width has room for usual
// values, so that the table does not move when a number gets one more digit.
var tableColumns = []struct {
	title    string
	width    int
	left     bool // words are aligned to the left, numbers to the right
	optional bool // left out while no container has a value
	text     func(r tableRow) string
}{
	{"ID", 0, true, false, func(r tableRow) string { return r.id }},
	{"STATUS", 7, true, false, func(r tableRow) string { return r.status }},
	{"CPU", 6, false, false, func(r tableRow) string { return percent(r.cpu) }},
	{"MEMORY", 8, false, false, func(r tableRow) string { return memoryColumn(&r.stats.MemoryStats) }},
	{"LIMIT", 7, false, false, func(r tableRow) string { return limitColumn(&r.stats.MemoryStats) }},
	{"MEM", 5, false, false, func(r tableRow) string { return memoryPercent(&r.stats.MemoryStats) }},
	{"PIDS", 4, false, false, func(r tableRow) string { return pidsColumn(r.stats.PidsStats) }},
	{"READ", 8, false, false, func(r tableRow) string { return ioColumn(&r.stats.BlkioStats, "read") }},
	{"WRITTEN", 8, false, false, func(r tableRow) string { return ioColumn(&r.stats.BlkioStats, "write") }},
	{"CPU WAIT", 0, false, true, func(r tableRow) string { return pressure(r.stats.CpuStats.PSI) }},
	{"MEM WAIT", 0, false, true, func(r tableRow) string { return pressure(r.stats.MemoryStats.PSI) }},
	{"I/O WAIT", 0, false, true, func(r tableRow) string { return pressure(r.stats.BlkioStats.PSI) }},
}

// shortID is the length to which ids are cut when the table is too wide. Engines,
// whose ids have 64 characters, show as many.
const shortID = 12

// renderTable gives the lines of the table, its head first. It cuts the ids when
// the table is wider than the screen; 0 means no limit.
func renderTable(rows []tableRow, screen int) []string {
	const gap = "  "
	// The ids come last: the other columns decide how much room they have.
	var columns [][]string
	total := 0
	for _, c := range tableColumns[1:] {
		if cells, said := column(rows, c.title, c.text); said || !c.optional {
			width := align(cells, c.width, c.left)
			total += len(gap) + width
			columns = append(columns, cells)
		}
	}
	ids, _ := column(rows, tableColumns[0].title, tableColumns[0].text)
	if screen > 0 {
		for i, id := range ids {
			ids[i] = id[:min(len(id), max(shortID, screen-total))]
		}
	}
	align(ids, 0, true)
	for _, cells := range columns {
		for i := range ids {
			ids[i] += gap + cells[i]
		}
	}
	return ids
}

// column gives the cells of a column, its title first, and tells whether any cell
// has a value.
func column(rows []tableRow, title string, text func(tableRow) string) (cells []string, said bool) {
	cells = append(make([]string, 0, len(rows)+1), title)
	for _, r := range rows {
		cell := text(r)
		cells = append(cells, cell)
		said = said || cell != unknown
	}
	return cells, said
}

// align makes all cells as wide as the widest, and at least the width given.
func align(cells []string, width int, left bool) int {
	for _, c := range cells {
		width = max(width, len(c))
	}
	for i, c := range cells {
		pad := strings.Repeat(" ", width-len(c))
		if left {
			cells[i] = c + pad
		} else {
			cells[i] = pad + c
		}
	}
	return width
}

func percent(p float64) string {
	if math.IsNaN(p) {
		return unknown
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + "%"
}

// hasMemory tells whether the memory controller is there: its memory.stat is
// never empty.
func hasMemory(m *cgroups.MemoryStats) bool { return len(m.Stats) != 0 }

// memoryUse is the memory in use without the inactive file cache, in bytes. The
// kernel frees that cache first when the limit is near.
func memoryUse(m *cgroups.MemoryStats) uint64 {
	cache, ok := m.Stats["total_inactive_file"] // v1, with sub-cgroups
	if !ok {
		cache = m.Stats["inactive_file"]
	}
	// The two numbers were not read at the same moment.
	return m.Usage.Usage - min(cache, m.Usage.Usage)
}

func memoryColumn(m *cgroups.MemoryStats) string {
	if !hasMemory(m) {
		return unknown
	}
	return units.BytesSize(float64(memoryUse(m)))
}

// limited tells whether there is a limit. No limit is a number that no machine
// has: on v1 the largest multiple of the page size, which is 64 KiB at most, on v2
// the largest number.
func limited(m *cgroups.MemoryStats) bool {
	return hasMemory(m) && m.Usage.Limit < math.MaxInt64&^0xffff
}

func limitColumn(m *cgroups.MemoryStats) string {
	if !limited(m) {
		return unknown
	}
	return units.BytesSize(float64(m.Usage.Limit))
}

func memoryPercent(m *cgroups.MemoryStats) string {
	if !limited(m) || m.Usage.Limit == 0 {
		return unknown
	}
	return percent(100 * float64(memoryUse(m)) / float64(m.Usage.Limit))
}

func pidsColumn(p cgroups.PidsStats) string {
	switch {
	case p.Current == 0:
		// A container that runs has at least one process.
		return unknown
	case p.Limit == 0:
		return strconv.FormatUint(p.Current, 10)
	}
	return fmt.Sprintf("%d/%d", p.Current, p.Limit)
}

// ioColumn is the number of bytes read from or written to block devices.
func ioColumn(b *cgroups.BlkioStats, op string) string {
	if b.IoServiceBytesRecursive == nil {
		return unknown
	}
	var sum uint64
	for _, e := range b.IoServiceBytesRecursive {
		// v1 writes the words with a capital.
		if strings.EqualFold(e.Op, op) {
			sum += e.Value
		}
	}
	return units.BytesSize(float64(sum))
}

// pressure is the share of the last ten seconds in which some process waited for
// the resource (Documentation/accounting/psi.rst; cgroup v2, Linux 4.20).
func pressure(p *cgroups.PSIStats) string {
	if p == nil {
		return unknown
	}
	return percent(p.Some.Avg10)
}
