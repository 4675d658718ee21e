package libcontainer

import (
	"errors"
	"fmt"
	"reflect"

	"runc/libcontainer/configs"
	"runc/libcontainer/intelrdt"
	"runc/libcontainer/internal/statejson"
)

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
	debugf("freezing %s", c.id)
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
	debugf("thawing %s", c.id)
	return m.Thaw()
}

// Set applies the resources of a configuration and saves it. When that fails,
// those that were are set again.
func (c *Container) Set(config configs.Config) error {
	return c.Update(func(current *configs.Config) error {
		*current = config
		return nil
	})
}

// Update changes the configuration, applies its resources and saves it. Of
// several at a time each sees what the one before has saved. When it fails,
// the resources that were are set again.
func (c *Container) Update(change func(*configs.Config) error) error {
	unlock, err := c.hold()
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.reload(); err != nil {
		return err
	}
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status == Stopped {
		return ErrNotRunning
	}
	m, err := c.manager()
	if err != nil {
		return err
	}
	old := c.config
	if old.Cgroups == nil || old.Cgroups.Resources == nil {
		return errors.New("configuration has no cgroup resources")
	}
	// Up to 1.3, runc saved 0 for a container without a limit of processes.
	if n := old.Cgroups.PidsLimit; n != nil && *n == 0 && m.NoPidsLimit() {
		old.Cgroups.PidsLimit = nil
	}
	config, err := copyConfig(old)
	if err != nil {
		return err
	}
	if err := change(config); err != nil {
		return err
	}
	if config.Cgroups == nil || config.Cgroups.Resources == nil {
		return errors.New("configuration has no cgroup resources")
	}
	// Device rules do not change, and replacing them would deny everything
	// for a moment.
	config.Cgroups.SkipDevices, old.Cgroups.SkipDevices = true, true
	var undo undoList
	former := *old.Cgroups.Resources
	m.Former(&former, config.Cgroups.Resources)
	restore := m.Before(config.Cgroups.Resources)
	undo.add("the change of limits", func() error {
		c.config = old
		return errors.Join(m.Set(&former), restore())
	})
	debugf("setting the limits of %s", c.id)
	if err := m.Set(config.Cgroups.Resources); err != nil {
		return undo.run(err)
	}
	if err := c.updateRdt(config, old, &undo); err != nil {
		return undo.run(err)
	}
	c.config = config
	if err := c.save(); err != nil {
		return undo.run(err)
	}
	return nil
}

// updateRdt changes the resctrl group, or makes one for a container that had
// none.
func (c *Container) updateRdt(config, old *configs.Config, undo *undoList) error {
	if config.IntelRdt == nil || reflect.DeepEqual(config.IntelRdt, old.IntelRdt) {
		return nil
	}
	if c.rdt != nil {
		g := c.rdt
		g.Config = config.IntelRdt
		undo.add("the change of the Intel RDT group", func() error {
			g.Config = old.IntelRdt
			return g.Set(old.IntelRdt)
		})
		return g.Set(config.IntelRdt)
	}
	g, err := intelrdt.New(c.id, config.IntelRdt)
	if err != nil {
		return err
	}
	if err := g.Apply(c.initPid); err != nil {
		return fmt.Errorf("unable to apply Intel RDT configuration: %w", err)
	}
	config.IntelRdt, c.rdt = g.Config, g
	undo.add("the Intel RDT group", c.removeRDT)
	return nil
}

// reload reads the state file again. The caller has just got its lock.
func (c *Container) reload() error {
	s, err := readState(c.dir, c.id)
	if err != nil {
		return err
	}
	if c.config.Hooks.HasFunctions() {
		s.Config.Hooks = c.config.Hooks
	}
	c.config, c.cgroups = &s.Config, nil
	c.cgroupPaths, c.rdt = s.CgroupPaths, loadRDT(s)
	return nil
}

// copyConfig shares nothing with the original, which may have to come back.
func copyConfig(config *configs.Config) (*configs.Config, error) {
	s, err := statejson.Decode(statejson.Append(nil, &State{Config: *config}))
	if err != nil {
		return nil, err
	}
	if config.Hooks.HasFunctions() {
		s.Config.Hooks = config.Hooks.Clone()
	}
	return &s.Config, nil
}
