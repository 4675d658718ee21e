package inside

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// How the seccomp notify fd comes out of init.
//
// From the moment that the filter is loaded, every system call of init's thread
// that the rules want notified blocks until the agent answers, and the agent
// knows nothing before it has the fd. So init must not need any of them to hand
// it over: it writes the fd's number with write(2), which can have no notify rule
// (validation sees to it), and the runtime takes the fd out of init by
// pidfd_getfd(2) (Linux 5.6).
//
// Nor may init keep its copy: as long as there is one, calls wait for an agent
// that has closed its own. But close(2) may have a rule itself. A thread without
// the filter, which shares the table of files, does that.

// closeListener has a thread without the filter close init's copy of the
// listener, whose number is in the word, as soon as the runtime says that it has
// its own. The fd done can be read, to its end, when that is through.
func (i *initProcess) closeListener(listener *program.Slot) (done int, err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return -1, os.NewSyscallError("pipe2", err)
	}
	if runtime.GOMAXPROCS(0) < 2 {
		// So that this thread does not wait for the other's right to run.
		runtime.GOMAXPROCS(2)
	}
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		close(ready)
		if err := i.await(); err != nil {
			os.Exit(1)
		}
		unix.Close(int(listener.Int()))
		unix.Close(pipe[1])
	}()
	<-ready
	return pipe[0], nil
}
