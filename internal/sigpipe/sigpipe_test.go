package sigpipe

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func open(t *testing.T) *Pipe {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func next(t *testing.T, p *Pipe) unix.Signal {
	t.Helper()
	if err := p.reader().SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	s, err := p.Next()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func send(t *testing.T, s unix.Signal) {
	t.Helper()
	if err := unix.Kill(os.Getpid(), s); err != nil {
		t.Fatal(err)
	}
}

func TestEverySignalArrives(t *testing.T) {
	p := open(t)
	all := All()
	if len(all) != 64-5 {
		t.Errorf("%d signals, want all but KILL, STOP, URG, 32, 33", len(all))
	}
	if err := p.Catch(all...); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s == unix.SIGPROF {
			continue // the test's own profile may use it
		}
		send(t, s)
		if got := next(t, p); got != s {
			t.Fatalf("sent %d, got %d", s, got)
		}
	}
}

// The Go runtime's own faults stay panics.
func TestOwnFaultStillPanics(t *testing.T) {
	p := open(t)
	if err := p.Catch(unix.SIGSEGV, unix.SIGFPE, unix.SIGBUS); err != nil {
		t.Fatal(err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	fault := func(f func()) (r any) {
		defer func() { r = recover() }()
		f()
		return nil
	}
	var null *int
	if fault(func() { *null = 1 }) == nil {
		t.Error("no panic of a nil pointer")
	}
	zero := len(os.Getenv("THIS_IS_UNSET"))
	if fault(func() { _ = 1 / zero }) == nil {
		t.Error("no panic of a division by zero")
	}
}

func TestIgnoredIsCaught(t *testing.T) {
	signal.Ignore(unix.SIGUSR1)
	defer signal.Reset(unix.SIGUSR1)
	p := open(t)
	if err := p.Catch(unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	send(t, unix.SIGUSR1)
	if got := next(t, p); got != unix.SIGUSR1 {
		t.Errorf("got %v", got)
	}
}

func TestCloseGivesBack(t *testing.T) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, unix.SIGUSR1)
	defer signal.Stop(ch)
	p := open(t)
	if err := p.Catch(unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { _, err := p.Next(); done <- err }()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	}
	send(t, unix.SIGUSR1)
	select {
	case <-ch:
	case <-time.After(10 * time.Second):
		t.Error("the signal is not os/signal's again")
	}
	again := open(t)
	if err := again.Catch(unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
}

// What is executed has the default again, not a handler of ours.
func TestChildHasDefaults(t *testing.T) {
	p := open(t)
	if err := p.Catch(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := exec.Command("sh", "-c", "kill -TERM $$").Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGTERM {
		t.Errorf("child: %v", err)
	}
}

// A flood while all threads are busy in Go and in the kernel.
func TestFlood(t *testing.T) {
	p := open(t)
	rt := []unix.Signal{40, 41, 42, 43}
	if err := p.Catch(rt...); err != nil {
		t.Fatal(err)
	}
	const each = 2000
	go func() {
		for range each {
			for _, s := range rt {
				_ = unix.Kill(os.Getpid(), s)
				_ = make([]byte, 1<<12)
			}
		}
	}()
	var counts [4]int
	for range each * len(rt) {
		counts[slices.Index(rt, next(t, p))]++
	}
	if counts != [4]int{each, each, each, each} {
		t.Errorf("real-time signals are queued, none is lost: %v", counts)
	}
}
