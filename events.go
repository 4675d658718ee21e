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
	Description: "The events command displays information about the container. By default the\ninformation is displayed once every 5 seconds, as one JSON object a line; as a\ntable it is for people to watch, and changes every second.",
	Flags: []cli.Flag{
		&cli.DurationFlag{Name: "interval", Value: 5 * time.Second, Usage: "set the stats collection interval"},
		&cli.BoolFlag{Name: "stats", Usage: "display the container's stats then exit"},
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "json", Usage: "select one of: json or table"},
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "display all containers of the root (needs --format table)"},
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		all := cmd.Bool("all")
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
		}
		w := &watch{interval: interval, once: cmd.Bool("stats")}
		if format == "table" && !cmd.IsSet("interval") {
			w.interval = tableInterval
		}
		if all {
			w.find = func() ([]*libcontainer.Container, error) { return allContainers(cmd.String("root")) }
			return w.table()
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		if !c.Alive() {
			return fmt.Errorf("container with id %s is not running", c.ID())
		}
		w.one = c
		switch {
		case format == "table":
			return w.table()
		case w.once:
			return printStats(c)
		}
		return w.events()
	},
}

// watch is what `events` is to look at, and how often.
type watch struct {
	one      *libcontainer.Container                   // nil for all
	find     func() ([]*libcontainer.Container, error) // for all
	interval time.Duration
	once     bool
}

// events prints statistics at each interval and every out-of-memory event,
// until the container ends.
func (w *watch) events() error {
	oom, err := w.one.NotifyOOM()
	if errors.Is(err, libcontainer.ErrNotRunning) {
		return nil
	} else if err != nil {
		return err
	}
	tick := time.NewTicker(w.interval)
	defer tick.Stop()
	for {
		select {
		case _, ok := <-oom:
			if !ok {
				return nil
			}
			if err := printEvent(event{Type: "oom", ID: w.one.ID()}); err != nil {
				return err
			}
		case <-tick.C:
			err := printStats(w.one)
			var stats *statsError
			switch {
			case err == nil:
			case !errors.As(err, &stats):
				return err
			case w.one.Alive():
				// The next turn may have better luck; the channel tells
				// of the end.
				logrus.Error(err)
			}
		}
	}
}

// statsError is that of reading statistics rather than of printing them.
type statsError struct{ error }

func (e *statsError) Unwrap() error { return e.error }

func printStats(c *libcontainer.Container) error {
	stats, err := c.Stats()
	if err != nil {
		return &statsError{err}
	}
	return printEvent(event{Type: "stats", ID: c.ID(), Data: newStatsEvent(stats)})
}

func printEvent(e event) error { return json.NewEncoder(os.Stdout).Encode(e) }
