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

// runHooks runs the hooks of one moment in order, until one fails. state is
// what each gets on stdin (runtime-spec, "State" and "POSIX-platform Hooks").
func runHooks(ctx context.Context, hooks configs.Hooks, kind configs.HookName, state *specs.State) error {
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
			return fmt.Errorf("error running %s hook #%d: %w", kind, i, err)
		}
	}
	return nil
}

func runHook(ctx context.Context, h *configs.Hook, stdin []byte) error {
	if h.Timeout != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *h.Timeout)
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
	// A hook may leave a child behind that holds its stdout: once the hook
	// itself has ended, or was killed, do not wait for that one.
	cmd.WaitDelay = 10 * time.Millisecond
	if h.Timeout == nil {
		cmd.WaitDelay = 0
	}
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("hook ran past specified timeout of %.1fs", h.Timeout.Seconds())
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		// The hook itself ended well; its child still holds our pipe.
		return nil
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%w, stdout: %s, stderr: %s", err, stdout.Bytes(), stderr.Bytes())
	}
	// A hook may leave its stdin unread: os/exec reports that, nobody minds.
	return err
}
