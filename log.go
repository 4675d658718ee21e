package main

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"

	"runc/libcontainer"
)

// fatal is for failures outside any command.
func fatal(err error) {
	logError(err)
	os.Exit(1)
}

// logError tells the log, and stderr too when the log is elsewhere: a person
// who typed the command does not look into a file.
func logError(err error) {
	logrus.Error(err)
	if logrus.StandardLogger().Out != os.Stderr {
		fmt.Fprintln(os.Stderr, err)
	}
}

func setUpLog(cmd *cli.Command) error {
	if cmd.Bool("debug") {
		logrus.SetLevel(logrus.DebugLevel)
		logrus.SetReportCaller(true)
		logrus.AddHook(place{})
		libcontainer.Debug = func(at runtime.Frame, msg string) {
			logrus.WithContext(context.WithValue(context.Background(), place{}, &at)).Debug(msg)
		}
	}
	// The format first: a mistake in it does not make a file.
	switch f := cmd.String("log-format"); f {
	case "", "text":
	case "json":
		logrus.SetFormatter(new(logrus.JSONFormatter))
	default:
		return fmt.Errorf("invalid log-format: %s", f)
	}
	if path := cmd.String("log"); path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_SYNC, 0o644)
		if err != nil {
			return err
		}
		logrus.SetOutput(f)
	}
	return nil
}

// place is a hook of the log's that puts the place of a step in libcontainer,
// perhaps inside a container, where logrus has put that of libcontainer.Debug.
type place struct{}

func (place) Levels() []logrus.Level { return []logrus.Level{logrus.DebugLevel} }

func (place) Fire(e *logrus.Entry) error {
	if e.Context != nil {
		if at, ok := e.Context.Value(place{}).(*runtime.Frame); ok {
			e.Caller = at
		}
	}
	return nil
}
