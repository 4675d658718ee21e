package seccomp

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
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
		// So that this thread does not wait for the other's right to run.
		runtime.GOMAXPROCS(2)
	}
	word := new(uint32)
	*word = 1
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		// Not by the Go runtime: the dead thread may have taken along what that
		// needs, for instance a lock.
		var b program.Builder
		address := program.Num(uintptr(unsafe.Pointer(word)))
		b.Keep(word)
		// Not FUTEX_PRIVATE_FLAG, which the kernel does not use here.
		const futexWait = 0
		wait, ended := b.Here(), b.Label()
		b.Call("futex", unix.SYS_FUTEX, address, program.Num(futexWait), program.Num(1), program.Num(0)).Ignore(program.Any)
		b.Test(address, ^uint32(0), 1, ended)
		b.Jump(wait)
		b.Place(ended)
		b.Call("exit_group", unix.SYS_EXIT_GROUP, program.Num(killedStatus))
		close(ready)
		_ = b.Run(&program.Runner{Sock: -1})
	}()
	<-ready
	_, _, _ = unix.RawSyscall(unix.SYS_SET_TID_ADDRESS, uintptr(unsafe.Pointer(word)), 0, 0)
}
