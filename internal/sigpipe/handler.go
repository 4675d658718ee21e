//go:build amd64 || arm64

package sigpipe

import (
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// In handler_*.s: the addresses of what the kernel is to call.
var (
	handlerPC  uintptr // writes the number
	faultPC    uintptr // does so too, unless it was a fault of our own
	restorerPC uintptr // ends a handler; 0 where the vDSO has that
)

// What the handlers use, and they alone read.
var (
	pipeFD    uint64  //lint:ignore U1000 handler_*.s reads it
	goHandler uintptr //lint:ignore U1000 handler_*.s reads it
)

// action is the kernel's struct sigaction of these machines
// (asm-generic/signal.h and asm/signal.h): not that of the C library.
type action struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	saSigInfo  = 0x4
	saOnStack  = 0x08000000 // the Go runtime's threads have a stack for it
	saRestart  = 0x10000000
	saRestorer = 0x04000000
	sigIgn     = 1
)

var opened atomic.Bool

func (p *Pipe) open() error {
	if !opened.CompareAndSwap(false, true) {
		return errors.New("sigpipe: open already")
	}
	// When 65536 signals wait to be read, one more is dropped.
	pipeFD = uint64(p.w)
	return nil
}

func (p *Pipe) shut() { opened.Store(false) }

func (p *Pipe) catch(s unix.Signal) error {
	var old action
	if err := sigaction(s, nil, &old); err != nil {
		return err
	}
	if old.handler == handlerPC || old.handler == faultPC {
		return nil
	}
	a := action{handler: handlerPC, flags: saSigInfo | saOnStack | saRestart, mask: ^uint64(0)}
	switch s {
	case unix.SIGILL, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV:
		// The Go runtime makes panics of its own faults.
		a.handler, goHandler = faultPC, old.handler
		if old.handler <= sigIgn {
			return nil
		}
	}
	if restorerPC != 0 {
		a.flags, a.restorer = a.flags|saRestorer, restorerPC
	}
	if err := sigaction(s, &a, nil); err != nil {
		return err
	}
	p.back = append(p.back, func() { _ = sigaction(s, &old, nil) })
	return nil
}

func sigaction(s unix.Signal, set, old *action) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(action{}.mask), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("rt_sigaction", errno)
	}
	return nil
}
