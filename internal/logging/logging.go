// Package logging sets up the log of runc's commands: lines of text or JSON, on
// stderr or in a file.
package logging

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
)

// Error logs the error. When the log is a file, stderr gets the bare message as
// well, for the person who typed the command.
func Error(err error) {
	logrus.Error(err)
	if !OnStderr() {
		Plain(err)
	}
}

// Plain writes the bare message to stderr. It does not use os.Stderr, see
// ownStderr.
func Plain(err error) { _, _ = unix.Write(2, []byte(err.Error()+"\n")) }

// onFile: the log is a file.
var onFile bool

// OnStderr tells whether the log is not a file.
func OnStderr() bool { return !onFile }

// ownStderr is a hook of logrus that, before the first line, gives it stderr by
// another number. Package os ends the program when a write to fd 1 or 2 finds
// no reader (SIGPIPE, see os/signal): a warning in the middle of a start would
// leave half a container, and an error would not give its exit status.
type ownStderr struct{ done bool }

func (*ownStderr) Levels() []logrus.Level { return logrus.AllLevels }

func (h *ownStderr) Fire(*logrus.Entry) error {
	if h.done || onFile {
		return nil
	}
	h.done = true
	if fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3); err == nil {
		logrus.SetOutput(os.NewFile(uintptr(fd), "/dev/stderr"))
	}
	return nil
}

func init() { logrus.AddHook(new(ownStderr)) }

// SetUp sets the log's format, "text" or "json", and its file, "" for stderr.
func SetUp(debug bool, format, path string) error {
	if debug {
		logrus.SetLevel(logrus.DebugLevel)
		logrus.SetReportCaller(true)
		logrus.AddHook(place{})
		libcontainer.Debug = func(at runtime.Frame, msg string) {
			logrus.WithContext(context.WithValue(context.Background(), place{}, &at)).Debug(msg)
		}
	}
	// The format is checked first, so that a wrong one makes no file.
	switch format {
	case "", "text":
	case "json":
		logrus.SetFormatter(new(logrus.JSONFormatter))
	default:
		return fmt.Errorf("invalid log-format: %s", format)
	}
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_SYNC, 0o644)
	if err != nil {
		return err
	}
	logrus.SetOutput(f)
	onFile = true
	return nil
}

// place is a hook of logrus. A debug line of libcontainer, perhaps from inside
// a container, carries its own file and function; the hook puts them in the
// place of those of libcontainer.Debug, which logrus would print.
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
