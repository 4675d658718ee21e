package main

import (
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"runc/internal/plainjson"
	"runc/libcontainer"
)

// containerState is printed by `state`, and by `list` with the owner filled in.
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

// indented gives the object as json.MarshalIndent writes it. Callers run `state`
// again and again, and encoding/json takes long for its first object.
func (s *containerState) indented() []byte {
	b := []byte("{")
	field := func(name string) { b = append(plainjson.Field(b, "\n  "+name), ' ') }
	field(`"ociVersion":`)
	b = plainjson.String(b, s.Version)
	field(`"id":`)
	b = plainjson.String(b, s.ID)
	field(`"pid":`)
	b = plainjson.Int(b, s.Pid)
	field(`"status":`)
	b = plainjson.String(b, s.Status)
	field(`"bundle":`)
	b = plainjson.String(b, s.Bundle)
	field(`"rootfs":`)
	b = plainjson.String(b, s.Rootfs)
	field(`"created":`)
	b = plainjson.Instant(b, s.Created)
	if len(s.Annotations) != 0 {
		field(`"annotations":`)
		b = append(b, '{')
		for _, k := range slices.Sorted(maps.Keys(s.Annotations)) {
			b = append(plainjson.Field(b, "\n    "+string(plainjson.String(nil, k))+":"), ' ')
			b = plainjson.String(b, s.Annotations[k])
		}
		b = append(b, "\n  }"...)
	}
	field(`"owner":`)
	b = plainjson.String(b, s.Owner)
	return append(b, "\n}"...)
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
		_, err = os.Stdout.Write(s.indented())
		return err
	},
}
