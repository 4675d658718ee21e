package statstable

import (
	"errors"
	"math"
	"os"
	"time"

	"github.com/opencontainers/cgroups"

	"runc/libcontainer"
)

// DefaultInterval is how often the table changes when the user asks for no
// interval.
const DefaultInterval = time.Second

// firstSample is how long the table measures before it first shows how much of
// a CPU is used.
const firstSample = 500 * time.Millisecond

// Table says which containers the table shows, and how often it changes.
type Table struct {
	One      *libcontainer.Container                   // nil for all
	All      func() ([]*libcontainer.Container, error) // called each time, when One is nil
	Interval time.Duration
	Once     bool // show one table and return
}

// Show shows one line a container: again and again in place on a terminal, one
// table below the other elsewhere. The table of one container ends with that
// container. The table of all goes on, because others may come, until a signal
// ends it.
func (w *Table) Show() (err error) {
	var end <-chan struct{}
	if w.One != nil {
		if end, err = endOf(w.One); err != nil {
			return err
		}
	}
	s := newScreen(os.Stdout, !w.Once)
	defer func() {
		if e := s.close(); err == nil {
			err = e
		}
	}()
	t := &statsTable{last: map[string]sample{}}
	for first := true; ; first = false {
		rows, err := w.rows(t)
		if err != nil {
			return err
		}
		if w.One != nil && len(rows) == 0 {
			return nil
		}
		// The first table cannot say how much CPU is used. On a screen it is
		// replaced in a moment; elsewhere it is left out.
		if !first || s.live {
			if err := s.show(rows); err != nil {
				return err
			}
		}
		wait := w.Interval
		if first {
			wait = min(firstSample, wait)
		} else if w.Once {
			return nil
		}
		if done, err := s.wait(time.After(wait), end, rows); done || err != nil {
			return err
		}
	}
}

// endOf is closed when a container's init has ended.
func endOf(c *libcontainer.Container) (<-chan struct{}, error) {
	oom, err := c.NotifyOOM()
	end := make(chan struct{})
	if errors.Is(err, libcontainer.ErrNotRunning) {
		close(end)
		return end, nil
	} else if err != nil {
		return nil, err
	}
	go func() {
		defer close(end)
		for range oom {
		}
	}()
	return end, nil
}

// sample is the CPU time that a container had used at a moment.
type sample struct {
	at  time.Time
	cpu uint64 // ns
}

// statsTable has the samples of the last table.
type statsTable struct {
	last map[string]sample
}

// rows reads the statistics of the containers that run.
func (w *Table) rows(t *statsTable) ([]tableRow, error) {
	containers := []*libcontainer.Container{w.One}
	if w.One == nil {
		var err error
		if containers, err = w.All(); err != nil {
			return nil, err
		}
	}
	var rows []tableRow
	now := make(map[string]sample, len(containers))
	for _, c := range containers {
		status, err := c.Status()
		if err == nil && status == libcontainer.Stopped {
			continue
		}
		var stats *cgroups.Stats
		if err == nil {
			stats, err = c.Usage()
		}
		if err != nil {
			if w.One == nil || !c.Alive() {
				// The error or the end of one container does not stop the
				// table of all.
				continue
			}
			return nil, err
		}
		s := sample{time.Now(), stats.CpuStats.CpuUsage.TotalUsage}
		row := tableRow{id: c.ID(), status: status.String(), cpu: math.NaN(), stats: stats}
		if before, ok := t.last[c.ID()]; ok {
			row.cpu = cpuPercent(before, s)
		}
		now[c.ID()] = s
		rows = append(rows, row)
	}
	t.last = now
	return rows, nil
}

// cpuPercent is the share of one CPU that was used between two samples. It is NaN
// where that is not known: when a new container has the ID of an old one, or when
// no controller counts (a container that runs has used some time).
func cpuPercent(from, to sample) float64 {
	elapsed := to.at.Sub(from.at)
	if elapsed <= 0 || to.cpu < from.cpu || to.cpu == 0 {
		return math.NaN()
	}
	return 100 * float64(to.cpu-from.cpu) / float64(elapsed.Nanoseconds())
}
