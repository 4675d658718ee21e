package libcontainer

import (
	"fmt"

	"github.com/opencontainers/cgroups"

	"runc/libcontainer/configs"
	"runc/libcontainer/intelrdt"
)

// Processes are the pids of all processes in the container's cgroup and those
// below it, in the caller's pid namespace.
func (c *Container) Processes() ([]int, error) {
	m, err := c.manager()
	if err != nil {
		return nil, err
	}
	pids, err := m.Pids()
	if err != nil {
		return nil, fmt.Errorf("unable to get all container pids: %w", err)
	}
	return pids, nil
}

// Pause freezes all processes; [ErrNotRunning] when there are none.
func (c *Container) Pause() error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status != Running && status != Created {
		return ErrNotRunning
	}
	m, err := c.manager()
	if err != nil {
		return err
	}
	return m.Freeze()
}

// Resume thaws them; [ErrNotPaused] when they are not frozen.
func (c *Container) Resume() error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status != Paused {
		return ErrNotPaused
	}
	m, err := c.manager()
	if err != nil {
		return err
	}
	return m.Thaw()
}

// Set applies the resources of a configuration and saves it. When that fails,
// those that were are set again.
func (c *Container) Set(config configs.Config) error {
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status == Stopped {
		return ErrNotRunning
	}
	if err := c.loadConfig(); err != nil {
		return err
	}
	m, err := c.manager()
	if err != nil {
		return err
	}
	old := c.config
	undo := func(err error) error {
		if e := m.Set(old.Cgroups.Resources); e != nil {
			err = fmt.Errorf("%w; afterwards, unable to set the old limits: %w", err, e)
		}
		return err
	}
	if err := m.Set(config.Cgroups.Resources); err != nil {
		return undo(err)
	}
	c.config = &config
	if c.rdtPath != "" && config.IntelRdt != nil {
		if err := c.rdtGroup().Set(config.IntelRdt); err != nil {
			c.config = old
			return undo(err)
		}
	}
	if err := c.save(); err != nil {
		c.config = old
		return undo(err)
	}
	return nil
}

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
	if c.rdtPath != "" {
		if s.IntelRdtStats, err = c.rdtGroup().Stats(); err != nil {
			return s, fmt.Errorf("unable to get container Intel RDT stats: %w", err)
		}
	}
	return s, nil
}
