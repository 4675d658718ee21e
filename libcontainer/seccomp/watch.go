package seccomp

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// killedStatus is what a shell says of a process that a filter has killed.
const killedStatus = 128 + int(unix.SIGSYS)

// watch ends the whole process when the calling thread is killed alone.
//
// SCMP_ACT_KILL kills a thread, and a process that has others lives on without
// it: the Go runtime's would keep a container's init for ever whose one thread
// that matters is gone. The kernel tells of a thread's end by a word in memory
// (set_tid_address(2)), as it tells pthread_join(3). execve, too, ends the other
// threads, but before it comes to that.
func watch() {
	if runtime.GOMAXPROCS(0) < 2 {
		// The dead thread takes along the right to run Go code that it had.
		runtime.GOMAXPROCS(2)
	}
	word := new(uint32)
	*word = 1
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(ready)
		// Raw calls: the dead thread may have taken along all rights to run Go
		// code, for instance where futex(2) killed it while it handed one on.
		for atomic.LoadUint32(word) == 1 {
			// Not FUTEX_PRIVATE_FLAG, which the kernel does not use here.
			const futexWait = 0
			_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, 1, 0, 0, 0)
		}
		for {
			_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(killedStatus), 0, 0)
		}
	}()
	<-ready
	_, _, _ = unix.RawSyscall(unix.SYS_SET_TID_ADDRESS, uintptr(unsafe.Pointer(word)), 0, 0)
}
