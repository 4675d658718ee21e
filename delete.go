package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"

	"runc/internal/runner"
	"runc/libcontainer"
	"runc/libcontainer/configs"
)

var deleteCommand = &cli.Command{
	Name:  "delete",
	Usage: "delete any resources held by the container often used with detached container",
	ArgsUsage: `<container-id>

Where "<container-id>" is the name for the instance of the container.

EXAMPLE:
For example, if the container id is "ubuntu01" and runc list currently shows the
status of "ubuntu01" as "stopped" the following will delete resources held for
"ubuntu01" removing "ubuntu01" from the runc list of containers:

       # runc delete ubuntu01`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "Forcibly deletes the container if it is still running (uses SIGKILL)"},
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		force := cmd.Bool("force")
		c, err := container(cmd)
		if errors.Is(err, libcontainer.ErrNotExist) {
			// A folder without a state file was left by a create that was killed, or
			// belongs to one that is at work, for which Discard waits.
			if e := libcontainer.Discard(cmd.String("root"), cmd.Args().First()); e != nil {
				return e
			}
			c, err = container(cmd)
		}
		if force {
			return deleteForce(cmd, c, err)
		}
		if err != nil {
			return err
		}
		status, err := c.Status()
		if err != nil {
			return err
		}
		switch status {
		case libcontainer.Stopped, libcontainer.Created:
			if status == libcontainer.Stopped {
				nameLeftovers(c)
			}
			return runner.WarnOfHooks(c.Destroy())
		}
		return fmt.Errorf("cannot delete container %s that is not stopped: %s", c.ID(), status)
	},
}

// nameLeftovers logs the processes that Destroy is going to kill: what exec left
// in a container that has no PID namespace of its own, and whose init has ended.
func nameLeftovers(c *libcontainer.Container) {
	config := c.Config()
	if config.Namespaces.IsPrivate(configs.NEWPID) {
		return
	}
	// An error is one of Destroy's as well.
	if pids, err := c.Processes(); err == nil && len(pids) != 0 {
		logrus.Infof("killing the processes that are left in container %s: %v", c.ID(), pids)
	}
}

// deleteForce ends everything in the container, and removes it. err is what kept
// the container from being loaded.
func deleteForce(cmd *cli.Command, c *libcontainer.Container, err error) error {
	switch {
	case errors.Is(err, libcontainer.ErrBroken):
		err = libcontainer.DestroyBroken(cmd.String("root"), cmd.Args().First())
	case err == nil:
		err = runner.WarnOfHooks(c.DestroyAll())
	}
	if errors.Is(err, libcontainer.ErrNotExist) {
		// Another runc may have deleted it at this moment.
		return nil
	}
	return err
}
