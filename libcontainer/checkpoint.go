package libcontainer

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/criu"
)

// CriuOpts says how a container is checkpointed or restored.
type CriuOpts = criu.Options

// CriuPageServerInfo is the address of a page server.
type CriuPageServerInfo = criu.PageServer

// CriuCgroupModes are the modes of CRIU for cgroups by their names on the
// command line.
var CriuCgroupModes = criu.Modes

// CriuEmptyNs gives the bit of CriuOpts.EmptyNs for a kind of namespace.
func CriuEmptyNs(kind string) (uint32, error) { return criu.EmptyNamespace(kind) }

// Checkpoint has CRIU write the container's processes to image files, and end
// them unless options ask otherwise. The container then is stopped, with its
// cgroup and state folder still there for Destroy. On error it runs on; the end
// of ctx is such an error, and has CRIU undo what it did.
func (c *Container) Checkpoint(ctx context.Context, opts *CriuOpts) error {
	if err := criuUsable(c.config.RootlessEUID, "checkpointed"); err != nil {
		return err
	}
	if opts.ImagesDirectory == "" {
		return errors.New("invalid directory to save checkpoint")
	}
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status == Stopped {
		return ErrNotRunning
	}
	d := &criu.Dump{
		Config: c.config, Options: opts, Pid: c.initPid,
		Descriptors: c.descriptors, Created: c.created,
		FreezerV2: cgroups.IsCgroup2UnifiedMode(),
	}
	key := "freezer"
	if d.FreezerV2 {
		key = ""
	}
	d.Freezer = c.cgroupPaths[key]
	debugf("checkpointing %s into %s", c.id, opts.ImagesDirectory)
	err = d.Run(ctx)
	if err == nil {
		return nil
	}
	if status != Paused {
		// CRIU thaws what it has frozen, unless it was killed.
		if e := c.thawLeft(); e != nil {
			err = fmt.Errorf("%w; afterwards, unable to thaw the container: %w", err, e)
		}
	}
	return err
}

// thawLeft thaws a container that a dump has left frozen.
func (c *Container) thawLeft() error {
	status, err := c.Status()
	if err != nil || status != Paused {
		return err
	}
	m, err := c.manager()
	if err != nil {
		return err
	}
	return m.Thaw()
}

// criuUsable refuses what CRIU cannot do for an ordinary user.
func criuUsable(rootless bool, what string) error {
	if rootless || os.Geteuid() != 0 {
		return fmt.Errorf("a rootless container cannot be %s: CRIU needs the rights of root: %w", what, unix.EPERM)
	}
	return nil
}
