package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v3"

	"runc/internal/notifysocket"
	"runc/libcontainer"
)

var startCommand = &cli.Command{
	Name:        "start",
	Usage:       "executes the user defined process in a created container",
	ArgsUsage:   "<container-id>\n\nWhere \"<container-id>\" is your name for the instance of the container that you\nare starting. The name you provide for the container instance must be unique on\nyour host.",
	Description: "The start command executes the user defined process in a created container.",
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		status, err := c.Status()
		if err != nil {
			return err
		}
		switch status {
		case libcontainer.Created:
		case libcontainer.Stopped:
			return errors.New("cannot start a container that has stopped")
		case libcontainer.Running:
			return errors.New("cannot start an already running container")
		default:
			return errors.New("cannot start a container in the " + status.String() + " state")
		}
		notify := notifysocket.New(c.Dir())
		if err := notify.Bind(); err != nil {
			return err
		}
		if err := c.Exec(); err != nil {
			return err
		}
		return notify.Forward(c)
	},
}
