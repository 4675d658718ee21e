package libcontainer

import "fmt"

// record saves the state and sets limits, while init is at work, unless they
// have to wait for it. From then on init may outlive the runtime: whoever kills
// the runtime leaves either an init that ends by itself, or one that the state
// file names. The user's program cannot start before: init waits for somebody to
// open exec.fifo.
func (l *launch) record(undo *undoList) error {
	c := l.c
	if err := c.save(); err != nil {
		return err
	}
	c.made()
	// The state file is removed with the cgroup that it names, not before.
	if !l.limitLater {
		if err := l.limit(); err != nil {
			return fmt.Errorf("unable to start container process: error during container init: %w", err)
		}
	}
	if c.rdt != nil {
		if err := c.applyRDT(); err != nil {
			return fmt.Errorf("unable to start container process: unable to apply Intel RDT configuration: %w", err)
		}
		undo.add("the Intel RDT group", c.ifOurs(c.removeRDT))
	}
	debugf("state is saved, limits are set")
	return l.recorded()
}

func (l *launch) limit() error {
	if err := l.c.cgroups.Set(l.c.config.Cgroups.Resources); err != nil {
		return fmt.Errorf("error setting cgroup config for procHooks process: %w", err)
	}
	return nil
}

// mounted is what the runtime does when init asks at KindHooks.
func (l *launch) mounted() error {
	if l.limitLater {
		if err := l.c.whileOurs(l.limit); err != nil {
			return err
		}
	}
	return l.c.runtimeHooks()
}
