package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"
)

// checkpoint and restore are known by name only: whoever calls them shall hear
// why it fails, whatever the flags. Engines run `checkpoint --help` to find out
// whether a runtime can do it, so that has to fail as well.
var (
	checkpointCommand = unsupported("checkpoint")
	restoreCommand    = unsupported("restore")
)

func unsupported(name string) *cli.Command {
	return &cli.Command{
		Name:            name,
		Hidden:          true,
		HideHelp:        true,
		SkipFlagParsing: true,
		Action: func(context.Context, *cli.Command) error {
			return fmt.Errorf("%s is not supported by this runtime", name)
		},
	}
}
