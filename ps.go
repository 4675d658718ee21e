package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"
)

var psStop = 1

var psCommand = &cli.Command{
	Name:         "ps",
	Usage:        "ps displays the processes running inside a container",
	ArgsUsage:    "<container-id> [ps options]",
	StopOnNthArg: &psStop,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "select one of: table or json"},
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, atLeast, 1); err != nil {
			return err
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		pids, err := c.Processes()
		if err != nil {
			return err
		}
		switch cmd.String("format") {
		case "table":
		case "json":
			return json.NewEncoder(os.Stdout).Encode(pids)
		default:
			return errors.New("invalid format option")
		}
		options := cmd.Args().Tail()
		if len(options) == 0 {
			options = []string{"-ef"}
		}
		out, err := exec.Command("ps", options...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		text, err := filterProcesses(string(out), pids)
		if err != nil {
			return err
		}
		_, err = os.Stdout.WriteString(text)
		return err
	},
}

// filterProcesses keeps the first line of the output of ps(1), its head, and the
// lines of the given processes.
func filterProcesses(out string, pids []int) (string, error) {
	lines := strings.Split(out, "\n")
	column := slices.Index(strings.Fields(lines[0]), "PID")
	if column < 0 {
		return "", errors.New("couldn't find PID field in ps output")
	}
	var b strings.Builder
	b.WriteString(lines[0] + "\n")
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		if len(fields) <= column {
			continue
		}
		pid, err := strconv.Atoi(fields[column])
		if err != nil {
			return "", fmt.Errorf("unable to parse pid: %w", err)
		}
		if slices.Contains(pids, pid) {
			b.WriteString(line + "\n")
		}
	}
	return b.String(), nil
}
