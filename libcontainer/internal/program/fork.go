package program

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the standard library's fork uses around its clone(2): the first blocks
// all signals, the second undoes that.
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

// cloneArgs is struct clone_args of linux/sched.h, its first version.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
}

type forked struct {
	clone   cloneArgs
	sigmask [sigsetSize]byte
	report  Message
	sock    uintptr
	runner  Runner
}

// Fork makes a child of this process's parent that carries the program out. It
// is for architectures without a stub: the child has a copy of this process's
// memory, so this process must not be the runtime itself. A failed step is
// reported on the socket, as the stub does it.
func (b *Builder) Fork(sock int) (pid int, err error) {
	size, _ := b.size()
	arena := make([]uint64, size/8)
	start := unsafe.Pointer(&arena[0])
	if err := b.encode(unsafe.Slice((*byte)(start), size), uint64(uintptr(start)), 0); err != nil {
		return 0, err
	}
	f := &forked{sock: uintptr(sock)}
	// Linux 5.5: no handler of this process is the child's.
	f.clone.flags = unix.CLONE_PARENT | unix.CLONE_CLEAR_SIGHAND
	syscall.ForkLock.Lock()
	n, errno := fork(f, start)
	syscall.ForkLock.Unlock()
	b.Keep(arena)
	b.keepAlive()
	if errno != 0 {
		return 0, fmt.Errorf("clone3: %w", errno)
	}
	return int(n), nil
}

// fork clones and, in the child, runs the table.
//
// The child has one thread, which the Go runtime does not know, so nothing may
// run in it that needs the Go runtime: no allocation, no growth of the stack
// (go:nosplit all the way down), no write barriers (only integers are stored),
// no race detector, no locks, no calls but raw system calls.
//
//go:noinline
//go:norace
//go:nosplit
func fork(f *forked, base unsafe.Pointer) (uintptr, syscall.Errno) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, 0, uintptr(unsafe.Pointer(&f.sigmask)), sigsetSize, 0, 0)
	beforeFork()
	pid, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&f.clone)), unsafe.Sizeof(f.clone), 0)
	if errno != 0 || pid != 0 {
		afterFork()
		return pid, errno
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&f.sigmask)), 0, sigsetSize, 0, 0)
	at, errno := f.runner.loop(base, 0)
	if errno != 0 {
		f.report.Value = uint32(errno)
		f.report.Addr = stubFirst + uint64(at)
		syscall.RawSyscall(unix.SYS_WRITE, f.sock, uintptr(unsafe.Pointer(&f.report)), MessageSize)
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, ExitFailed, 0, 0)
	}
}
