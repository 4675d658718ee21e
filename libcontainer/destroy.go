package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/cgroup"
	"runc/libcontainer/configs"
)

// Destroy removes everything of a stopped container: processes left in its
// cgroup when it shares a pid namespace, the cgroup, its resctrl group, its
// state folder. Then it runs every poststop hook; those that fail are a
// [*PoststopError], and undo nothing. A container whose init waits for start is
// killed first. [ErrRunning] for one that runs; [ErrNotExist] when another
// process has removed the container.
func (c *Container) Destroy() error {
	if err := c.endInit(); err != nil {
		return err
	}
	return c.destroy((*cgroup.Manager).Destroy)
}

// DestroyAll is Destroy for a container in any state. It kills init and every
// process in the container's cgroup and those below, whatever is frozen there,
// and whoever has put it there.
func (c *Container) DestroyAll() error {
	if err := c.Signal(unix.SIGKILL); err != nil && !errors.Is(err, ErrNotRunning) {
		return err
	}
	// Init ends in a moment, unless it is in a frozen cgroup below its own.
	ended, err := c.WaitStopped(killWait)
	if err == nil && !ended {
		if c.ownsCgroup() {
			if m, e := c.manager(); e == nil {
				m.ThawAll()
			}
		}
		ended, err = c.WaitStopped(10 * time.Second)
	}
	if err != nil {
		return err
	}
	if !ended {
		return errors.New("container init still running")
	}
	c.Reap()
	return c.destroy((*cgroup.Manager).DestroyAll)
}

// destroy removes a container whose init has ended.
func (c *Container) destroy(removeCgroup func(*cgroup.Manager) error) error {
	var errs []error
	// Of several processes at a time, one removes the container and runs the
	// hooks.
	release, err := c.hold()
	if err != nil {
		return err
	}
	defer c.made()
	defer release()
	debugf("destroying container %s", c.id)
	if !c.ownsCgroup() {
		// The container was never started, or shares its caller's cgroup.
	} else if m, err := c.manager(); err != nil {
		errs = append(errs, err)
	} else {
		if !c.config.Namespaces.IsPrivate(configs.NEWPID) {
			if err := m.Kill(unix.SIGKILL); err != nil {
				errs = append(errs, fmt.Errorf("unable to kill the container's leftover processes: %w", err))
			}
		}
		if err := removeCgroup(m); err != nil {
			errs = append(errs, fmt.Errorf("unable to remove container's cgroup: %w", err))
		}
	}
	if err := c.removeRDT(); err != nil {
		errs = append(errs, fmt.Errorf("unable to remove container's IntelRDT group: %w", err))
	}
	if err := c.unmountHost(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) != 0 {
		// The state file names what is left: keep it while anything is.
		return errors.Join(errs...)
	}
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("unable to remove container state dir: %w", err)
	}
	debugf("cgroup and state folder of %s are removed", c.id)
	release()
	c.leave()
	if len(c.config.Hooks[configs.Poststop]) == 0 || c.created.IsZero() {
		return nil
	}
	state, err := c.ociState(specs.StateStopped)
	if err != nil {
		return err
	}
	return runPoststop(c.config.Hooks, state)
}

// endInit makes sure that init has ended.
func (c *Container) endInit() error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	switch status {
	case Stopped:
		return nil
	case Created:
		if err := c.Signal(unix.SIGKILL); err != nil && !errors.Is(err, ErrNotRunning) {
			return err
		}
		c.Reap()
		gone, err := c.WaitStopped(10 * time.Second)
		if err != nil {
			return err
		}
		if !gone {
			return errors.New("container init still running")
		}
		return nil
	case Paused:
		return fmt.Errorf("%w: %w", ErrPaused, ErrRunning)
	}
	return ErrRunning
}

// Reap collects init when it is a child of this process and was killed: a zombie
// is harmless to the container's state, but not to its parent.
func (c *Container) Reap() {
	if c.init != nil {
		c.init.reap()
	}
}
