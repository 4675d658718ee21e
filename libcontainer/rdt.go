package libcontainer

import (
	"runc/libcontainer/intelrdt"
)

// planRDT decides which resctrl group a new container is in, to be saved before
// the group is made: whoever finds the state file then knows what to remove.
func (c *Container) planRDT() error {
	if c.config.IntelRdt == nil {
		return nil
	}
	g, err := intelrdt.New(c.id, c.config.IntelRdt)
	if err != nil {
		return err
	}
	// The configuration is the caller's own.
	config := *c.config
	config.IntelRdt = g.Config
	c.config = &config
	c.rdt = g
	return nil
}

// loadRDT is the group that a state file names; nil for none.
func loadRDT(s *State) *intelrdt.Group {
	if s.IntelRdtPath == "" || s.Config.IntelRdt == nil {
		return nil
	}
	return &intelrdt.Group{Path: s.IntelRdtPath, MonPath: s.IntelRdtMonPath, ID: s.ID, Config: s.Config.IntelRdt}
}

// applyRDT makes the container's group and puts init into it. After a failure the
// container has no group: what exists by its name is not its own.
func (c *Container) applyRDT() error {
	err := c.rdt.Apply(c.initPid)
	if err != nil {
		c.rdt = nil
	}
	return err
}

// removeRDT removes what of the group is the container's own.
func (c *Container) removeRDT() error {
	if c.rdt == nil {
		return nil
	}
	if err := c.rdt.Remove(); err != nil {
		return err
	}
	c.rdt = nil
	return nil
}
