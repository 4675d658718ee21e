package configs

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// HookName is a moment in the container's life at which hooks run.
type HookName string

// The moments, as config.json names them.
const (
	Prestart        HookName = "prestart"
	CreateRuntime   HookName = "createRuntime"
	CreateContainer HookName = "createContainer"
	StartContainer  HookName = "startContainer"
	Poststart       HookName = "poststart"
	Poststop        HookName = "poststop"
)

// HookNames lists them in the order of a container's life.
func HookNames() []HookName {
	return []HookName{Prestart, CreateRuntime, CreateContainer, StartContainer, Poststart, Poststop}
}

// Hooks are the hooks of each moment, in order.
type Hooks map[HookName][]Hook

// Hook is one command or one Go function. Timeout nil waits as long as it takes.
type Hook struct {
	Path    string         `json:"path"`
	Args    []string       `json:"args"`
	Env     []string       `json:"env"`
	Dir     string         `json:"dir"`
	Timeout *time.Duration `json:"timeout"`

	// Func is called in place of the command where it is not nil: see
	// [NewFunctionHook].
	Func HookFunc `json:"-" wire:"-"`
}

// HookFunc is a hook as a Go function. It gets the container's state, as a
// command gets it on stdin. It has to return soon after ctx is done: the start of
// the container waits for it.
type HookFunc func(ctx context.Context, state *specs.State) error

// NewFunctionHook makes a hook of a Go function. It runs in the program that
// makes or destroys the container, so it may be one for [Prestart],
// [CreateRuntime], [Poststart] and [Poststop], but not for [CreateContainer] and
// [StartContainer], which run inside the container.
//
// A function cannot be saved. A container that was found by its state file has
// the commands alone.
func NewFunctionHook(f HookFunc) Hook { return Hook{Func: f} }

// Command is the command of a hook.
type Command struct {
	Path    string
	Args    []string
	Env     []string
	Dir     string
	Timeout *time.Duration
}

// NewCommandHook makes a hook of a command.
func NewCommandHook(c *Command) Hook {
	return Hook{Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir, Timeout: c.Timeout}
}

func isFunction(h Hook) bool { return h.Func != nil }

// HasFunctions says whether one of them is a Go function.
func (h Hooks) HasFunctions() bool {
	for _, list := range h {
		if slices.ContainsFunc(list, isFunction) {
			return true
		}
	}
	return false
}

// Commands are the hooks without the Go functions: those that can be saved.
func (h Hooks) Commands() Hooks {
	if !h.HasFunctions() {
		return h
	}
	h = h.Clone()
	for name, list := range h {
		if h[name] = slices.DeleteFunc(list, isFunction); len(h[name]) == 0 {
			delete(h, name)
		}
	}
	return h
}

// Clone copies the lists. The hooks in them still share their arguments.
func (h Hooks) Clone() Hooks {
	h = maps.Clone(h)
	for name, list := range h {
		h[name] = slices.Clone(list)
	}
	return h
}
