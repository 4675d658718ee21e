package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
)

var killCommand = &cli.Command{
	Name:  "kill",
	Usage: "kill sends the specified signal (default: SIGTERM) to the container's init process",
	ArgsUsage: `<container-id> [signal]

Where "<container-id>" is the name for the instance of the container and
"[signal]" is the signal to be sent to the init process.

EXAMPLE:
For example, if the container id is "ubuntu01" the following will send a "KILL"
signal to the init process of the "ubuntu01" container:

       # runc kill ubuntu01 KILL`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "(obsoleted, do not use)", Hidden: true},
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, atLeast, 1); err != nil {
			return err
		}
		if err := checkArgs(cmd, atMost, 2); err != nil {
			return err
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		sig := unix.SIGTERM
		if text := cmd.Args().Get(1); text != "" {
			if sig, err = parseSignal(text); err != nil {
				return err
			}
		}
		err = c.Signal(sig)
		if errors.Is(err, libcontainer.ErrNotRunning) && cmd.Bool("all") {
			return nil
		}
		return err
	},
}

// parseSignal takes a number, or a name with or without SIG in any case.
func parseSignal(text string) (unix.Signal, error) {
	if n, err := strconv.Atoi(text); err == nil {
		return unix.Signal(n), nil
	}
	name := strings.ToUpper(text)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if sig := unix.SignalNum(name); sig != 0 {
		return sig, nil
	}
	return -1, fmt.Errorf("unknown signal %q", text)
}
