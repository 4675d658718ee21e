package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runc/internal/runner"
	"runc/libcontainer"
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
			// A folder without a state file is what a killed create left, or of
			// one that is at work, which is waited for.
			if e := libcontainer.Discard(cmd.String("root"), cmd.Args().First()); e != nil {
				return e
			}
			c, err = container(cmd)
		}
		if force && errors.Is(err, libcontainer.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if force {
			return killContainer(c)
		}
		status, err := c.Status()
		if err != nil {
			return err
		}
		switch status {
		case libcontainer.Stopped, libcontainer.Created:
			return runner.WarnOfHooks(c.Destroy())
		}
		return fmt.Errorf("cannot delete container %s that is not stopped: %s", c.ID(), status)
	},
}

// killContainer ends everything in the container, and removes it.
func killContainer(c *libcontainer.Container) error {
	if err := c.Signal(unix.SIGKILL); err != nil && !errors.Is(err, libcontainer.ErrNotRunning) {
		return err
	}
	gone, err := c.WaitStopped(10 * time.Second)
	if err != nil {
		return err
	}
	if !gone {
		return errors.New("container init still running")
	}
	if err := runner.WarnOfHooks(c.Destroy()); !errors.Is(err, libcontainer.ErrNotExist) {
		return err
	}
	// By somebody else, just now.
	return nil
}
