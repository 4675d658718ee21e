package libcontainer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		debugf("running %s hook #%d: %s", kind, i, list[i].Path)
		if err := runHook(ctx, &list[i], stdin); err != nil {
			if err = fmt.Errorf("error running %s hook #%d: %w", kind, i, err); !goOn(err) {
				return err
			}
		}
	}
	return nil
}

// runHook runs one hook until it ends, its own timeout is over or ctx is done.
func runHook(ctx context.Context, h *configs.Hook, stdin []byte) error {
	if h.Timeout != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, *h.Timeout, errHookTimeout)
		defer cancel()
	}
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
		return fmt.Errorf("hook ran past specified timeout of %.1fs", h.Timeout.Seconds())
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%w, stdout: %s, stderr: %s", err, stdout.Bytes(), stderr.Bytes())
	}
	return err
}
