package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"runc/libcontainer"
)

var listCommand = &cli.Command{
	Name:  "list",
	Usage: "lists containers started by runc with the given root",
	ArgsUsage: `

Where the given root is specified via the global option "--root"
(default: "` + defaultRoot + `").

EXAMPLE 1:
To list containers created via the default "--root":
       # runc list

EXAMPLE 2:
To list containers created using a non-default value for "--root":
       # runc --root value list`,
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "select one of: table or json"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "display only container IDs"},
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 0); err != nil {
			return err
		}
		list, err := containers(cmd)
		if err != nil {
			return err
		}
		if cmd.Bool("quiet") {
			for _, s := range list {
				fmt.Println(s.ID)
			}
			return nil
		}
		switch cmd.String("format") {
		case "table":
			w := tabwriter.NewWriter(os.Stdout, 12, 1, 3, ' ', 0)
			fmt.Fprint(w, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n")
			for _, s := range list {
				fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", s.ID, s.Pid, s.Status, s.Bundle, s.Created.Format(time.RFC3339Nano), s.Owner)
			}
			return w.Flush()
		case "json":
			return json.NewEncoder(os.Stdout).Encode(list)
		}
		return errors.New("invalid format option")
	},
}

// containers reads all containers below the root. A container that is removed at
// the same time, or whose state cannot be read, does not hide the others.
func containers(cmd *cli.Command) ([]*containerState, error) {
	root := cmd.String("root")
	entries, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) && !rootGiven {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []*containerState
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		c, err := libcontainer.Load(root, e.Name())
		if errors.Is(err, libcontainer.ErrNotExist) {
			continue
		}
		var s *containerState
		switch {
		case errors.Is(err, libcontainer.ErrBroken):
			fmt.Fprintf(os.Stderr, "load container %s: %v\n", e.Name(), err)
			s = &containerState{ID: e.Name(), Status: "broken"}
		case err != nil:
			fmt.Fprintf(os.Stderr, "load container %s: %v\n", e.Name(), err)
			continue
		default:
			if s, err = stateOf(c); err != nil {
				fmt.Fprintf(os.Stderr, "status for %s: %v\n", e.Name(), err)
				continue
			}
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		s.Owner = ownerName(info)
		list = append(list, s)
	}
	return list, nil
}

func ownerName(info os.FileInfo) string {
	uid := strconv.FormatUint(uint64(info.Sys().(*syscall.Stat_t).Uid), 10)
	u, err := user.LookupId(uid)
	if err != nil {
		return "#" + uid
	}
	return u.Username
}
