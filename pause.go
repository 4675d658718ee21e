package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

var pauseCommand = &cli.Command{
	Name:        "pause",
	Usage:       "pause suspends all processes inside the container",
	ArgsUsage:   "<container-id>\n\nWhere \"<container-id>\" is the name for the instance of the container to be\npaused. ",
	Description: "The pause command suspends all processes in the instance of the container.\n\nUse runc list to identify instances of containers and their current status.",
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		return c.Pause()
	},
}

var resumeCommand = &cli.Command{
	Name:        "resume",
	Usage:       "resumes all processes that have been previously paused",
	ArgsUsage:   "<container-id>\n\nWhere \"<container-id>\" is the name for the instance of the container to be\nresumed.",
	Description: "The resume command resumes all processes in the instance of the container.\n\nUse runc list to identify instances of containers and their current status.",
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		return c.Resume()
	},
}
