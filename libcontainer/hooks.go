package libcontainer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/libcontainer/configs"
)

// outputWait bounds how long a hook's output is read after the hook itself has
// ended, or was killed. A hook may leave a child behind that holds the pipes for
// as long as it lives. What the hook itself has written is in the pipes by then.
const outputWait = 100 * time.Millisecond

// errHookTimeout is the cause for which a hook is killed after its own timeout.
var errHookTimeout = errors.New("hook timeout")

// runHooks runs the hooks of one moment in order, until one fails. state is
// what each gets on stdin (runtime-spec, "State" and "POSIX-platform Hooks").
func runHooks(ctx context.Context, hooks configs.Hooks, kind configs.HookName, state *specs.State) error {
	return eachHook(ctx, hooks, kind, state, func(err error) bool { return false })
}

// PoststopError has the failures of poststop hooks. [Container.Destroy] returns
// it when it has removed the container all the same.
type PoststopError struct{ Errs []error }

func (e *PoststopError) Error() string { return errors.Join(e.Errs...).Error() }

func (e *PoststopError) Unwrap() []error { return e.Errs }

// runPoststop runs the poststop hooks. The container has been removed, and the
// runtime-spec wants a hook that fails to keep neither the other hooks nor the
// delete from going on: the failures become a [*PoststopError].
func runPoststop(hooks configs.Hooks, state *specs.State) error {
	var failed []error
	err := eachHook(context.Background(), hooks, configs.Poststop, state, func(err error) bool {
		failed = append(failed, err)
		return true
	})
	if err == nil && len(failed) != 0 {
		err = &PoststopError{failed}
	}
	return err
}

// eachHook runs the hooks of one moment in order. goOn says whether the next one
// runs after the failure that it gets.
func eachHook(ctx context.Context, hooks configs.Hooks, kind configs.HookName, state *specs.State, goOn func(error) bool) error {
	list := hooks[kind]
	if len(list) == 0 {
		return nil
	}
	stdin, err := json.Marshal(state)
	if err != nil {
		return err
	}
	for i := range list {
		var err error
		if list[i].Func != nil {
			debugf("running %s hook #%d: a Go function", kind, i)
			err = runFunction(ctx, &list[i], *state)
		} else {
			debugf("running %s hook #%d: %s", kind, i, list[i].Path)
			err = runHook(ctx, &list[i], stdin)
		}
		if err != nil {
			if err = fmt.Errorf("error running %s hook #%d: %w", kind, i, err); !goOn(err) {
				return err
			}
		}
	}
	return nil
}

// checkFunctions refuses Go functions as hooks that run inside the container.
func checkFunctions(hooks configs.Hooks) error {
	for _, kind := range []configs.HookName{configs.CreateContainer, configs.StartContainer} {
		for i, h := range hooks[kind] {
			if h.Func != nil {
				return fmt.Errorf("%s hook #%d is a Go function: it has to be a command, which can run inside the container", kind, i)
			}
		}
	}
	return nil
}

// limited gives the context of one hook, which ends with the hook's own timeout.
func limited(ctx context.Context, h *configs.Hook) (context.Context, context.CancelFunc) {
	if h.Timeout == nil {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, *h.Timeout, errHookTimeout)
}

// runFunction calls a hook that is a Go function, with its own copy of the state.
func runFunction(ctx context.Context, h *configs.Hook, state specs.State) error {
	ctx, cancel := limited(ctx, h)
	defer cancel()
	state.Annotations = maps.Clone(state.Annotations)
	err := h.Func(ctx, &state)
	switch {
	case err == nil:
		return nil
	case context.Cause(ctx) == errHookTimeout:
		return timedOut(h)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

func timedOut(h *configs.Hook) error {
	return fmt.Errorf("hook ran past specified timeout of %.1fs", h.Timeout.Seconds())
}

// runHook runs one hook until it ends, its own timeout is over or ctx is done.
func runHook(ctx context.Context, h *configs.Hook, stdin []byte) error {
	ctx, cancel := limited(ctx, h)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, h.Path)
	// CommandContext looks up a path without a slash; a hook's path is taken
	// as it is (runtime-spec: absolute).
	cmd.Path, cmd.Err = h.Path, nil
	if len(h.Args) > 0 {
		cmd.Args = h.Args
	}
	// Not nil, which would mean the runtime's own environment.
	cmd.Env = append([]string{}, h.Env...)
	cmd.Dir = h.Dir
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = outputWait
	err := cmd.Run()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		// The hook itself ended well, also where a child of it still holds the
		// pipes.
		return nil
	case context.Cause(ctx) == errHookTimeout:
		return timedOut(h)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%w, stdout: %s, stderr: %s", err, stdout.Bytes(), stderr.Bytes())
	}
	return err
}
