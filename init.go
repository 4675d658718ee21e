package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"runc/libcontainer"
)

// initCommand is never reached: main catches it before flags are parsed. It is
// here so that `help` and a caller with global flags meet no surprise.
var initCommand = &cli.Command{
	Name:   "init",
	Usage:  "initialize the namespaces and launch the process (do not call it outside of runc)",
	Hidden: true,
	Action: func(context.Context, *cli.Command) error { return libcontainer.Init() },
}
