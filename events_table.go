package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"
	"github.com/opencontainers/cgroups"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
)

// firstSample is how long the table looks before it first says how much of a
// CPU is used.
const firstSample = 500 * time.Millisecond

// eventsTable shows one line a container: again and again in place on a
// terminal, one below the other elsewhere, until the last container has ended.
func eventsTable(cmd *cli.Command) error {
	live := isTerminal(os.Stdout)
	t := &statsTable{last: map[string]sample{}}
	for first := true; ; first = false {
		containers, err := tableContainers(cmd)
		if err != nil {
			return err
		}
		rows, err := t.rows(containers, cmd.Bool("all"))
		if err != nil {
			return err
		}
		if !first {
			if err := printTable(os.Stdout, rows, live && !cmd.Bool("stats")); err != nil {
				return err
			}
			if cmd.Bool("stats") || len(rows) == 0 {
				return nil
			}
		} else if len(rows) == 0 && !cmd.Bool("all") {
			return fmt.Errorf("container with id %s is not running: %w", cmd.Args().First(), libcontainer.ErrNotRunning)
		}
		if first {
			time.Sleep(min(firstSample, cmd.Duration("interval")))
		} else {
			time.Sleep(cmd.Duration("interval"))
		}
	}
}

// tableContainers are the one named, or all of the root.
func tableContainers(cmd *cli.Command) ([]*libcontainer.Container, error) {
	if !cmd.Bool("all") {
		c, err := container(cmd)
		if err != nil {
			return nil, err
		}
		return []*libcontainer.Container{c}, nil
	}
	entries, err := os.ReadDir(cmd.String("root"))
	if err != nil && !(errors.Is(err, os.ErrNotExist) && !cmd.IsSet("root")) {
		return nil, err
	}
	var list []*libcontainer.Container
	for _, e := range entries {
		// One that is being made or removed just now is not for the table.
		if c, err := libcontainer.Load(cmd.String("root"), e.Name()); err == nil {
			list = append(list, c)
		}
	}
	return list, nil
}

// sample is what a container had used at a time.
type sample struct {
	at  time.Time
	cpu uint64 // ns
}

type statsTable struct {
	last map[string]sample
}

type tableRow struct {
	id, status string
	cpu        float64 // per cent of one CPU; NaN when not known yet
	stats      *cgroups.Stats
}

// rows reads the statistics of those containers that live.
func (t *statsTable) rows(containers []*libcontainer.Container, all bool) ([]tableRow, error) {
	var rows []tableRow
	seen := make(map[string]sample, len(containers))
	for _, c := range containers {
		status, err := c.Status()
		if err == nil && status == libcontainer.Stopped {
			continue
		}
		var stats *libcontainer.Stats
		if err == nil {
			stats, err = c.Stats()
		}
		if err != nil {
			if all {
				// Another's trouble, or end, is no reason to stop.
				continue
			}
			return nil, err
		}
		now := sample{time.Now(), stats.CgroupStats.CpuStats.CpuUsage.TotalUsage}
		row := tableRow{id: c.ID(), status: status.String(), cpu: math.NaN(), stats: stats.CgroupStats}
		if before, ok := t.last[c.ID()]; ok {
			row.cpu = cpuPercent(before, now)
		}
		seen[c.ID()] = now
		rows = append(rows, row)
	}
	t.last = seen
	return rows, nil
}

func cpuPercent(from, to sample) float64 {
	elapsed := to.at.Sub(from.at)
	if elapsed <= 0 || to.cpu < from.cpu {
		return math.NaN()
	}
	return 100 * float64(to.cpu-from.cpu) / float64(elapsed.Nanoseconds())
}

// printTable writes the table at once, so that a screen does not flicker.
func printTable(w io.Writer, rows []tableRow, live bool) error {
	var b bytes.Buffer
	if live {
		// Home, and clear what is below (ECMA-48).
		b.WriteString("\x1b[H\x1b[J")
	}
	tw := tabwriter.NewWriter(&b, 8, 1, 3, ' ', 0)
	fmt.Fprintln(tw, "ID\tSTATUS\tCPU\tMEMORY\tLIMIT\tMEM\tPIDS\tREAD\tWRITTEN\tPRESSURE cpu/mem/io")
	for _, r := range rows {
		s := r.stats
		read, written := ioBytes(&s.BlkioStats)
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			r.id, r.status, percent(r.cpu),
			units.BytesSize(float64(s.MemoryStats.Usage.Usage)), memoryLimit(s), memoryPercent(s), pidsColumn(s),
			units.BytesSize(float64(read)), units.BytesSize(float64(written)), pressure(s))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

func percent(p float64) string {
	if math.IsNaN(p) {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", p)
}

// limited: both versions say "none" by a number that no machine has: v1 by the
// largest multiple of the page size, v2 by the largest number.
func limited(s *cgroups.Stats) bool {
	l := s.MemoryStats.Usage.Limit
	return l != 0 && l < math.MaxInt64&^0xffff
}

func memoryLimit(s *cgroups.Stats) string {
	if !limited(s) {
		return "-"
	}
	return units.BytesSize(float64(s.MemoryStats.Usage.Limit))
}

func memoryPercent(s *cgroups.Stats) string {
	if !limited(s) {
		return "-"
	}
	return percent(100 * float64(s.MemoryStats.Usage.Usage) / float64(s.MemoryStats.Usage.Limit))
}

func pidsColumn(s *cgroups.Stats) string {
	if s.PidsStats.Limit == 0 {
		return fmt.Sprint(s.PidsStats.Current)
	}
	return fmt.Sprintf("%d/%d", s.PidsStats.Current, s.PidsStats.Limit)
}

func ioBytes(b *cgroups.BlkioStats) (read, written uint64) {
	for _, e := range b.IoServiceBytesRecursive {
		switch e.Op {
		case "Read", "read":
			read += e.Value
		case "Write", "write":
			written += e.Value
		}
	}
	return read, written
}

// pressure is how much of the last ten seconds some process had to wait for
// the resource (Documentation/accounting/psi.rst).
func pressure(s *cgroups.Stats) string {
	of := func(p *cgroups.PSIStats) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprintf("%.1f%%", p.Some.Avg10)
	}
	return of(s.CpuStats.PSI) + " " + of(s.MemoryStats.PSI) + " " + of(s.BlkioStats.PSI)
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
