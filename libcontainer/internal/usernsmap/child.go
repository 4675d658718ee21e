package usernsmap

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The child is a copy of this process with one thread. It never executes a
// program, for two reasons. Until an execve its memory belongs to the caller's
// user namespace, so that the namespace's owner, who has CAP_SYS_PTRACE in the
// namespace alone, may not look into a child that is not dumpable
// (__ptrace_may_access in the kernel). And no program has to be found: a PATH
// may lead anywhere, and a small host may not have the program.
//
// While a process ends, there is a moment in which it has no memory any more but
// still has its files, and old kernels then forget that it was not dumpable. The
// child therefore closes every file but the namespace before it enters.
//
// The child's end sends no signal: a program that collects any child of its own
// (wait4(2) with -1) does not meet this one.

// enter makes a child that enters the user namespace and ends with the errno of
// that, 0 for success, as its exit status.
func enter(ns *os.File) (pid, pidfd int, err error) {
	var limit unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	fd := int32(-1)
	// No other fork may begin while this process's files are being copied, and
	// the mask of signals is that of a thread.
	syscall.ForkLock.Lock()
	runtime.LockOSThread()
	n, errno := fork(ns.Fd(), uintptr(limit.Cur), &fd)
	runtime.UnlockOSThread()
	syscall.ForkLock.Unlock()
	runtime.KeepAlive(ns)
	if errno != 0 {
		return 0, -1, os.NewSyscallError("clone", errno)
	}
	return int(n), int(fd), nil
}

// fork clones and, in the child, enters the namespace and ends.
//
// In the child no part of Go's runtime works: no allocation, no growth of the
// stack, no lock, nothing but raw system calls. All signals are blocked from
// before the clone, so that no handler of Go's runs there.
//
//go:noinline
//go:norace
//go:nosplit
func fork(ns, files uintptr, pidfd *int32) (pid uintptr, errno syscall.Errno) {
	var all, before [8]byte // sigset_t as the kernel has it
	for i := range all {
		all[i] = 0xff
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&before)), unsafe.Sizeof(all), 0, 0)
	// CLONE_PIDFD is of Linux 5.2.
	flags, stack := uintptr(unix.CLONE_PIDFD), uintptr(0)
	if runtime.GOARCH == "s390x" {
		flags, stack = stack, flags // clone(2), "C library/kernel differences"
	}
	pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, flags, stack, uintptr(unsafe.Pointer(pidfd)), 0, 0, 0)
	if errno != 0 || pid != 0 {
		syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&before)), 0, unsafe.Sizeof(before), 0, 0)
		return pid, errno
	}
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0, 0, 0, 0)
	if ns != 0 {
		_, _, errno = syscall.RawSyscall(unix.SYS_DUP3, ns, 0, 0)
	}
	if errno == 0 {
		_, _, e := syscall.RawSyscall(unix.SYS_CLOSE_RANGE, 1, uintptr(^uint32(0)), 0)
		if e != 0 {
			// An older seccomp profile may not know close_range(2), of Linux 5.9.
			for fd := uintptr(1); fd < files; fd++ {
				syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
			}
		}
		_, _, errno = syscall.RawSyscall(unix.SYS_SETNS, 0, unix.CLONE_NEWUSER, 0)
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
	}
}
