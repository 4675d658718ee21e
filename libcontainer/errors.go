package libcontainer

import (
	"errors"
	"strings"
)

// Callers, engines among them, match these by value or by their words.
var (
	ErrExist          = errors.New("container with given ID already exists")
	ErrInvalidID      = errors.New("invalid container ID format")
	ErrEmptyID        = errors.New("container id cannot be empty")
	ErrNotExist       = errors.New("container does not exist")
	ErrPaused         = errors.New("container paused")
	ErrRunning        = errors.New("container still running")
	ErrNotRunning     = errors.New("container not running")
	ErrNotPaused      = errors.New("container not paused")
	ErrCgroupNotExist = errors.New("cgroup not exist")
)

// An ExecveError says that the kernel did not execute the user's program,
// though that was found: it has no interpreter, or is in no format that the
// kernel knows.
type ExecveError struct{ err error }

func (e *ExecveError) Error() string { return e.err.Error() }

func (e *ExecveError) Unwrap() error { return e.err }

// asExecve makes an ExecveError of the words with which the process inside the
// container reports one: "exec PATH: ". An error of the search for the program
// has `exec: "NAME": `.
func asExecve(err error) error {
	if msg := err.Error(); strings.HasPrefix(msg, "exec /") || strings.HasPrefix(msg, "exec .") {
		return &ExecveError{err}
	}
	return err
}
