package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"runc/libcontainer"
)

// containerState is what `state` prints, and `list` with the owner filled in.
type containerState struct {
	Version     string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Pid         int               `json:"pid"`
	Status      string            `json:"status"`
	Bundle      string            `json:"bundle"`
	Rootfs      string            `json:"rootfs"`
	Created     time.Time         `json:"created"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Owner       string            `json:"owner"`
}

func stateOf(c *libcontainer.Container) (*containerState, error) {
	s, err := c.Summary()
	if err != nil {
		return nil, err
	}
	return &containerState{
		Version: s.Version, ID: s.ID, Pid: s.Pid, Status: s.Status.String(), Bundle: s.Bundle,
		Rootfs: s.Rootfs, Created: s.Created, Annotations: s.Annotations,
	}, nil
}

var stateCommand = &cli.Command{
	Name:        "state",
	Usage:       "output the state of a container",
	ArgsUsage:   "<container-id>\n\nWhere \"<container-id>\" is your name for the instance of the container.",
	Description: "The state command outputs current state information for the instance of a container.",
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		s, err := stateOf(c)
		if err != nil {
			return err
		}
		out, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(out)
		return err
	},
}
