package libcontainer

import (
	"fmt"

	"github.com/opencontainers/cgroups"

	"runc/libcontainer/intelrdt"
)

// Stats is a snapshot of what a container uses and may use.
type Stats struct {
	CgroupStats   *cgroups.Stats
	IntelRdtStats *intelrdt.Stats
}

// Stats reads them.
func (c *Container) Stats() (*Stats, error) {
	m, err := c.manager()
	if err != nil {
		return nil, err
	}
	s := new(Stats)
	if s.CgroupStats, err = m.Stats(); err != nil {
		return s, fmt.Errorf("unable to get container cgroup stats: %w", err)
	}
	if c.rdt != nil {
		if s.IntelRdtStats, err = c.rdt.Stats(); err != nil {
			return s, fmt.Errorf("unable to get container Intel RDT stats: %w", err)
		}
	}
	return s, nil
}

// Usage is that part of the statistics which changes and which people watch:
// CPU time, memory, processes and I/O.
func (c *Container) Usage() (*cgroups.Stats, error) {
	m, err := c.manager()
	if err != nil {
		return nil, err
	}
	stats, err := m.Usage()
	if err != nil {
		return nil, fmt.Errorf("unable to get container cgroup stats: %w", err)
	}
	return stats, nil
}

// Alive says whether init still lives: less than Status, and read faster.
func (c *Container) Alive() bool {
	ok, err := alive(c.initPid, c.initStart)
	return ok || err != nil
}
