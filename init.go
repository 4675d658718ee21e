package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"runc/libcontainer"
)

// initCommand runs only when global flags precede `init`: main handles `runc init`
// before it parses flags.
var initCommand = &cli.Command{
	Name:   "init",
	Usage:  "initialize the namespaces and launch the process (do not call it outside of runc)",
	Hidden: true,
	Action: func(context.Context, *cli.Command) error { return libcontainer.Init() },
}
