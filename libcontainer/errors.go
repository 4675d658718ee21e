package libcontainer

import (
	"errors"
	"strings"
)

// Errors to be matched by [errors.Is]. Engines match some of them by their words.
// Errors of the system are wrapped: [io/fs.ErrPermission] and the like match, and
// so does the cause of a context that has ended a start.
var (
	// ErrExist is returned by [Create] for an id that is in use.
	ErrExist = errors.New("container with given ID already exists")

	// ErrInvalidID is returned by [Create] and [Load] for an id that has other
	// characters than letters, digits and "_+-.".
	ErrInvalidID = errors.New("invalid container ID format")

	// ErrEmptyID is returned by them for an empty id.
	ErrEmptyID = errors.New("container id cannot be empty")

	// ErrNotExist is returned by [Load] when there is no such container, and by
	// methods that find out that another process has removed it.
	ErrNotExist = errors.New("container does not exist")

	// ErrPaused is returned, together with ErrRunning, by [Container.Destroy].
	ErrPaused = errors.New("container paused")

	// ErrRunning is returned by [Container.Destroy] for a container that runs,
	// and by [Container.Exec] for one that was started already.
	ErrRunning = errors.New("container still running")

	// ErrNotRunning is returned by methods that need a container that runs.
	ErrNotRunning = errors.New("container not running")

	// ErrNotPaused is returned by [Container.Resume].
	ErrNotPaused = errors.New("container not paused")

	// ErrCgroupNotExist is returned by [Container.NotifyMemoryPressure] when the
	// container has no cgroup in which the kernel measures that.
	ErrCgroupNotExist = errors.New("cgroup not exist")
)

// worded is an error that has words of its own and matches another one.
type worded struct {
	words string
	kind  error
}

func (e *worded) Error() string { return e.words }

func (e *worded) Unwrap() error { return e.kind }

var (
	errStarted = &worded{"cannot start an already running container", ErrRunning}
	errStopped = &worded{"cannot start a container that has stopped", ErrNotRunning}
	errEnded   = &worded{"container init process ended before it could be started", ErrNotRunning}
	errNoExec  = &worded{"cannot exec in a stopped container", ErrNotRunning}
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
