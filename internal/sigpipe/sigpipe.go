// Package sigpipe catches signals as shells do: a handler writes the signal's
// number into a pipe. os/signal needs another thread, and four thread switches
// for each signal that it begins or stops to catch. For the signals that a
// foreground `run` forwards that is half a millisecond, more than the kernel takes
// for the namespaces of a small container.
//
// On machines for which there is no handler in assembly, it uses os/signal.
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
	// Neither end blocks: a handler must not wait for room.
	r, w int
	mu   sync.Mutex
	// What was in place before, for Close.
	back []func()

	// file is r for Next, which waits; who only asks needs none, and the Go
	// runtime none of what it waits with.
	once sync.Once
	file *os.File
}

// New gives a Pipe that catches nothing yet. There can be one at a time.
func New() (*Pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	p := &Pipe{r: fds[0], w: fds[1]}
	if err := p.open(); err != nil {
		unix.Close(p.r)
		unix.Close(p.w)
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

// Fd is readable when there is a signal to be had. It stays the Pipe's own.
func (p *Pipe) Fd() int { return p.r }

// TryNext gives a signal if there is one.
func (p *Pipe) TryNext() (s unix.Signal, ok bool) {
	var b [1]byte
	for {
		n, err := unix.Read(p.r, b[:])
		if err != unix.EINTR {
			return unix.Signal(b[0]), err == nil && n == 1
		}
	}
}

// Next waits for a signal. [os.ErrClosed] after Close.
func (p *Pipe) Next() (unix.Signal, error) {
	var b [1]byte
	if _, err := p.reader().Read(b[:]); err != nil {
		return 0, err
	}
	return unix.Signal(b[0]), nil
}

func (p *Pipe) reader() *os.File {
	p.once.Do(func() { p.file = os.NewFile(uintptr(p.r), "signals") })
	return p.file
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
	err := p.reader().Close()
	if e := unix.Close(p.w); err == nil {
		err = e
	}
	return err
}
