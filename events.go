package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"

	"runc/internal/events"
	"runc/internal/statstable"
	"runc/libcontainer"
)

var eventsCommand = &cli.Command{
	Name:  "events",
	Usage: "display container events such as OOM notifications, cpu, memory, and IO usage statistics",
	ArgsUsage: `<container-id>

Where "<container-id>" is the name for the instance of the container. With
--format table --all it is left out.`,
	Description: "The events command displays information about the container. By default the\ninformation is displayed once every 5 seconds, as one JSON object a line; as a\ntable it is for people to watch, and changes every second.",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "display all containers of the root (needs --format table)"},
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "json", Usage: "select one of: json or table"},
		&cli.DurationFlag{Name: "interval", Value: 5 * time.Second, Usage: "set the stats collection interval"},
		&cli.BoolFlag{Name: "stats", Usage: "display the container's stats then exit"},
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		all, once := cmd.Bool("all"), cmd.Bool("stats")
		n := 1
		if all {
			n = 0
		}
		if err := checkArgs(cmd, exactly, n); err != nil {
			return err
		}
		interval := cmd.Duration("interval")
		if interval <= 0 {
			return errors.New("duration interval must be greater than 0")
		}
		format := cmd.String("format")
		switch {
		case format != "json" && format != "table":
			return errors.New("invalid format option")
		case all && format != "table":
			return errors.New("--all needs --format table")
		case format == "table":
			return showTable(cmd, interval)
		}
		c, err := runningContainer(cmd)
		if err != nil {
			return err
		}
		if once {
			return printStats(c)
		}
		return printEvents(c, interval)
	},
}

func runningContainer(cmd *cli.Command) (*libcontainer.Container, error) {
	c, err := container(cmd)
	if err == nil && !c.Alive() {
		err = fmt.Errorf("container with id %s is not running", c.ID())
	}
	return c, err
}

func showTable(cmd *cli.Command, interval time.Duration) error {
	if !cmd.IsSet("interval") {
		interval = statstable.DefaultInterval
	}
	t := statstable.Table{Interval: interval, Once: cmd.Bool("stats")}
	if cmd.Bool("all") {
		t.All = func() ([]*libcontainer.Container, error) { return allContainers(cmd.String("root")) }
	} else {
		c, err := runningContainer(cmd)
		if err != nil {
			return err
		}
		t.One = c
	}
	err := t.Show()
	var sig statstable.SignalError
	if errors.As(err, &sig) {
		return exitCode(128 + int(sig.Signal))
	}
	return err
}

// allContainers gives the containers of a root that can be read. A container
// that is being made or removed at this moment is left out.
func allContainers(root string) ([]*libcontainer.Container, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) && !rootGiven {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var list []*libcontainer.Container
	for _, e := range entries {
		if c, err := libcontainer.Load(root, e.Name()); err == nil {
			list = append(list, c)
		}
	}
	return list, nil
}

// printEvents prints statistics at each interval and every out-of-memory event,
// until the container ends.
func printEvents(c *libcontainer.Container, interval time.Duration) error {
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
			if err := printEvent(events.NewOOM(c.ID())); err != nil {
				return err
			}
		case <-tick.C:
			err := printStats(c)
			var stats *statsError
			switch {
			case err == nil:
			case !errors.As(err, &stats):
				return err
			case c.Alive():
				// The statistics may be readable the next time. The channel
				// is closed when the container ends.
				logrus.Error(err)
			}
		}
	}
}

// statsError is an error of reading the statistics, not of printing them.
type statsError struct{ error }

func (e *statsError) Unwrap() error { return e.error }

func printStats(c *libcontainer.Container) error {
	stats, err := c.Stats()
	if err != nil {
		return &statsError{err}
	}
	return printEvent(events.NewStats(c.ID(), stats))
}

func printEvent(e events.Event) error { return json.NewEncoder(os.Stdout).Encode(e) }
