package libcontainer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/libcontainer/configs"
)

func shellHook(script string) configs.Hook {
	return configs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
}

// A hook that ends well has succeeded, whatever it left holding its stdout.
func TestHookLeavesChild(t *testing.T) {
	h := shellHook("sleep 3 & exit 0")
	for _, timeout := range []time.Duration{0, time.Second} {
		if timeout != 0 {
			h.Timeout = &timeout
		}
		begin := time.Now()
		if err := runHook(t.Context(), &h, nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Fatalf("waited %v for the hook's child", took)
		}
	}
}

// What ends a hook that runs is told apart.
func TestHookEnded(t *testing.T) {
	h := shellHook("sleep 30 & wait")
	why := errors.New("why")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
	defer cancel()
	if err := runHook(ctx, &h, nil); !errors.Is(err, why) {
		t.Error("by the caller:", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := runHook(ctx, &h, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("by the caller's deadline:", err)
	}
	limit := 50 * time.Millisecond
	h.Timeout = &limit
	if err := runHook(t.Context(), &h, nil); err == nil || err.Error() != "hook ran past specified timeout of 0.1s" {
		t.Error("by its own limit:", err)
	}
}

func TestPoststop(t *testing.T) {
	hooks := configs.Hooks{configs.Poststop: {shellHook("exit 3"), shellHook("true"), shellHook("echo said >&2; exit 4")}}
	err := runPoststop(hooks, &specs.State{})
	failed := (*PoststopError)(nil)
	if !errors.As(err, &failed) || len(failed.Errs) != 2 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"poststop hook #0: exit status 3", "poststop hook #2: exit status 4, stdout: , stderr: said"} {
		if !strings.Contains(failed.Errs[i].Error(), want) {
			t.Errorf("got %q, want %q", failed.Errs[i], want)
		}
	}
	if err := runPoststop(configs.Hooks{configs.Poststop: {shellHook("true")}}, &specs.State{}); err != nil {
		t.Error(err)
	}
}
