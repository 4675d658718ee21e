package libcontainer

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/seccomp"
)

// How the seccomp notify fd comes out of init.
//
// From the moment the filter is loaded, every syscall of init's thread that the
// rules want notified blocks until the agent answers, and the agent knows
// nothing before it has the fd. So init must not need any of them to hand it
// over: it writes the fd's number with write(2), which can have no notify rule
// (validation sees to it), and the runtime takes the fd out of init by
// pidfd_getfd(2) (Linux 5.6).
//
// Nor may init keep its copy: as long as there is one, calls wait for an agent
// that has closed its own. But close(2) may have a rule itself. A thread without
// the filter, which shares the table of files, does that.

// closeListener has a thread without the filter close init's copy of the
// listener, whose number is in the word, as soon as the runtime says that it has
// its own; unless something in between fails. Who waits for that reads from the
// fd until it ends.
func (i *initProcess) closeListener(listener *uint32) (done int, err error) {
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
		runtime.LockOSThread() // never unlocked: the thread goes with the goroutine
		close(ready)
		if err := i.await(); err != nil {
			os.Exit(1)
		}
		unix.Close(int(atomic.LoadUint32(listener)))
		unix.Close(pipe[1])
	}()
	<-ready
	return pipe[0], nil
}

// passListener takes the fd out of init and gives it to the agent.
func (l *launch) passListener(payload []byte) error {
	if len(payload) != 4 {
		return fmt.Errorf("unexpected seccomp listener message from init")
	}
	n := int(binary.NativeEndian.Uint32(payload))
	fd, err := unix.PidfdGetfd(int(l.run.pidfd.Fd()), n, 0)
	if err != nil {
		return fmt.Errorf("unable to get the seccomp listener from init: %w", os.NewSyscallError("pidfd_getfd", err))
	}
	defer unix.Close(fd)
	config := l.c.config.Seccomp
	state, err := l.c.ociState(specs.StateCreating)
	if err != nil {
		return err
	}
	if !l.p.Init {
		state.Status = specs.StateRunning
	}
	return seccomp.SendListener(config.ListenerPath, &specs.ContainerProcessState{
		Version:  specs.Version,
		Fds:      []string{specs.SeccompFdName},
		Pid:      l.run.pid,
		Metadata: config.ListenerMetadata,
		State:    *state,
	}, fd)
}
