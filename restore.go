package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

var restoreCommand = &cli.Command{
	Name:      "restore",
	Usage:     "restore a container from a previous checkpoint",
	ArgsUsage: "<container-id>\n\nWhere \"<container-id>\" is the name for the instance of the container to be\nrestored.",
	Description: `Restores the saved state of the container instance that was previously saved
using the runc checkpoint command. It needs CRIU (https://criu.org) in PATH.`,
	Flags: byName(append(criuFlags("path to criu image files for restoring"),
		&cli.StringFlag{Name: "console-socket", Usage: "path to an AF_UNIX socket which will receive a file descriptor referencing the master end of the console's pseudoterminal"},
		&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "path to the root of the bundle directory, defaults to the current directory"},
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "detach from the container's process"},
		&cli.StringFlag{Name: "pid-file", Usage: "specify the file to write the process id to"},
		&cli.BoolFlag{Name: "no-subreaper", Usage: "disable the use of the subreaper used to reap reparented processes"},
		&cli.BoolFlag{Name: "no-pivot", Usage: "do not use pivot root to jail process inside rootfs.  This should be used whenever the rootfs is on top of a ramdisk"},
		&cli.StringFlag{Name: "lsm-profile", Usage: "specify an LSM profile to be used during restore in the form of TYPE:NAME"},
		&cli.StringFlag{Name: "lsm-mount-context", Usage: "specify an LSM mount context to be used during restore"},
	)),
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		status, err := startContainer(cmd, actionRestore)
		if err != nil {
			return err
		}
		if status != 0 {
			return exitCode(status)
		}
		return nil
	},
}
