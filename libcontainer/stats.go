package libcontainer

import (
	"encoding/json"
	"fmt"

	"github.com/opencontainers/cgroups"

	"runc/libcontainer/cgroup"
	"runc/libcontainer/intelrdt"
)

// Stats is a snapshot of what a container uses and may use.
type Stats struct {
	CgroupStats   *cgroups.Stats
	IntelRdtStats *intelrdt.Stats
}

// Stats reads them.
func (c *Container) Stats() (*Stats, error) {
	m, err := c.reader()
	if err != nil {
		return nil, err
	}
	s := new(Stats)
	if s.CgroupStats, err = m.Stats(); err != nil {
		return s, fmt.Errorf("unable to get container cgroup stats: %w", err)
	}
	if c.rdtPath != "" {
		if err := c.loadConfig(); err != nil {
			return s, err
		}
		if s.IntelRdtStats, err = c.rdtGroup().Stats(); err != nil {
			return s, fmt.Errorf("unable to get container Intel RDT stats: %w", err)
		}
	}
	return s, nil
}

// Usage is that part of the statistics which changes and which people watch:
// CPU time, memory, processes and I/O.
func (c *Container) Usage() (*cgroups.Stats, error) {
	m, err := c.reader()
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
func (c *Container) Alive() bool { return alive(c.initPid, c.initStart) }

// reader is the container's cgroup for reading alone. Of the configuration,
// which takes longer to decode than many a command to run, that needs next to
// nothing: where the cgroup is says the head of the state file.
func (c *Container) reader() (*cgroup.Manager, error) {
	if c.cgroups != nil || c.config != nil || len(c.cgroupPaths) == 0 {
		return c.manager()
	}
	var few struct {
		Cgroups struct {
			Rootless bool
		} `json:"cgroups"`
	}
	if err := json.Unmarshal(c.rawConfig, &few); err != nil {
		return nil, fmt.Errorf("container %s: state.json: config: %w", c.id, err)
	}
	return cgroup.Load(&cgroups.Cgroup{Rootless: few.Cgroups.Rootless, Resources: new(cgroups.Resources)}, c.cgroupPaths)
}
