package libcontainer

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

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

// loadSeccomp puts the filter on this thread, the one that will exec.
func (i *initProcess) loadSeccomp() error {
	if i.Seccomp == nil {
		return nil
	}
	if i.Seccomp.Notify {
		return i.loadNotify()
	}
	i.sock.plain = true
	if _, err := i.Seccomp.Load(); err != nil {
		return fmt.Errorf("unable to init seccomp: %w", err)
	}
	i.filtered = true
	return nil
}

// loadNotify does so and hands the listener out. When it returns, the runtime
// has it, and init has no more; unless read(2) is denied, when it is exec that
// closes it.
func (i *initProcess) loadNotify() error {
	// Now, for the helper is not to read it.
	if !i.Setns {
		if err := i.awaitSaved(); err != nil {
			return err
		}
	}
	i.sock.plain = true
	var done [2]int
	if err := unix.Pipe2(done[:], unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	if runtime.GOMAXPROCS(0) < 2 {
		// This thread keeps its right to run Go code while it waits: to get one
		// again could take a futex(2).
		runtime.GOMAXPROCS(2)
	}
	var listener atomic.Int32
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread() // never unlocked: the thread goes with the goroutine
		close(ready)
		if err := i.await(); err != nil {
			os.Exit(1)
		}
		unix.Close(int(listener.Load()))
		unix.Close(done[1])
	}()
	<-ready
	// All that is used under the filter is there before it. initEnv sees to it
	// that no signal of the Go runtime's comes.
	msg := make([]byte, 5)
	msg[0] = byte(msgListener)
	sock, pipe := uintptr(i.sock.fd), uintptr(done[0])
	fd, err := i.Seccomp.Load()
	if err != nil {
		return fmt.Errorf("unable to init seccomp: %w", err)
	}
	i.filtered = true
	listener.Store(int32(fd))
	binary.LittleEndian.PutUint32(msg[1:], uint32(fd))
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_WRITE, sock, uintptr(unsafe.Pointer(&msg[0])), uintptr(len(msg)))
		if errno == 0 {
			break
		}
		if errno != unix.EINTR {
			return fmt.Errorf("unable to hand out the seccomp listener: %w", os.NewSyscallError("write", errno))
		}
	}
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_READ, pipe, uintptr(unsafe.Pointer(&msg[0])), 1)
		if errno != unix.EINTR {
			return nil
		}
	}
}

// passListener takes the fd out of init and gives it to the agent.
func (l *launch) passListener(payload []byte) error {
	if len(payload) != 4 {
		return fmt.Errorf("unexpected seccomp listener message from init")
	}
	n := int(binary.LittleEndian.Uint32(payload))
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
