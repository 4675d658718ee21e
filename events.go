package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"

	"runc/libcontainer"
)

var eventsCommand = &cli.Command{
	Name:  "events",
	Usage: "display container events such as OOM notifications, cpu, memory, and IO usage statistics",
	ArgsUsage: `<container-id>

Where "<container-id>" is the name for the instance of the container. With
--format table --all it is left out.`,
	Description: "The events command displays information about the container. By default the\ninformation is displayed once every 5 seconds, as one JSON object a line; as a\ntable it is for people to watch.",
	Flags: []cli.Flag{
		&cli.DurationFlag{Name: "interval", Value: 5 * time.Second, Usage: "set the stats collection interval"},
		&cli.BoolFlag{Name: "stats", Usage: "display the container's stats then exit"},
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "json", Usage: "select one of: json or table"},
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "display all containers of the root (needs --format table)"},
	},
	Action: func(ctx context.Context, cmd *cli.Command) error {
		all := cmd.Bool("all")
		n := 1
		if all {
			n = 0
		}
		if err := checkArgs(cmd, exactly, n); err != nil {
			return err
		}
		if cmd.Duration("interval") <= 0 {
			return errors.New("duration interval must be greater than 0")
		}
		switch cmd.String("format") {
		case "table":
			return eventsTable(cmd)
		case "json":
		default:
			return errors.New("invalid format option")
		}
		if all {
			return errors.New("--all needs --format table")
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		status, err := c.Status()
		if err != nil {
			return err
		}
		if status == libcontainer.Stopped {
			return fmt.Errorf("container with id %s is not running: %w", c.ID(), libcontainer.ErrNotRunning)
		}
		if cmd.Bool("stats") {
			stats, err := c.Stats()
			if err != nil {
				return err
			}
			return printEvent(event{Type: "stats", ID: c.ID(), Data: newStatsEvent(stats)})
		}
		return followEvents(c, cmd.Duration("interval"))
	},
}

func printEvent(e event) error { return json.NewEncoder(os.Stdout).Encode(e) }

// followEvents prints statistics at each interval and every out-of-memory
// event, until the container ends.
func followEvents(c *libcontainer.Container, interval time.Duration) error {
	oom, err := c.NotifyOOM()
	if errors.Is(err, libcontainer.ErrNotRunning) {
		return nil
	} else if err != nil {
		return err
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case _, ok := <-oom:
			if !ok {
				return nil
			}
			if err := printEvent(event{Type: "oom", ID: c.ID()}); err != nil {
				return err
			}
		case <-tick.C:
			stats, err := c.Stats()
			if err != nil {
				// It may just have ended, which the next turn shows.
				logrus.Error(err)
				continue
			}
			if err := printEvent(event{Type: "stats", ID: c.ID(), Data: newStatsEvent(stats)}); err != nil {
				return err
			}
		}
	}
}
