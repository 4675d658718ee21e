package rootfs

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// insideThread is a thread of the runtime in another mount namespace.
type insideThread struct {
	calls chan func() error
	errs  chan error
}

// startInside starts a thread that has its own root and working directory
// (unshare(2), CLONE_FS: setns(2) wants it for a mount namespace) and that join
// takes into another mount namespace. An error of that is given by do.
func startInside(join func() error) *insideThread {
	t := &insideThread{make(chan func() error), make(chan error)}
	go t.run(join)
	return t
}

// do calls f on the thread.
func (t *insideThread) do(f func() error) error {
	t.calls <- f
	return <-t.errs
}

// end ends the thread.
func (t *insideThread) end() {
	if t != nil {
		close(t.calls)
	}
}

func (t *insideThread) run(join func() error) {
	// The thread is never unlocked, so it ends with this goroutine and runs
	// no other one in the wrong namespace.
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		// The first thread cannot end, and /proc/self shows its namespaces. It
		// waits here for another one to do the work.
		done := make(chan bool)
		go func() {
			t.run(join)
			close(done)
		}()
		<-done
		runtime.UnlockOSThread()
		return
	}
	err := os.NewSyscallError("unshare", unix.Unshare(unix.CLONE_FS))
	if err == nil {
		err = join()
	}
	if err != nil {
		err = fmt.Errorf("join the container's mount namespace: %w", err)
	}
	for f := range t.calls {
		if err != nil {
			t.errs <- err
			continue
		}
		t.errs <- f()
	}
}
