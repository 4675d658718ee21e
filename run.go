package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "create and run a container",
	ArgsUsage: "<container-id>\n\nWhere \"<container-id>\" is your name for the instance of the container that you\nare starting. The name you provide for the container instance must be unique on\nyour host.",
	Description: `The run command creates an instance of a container for a bundle. The bundle
is a directory with a specification file named "` + specConfig + `" and a root
filesystem.

The specification file includes an args parameter. The args parameter is used
to specify command(s) that get run when the container is started. To change the
command(s) that get executed on start, edit the args parameter of the spec. See
"runc spec --help" for more explanation.`,
	Flags: byName(append(startFlags(),
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "detach from the container's process"},
		&cli.BoolFlag{Name: "keep", Usage: "do not delete the container after it exits"},
		&cli.BoolFlag{Name: "no-subreaper", Usage: "disable the use of the subreaper used to reap reparented processes"},
	)),
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		status, err := startContainer(cmd, actionRun)
		if err != nil {
			return fmt.Errorf("runc run failed: %w", err)
		}
		if status != 0 {
			return exitCode(status)
		}
		return nil
	},
}
