// Package cmdstart carries what the commands give to the start of a process and
// other users of libcontainer have no need for. It travels in the context of the
// process.
package cmdstart

import "context"

// Start is given to one start of a process.
type Start struct {
	// Meanwhile is called once the process has been made, while it sets itself
	// up: for what the command has to do anyway. It may be nil.
	Meanwhile func()

	// Interrupt, where it is not 0, is an fd that becomes readable when the
	// context may be about to end. Interrupted is called then, and before a hook
	// runs, at most once: a command that needs a goroutine to wait for that fd
	// starts it no sooner.
	Interrupt   int
	Interrupted func()
}

type key struct{}

// With gives a context that carries s.
func With(ctx context.Context, s *Start) context.Context {
	return context.WithValue(ctx, key{}, s)
}

// Of gives what With has put into a context; nil for nothing.
func Of(ctx context.Context) *Start {
	s, _ := ctx.Value(key{}).(*Start)
	return s
}
