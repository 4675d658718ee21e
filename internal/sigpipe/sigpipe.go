// Package sigpipe catches signals the way shells do: a handler writes the
// signal's number into a pipe. os/signal does the same through a thread of its
// own and four thread switches for each signal that it is told to catch or to
// let go, half a millisecond for those that a foreground `run` forwards, which
// is more than all that the kernel does for a small container's namespaces.
//
// Where there is no handler in assembly for the machine, os/signal it is.
package sigpipe

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// All are the signals that a process can catch and that are not the Go
// runtime's: SIGURG is its own prodding of threads, 32 and 33 the C library's.
func All() []unix.Signal {
	var list []unix.Signal
	for s := unix.Signal(1); s <= 64; s++ {
		switch s {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGURG, 32, 33:
		default:
			list = append(list, s)
		}
	}
	return list
}

// Pipe gives the signals caught, in the order in which they came.
type Pipe struct {
	r, w *os.File
	mu   sync.Mutex
	// What was in place before, for Close.
	back []func()
}

// New gives a Pipe that catches nothing yet. There can be one at a time.
func New() (*Pipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &Pipe{r: r, w: w}
	if err := p.open(); err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	return p, nil
}

// Catch catches signals from now on, those too that were ignored.
func (p *Pipe) Catch(signals ...unix.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range signals {
		if err := p.catch(s); err != nil {
			return err
		}
	}
	return nil
}

// Next waits for a signal. [os.ErrClosed] after Close.
func (p *Pipe) Next() (unix.Signal, error) {
	var b [1]byte
	if _, err := p.r.Read(b[:]); err != nil {
		return 0, err
	}
	return unix.Signal(b[0]), nil
}

// Close has every signal do again what it did before, and ends Next.
func (p *Pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.back {
		f()
	}
	p.back = nil
	p.shut()
	err := p.r.Close()
	if e := p.w.Close(); err == nil {
		err = e
	}
	return err
}
