package libcontainer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/cgroups"
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

// A Go function gets the state, its own limit, and the end of the start.
func TestFunctionHook(t *testing.T) {
	state := &specs.State{ID: "box", Annotations: map[string]string{"a": "b"}}
	run := func(ctx context.Context, f configs.HookFunc, limit *time.Duration) error {
		h := configs.NewFunctionHook(f)
		h.Timeout = limit
		return runHooks(ctx, configs.Hooks{configs.Poststart: {h}}, configs.Poststart, state)
	}
	got := ""
	if err := run(t.Context(), func(_ context.Context, s *specs.State) error {
		got = s.ID + s.Annotations["a"]
		s.Annotations["a"] = "changed"
		return nil
	}, nil); err != nil || got != "boxb" || state.Annotations["a"] != "b" {
		t.Error(err, got, state)
	}
	why := errors.New("why")
	if err := run(t.Context(), func(context.Context, *specs.State) error { return why }, nil); !errors.Is(err, why) {
		t.Error(err)
	}
	wait := func(ctx context.Context, _ *specs.State) error { <-ctx.Done(); return ctx.Err() }
	limit := 10 * time.Millisecond
	if err := run(t.Context(), wait, &limit); err == nil || !strings.Contains(err.Error(), "hook ran past specified timeout") {
		t.Error("its own limit:", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := run(ctx, wait, nil); !errors.Is(err, why) {
		t.Error("the end of the start:", err)
	}
}

// Functions run inside the program that has them, and are in no state file.
func TestFunctionHooksStayHere(t *testing.T) {
	f := configs.NewFunctionHook(func(context.Context, *specs.State) error { return nil })
	hooks := configs.Hooks{
		configs.Prestart: {f},
		configs.Poststop: {shellHook("true"), f, configs.NewCommandHook(&configs.Command{Path: "/bin/false"})},
	}
	config := &configs.Config{Hooks: hooks, Cgroups: new(cgroups.Cgroup)}
	c, err := Create(t.TempDir(), "box", config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Destroy()
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	loaded, err := readState(c.dir, "box")
	if err != nil {
		t.Fatal(err)
	}
	if h := loaded.Config.Hooks; len(h) != 1 || len(h[configs.Poststop]) != 2 || h[configs.Poststop][1].Path != "/bin/false" {
		t.Errorf("saved: %+v", h)
	}
	if err := c.reload(); err != nil || len(c.config.Hooks[configs.Prestart]) != 1 || len(c.config.Hooks[configs.Poststop]) != 3 {
		t.Errorf("after reload: %+v, %v", c.config.Hooks, err)
	}
	copied, err := copyConfig(c.config)
	if err != nil || !copied.Hooks.HasFunctions() {
		t.Errorf("copied: %+v, %v", copied, err)
	}
	for _, kind := range []configs.HookName{configs.CreateContainer, configs.StartContainer} {
		if err := checkFunctions(configs.Hooks{kind: {f}}); err == nil || !strings.Contains(err.Error(), string(kind)+" hook #0") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := checkFunctions(hooks); err != nil {
		t.Error(err)
	}
}
