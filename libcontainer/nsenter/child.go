package nsenter

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What os/exec's fork uses around its clone: the first blocks all signals, the
// second takes that back. Its third, for the child, looks at the goroutine, which
// by then may be somebody else's business where the memory is shared and the
// parent goes on; CLONE_CLEAR_SIGHAND and unblock do what that does.
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

// The steps that can fail, for the report to the parent. stepPid is none: its
// number is the pid of the second stage.
const (
	stepPid = iota
	stepJoin
	stepMaps
	stepRoot
	stepTime
	stepClone
	stepFiles
	stepExec
	stepPlaced // no failures either
	stepReady
	stepCall
)

// report is what the child writes to the status pipe.
type report struct {
	step  int32
	index int32 // of the join, or the file
	num   int64 // errno, or the pid
}

// cloneArgs is struct clone_args of linux/sched.h, version 2 (CLONE_ARGS_SIZE_VER2).
type cloneArgs struct {
	flags      uint64
	pidfd      uint64
	childTID   uint64
	parentTID  uint64
	exitSignal uint64
	stack      uint64
	stackSize  uint64
	tls        uint64
	setTID     uint64
	setTIDSize uint64
	cgroup     uint64
}

type joinArg struct{ fd, flag uintptr }

// script is all that the child needs, laid out before the clone. It holds no
// Go strings or files, only what system calls take.
type script struct {
	first, second cloneArgs
	stages        int

	joins      []joinArg
	waitMaps   bool
	becomeRoot bool
	newTime    bool
	offsetPath *byte
	offsets    []byte

	status uintptr // pipe to the parent: reports, closed by exec
	gate   uintptr // pipe from the parent: a byte when the maps are written
	gateUp uintptr // the parent's end of it, or none

	files    []int // the child's fd i; -1 is closed there
	reserved int   // fds below are the child's own files
	spare    int   // above all fds that matter
	exe      uintptr
	empty    *byte
	argv     []*byte
	envv     []*byte
	otherGID uintptr // a mapped gid that is not 0, or none
	report   report
	pid      report // of the second stage, by the first, or by itself
	tid      int32  // of the second stage in the caller's namespace, by the kernel
	direct   *directScript
	relay    bool // the first stage executes, and clones then
	pidNS    int  // for it to join, or -1
	buf      [1]byte
	sigmask  [sigsetSize]byte // of the calling thread, before beforeFork

	shared   bool      // the child shares our memory
	held     bool      // and we are not dumpable meanwhile
	stacks   []byte    // for both stages then
	defaults [8]uint64 // struct sigaction, all zero: SIG_DFL
}

const none = ^uintptr(0)

// sigsetSize is that of the kernel's sigset_t, where Go has no mips to mind.
const sigsetSize = 8

// fork clones and, in the child, plays the script. In the parent it gives the
// child's pid.
//
// Rules of the child, from the clone to the exec: it has a copy of the memory,
// or shares it, but has only this one thread, which is none of the Go
// runtime's, so nothing may run that needs that. No
// allocation, no growth of the stack (go:nosplit all the way down), no write
// barriers (only integers are stored), no race detector, no locks, no calls
// but raw system calls.
//
//go:noinline
//go:norace
//go:nosplit
func fork(s *script) (pid uintptr, errno syscall.Errno) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, 0, uintptr(unsafe.Pointer(&s.sigmask)), sigsetSize, 0, 0)
	beforeFork()
	if s.shared {
		// Nothing to copy: for a Go program that takes longer than all the
		// namespaces. The thread's own stack it cannot share.
		var e uintptr
		pid, e = cloneVM(&s.first, s, 1)
		afterFork()
		return pid, syscall.Errno(e)
	}
	pid, _, errno = syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&s.first)), unsafe.Sizeof(s.first), 0)
	if errno != 0 || pid != 0 {
		afterFork()
		return pid, errno
	}
	unblock(s)
	play(s)
	return 0, 0
}

// unblock gives the child the signal mask that its parent has. All handlers are
// gone by then, which are Go code.
//
//go:norace
//go:nosplit
func unblock(s *script) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&s.sigmask)), 0, sigsetSize, 0, 0)
}

// play never returns.
//
//go:norace
//go:nosplit
func play(s *script) {
	var errno syscall.Errno
	var n, clock uintptr
	if s.gateUp != none {
		// Our copy: with it, this process would never see that the parent died.
		syscall.RawSyscall(unix.SYS_CLOSE, s.gateUp, 0, 0)
	}
	if len(s.offsets) > 0 {
		// While /proc is the caller's and this process dumpable, which makes
		// the file ours. The kernel asks for the rights of who opened it.
		clock, _, errno = syscall.RawSyscall6(unix.SYS_OPENAT, at, uintptr(unsafe.Pointer(s.offsetPath)), unix.O_WRONLY|unix.O_CLOEXEC, 0, 0, 0)
		if errno != 0 {
			fail(s, stepTime, 1, errno)
		}
	}
	// Before entering anything: nobody in there may look into this process,
	// which is full of the runtime's memory. With a new user namespace only
	// once its maps are written, for which the parent must still own our
	// /proc/PID files.
	if !s.waitMaps {
		syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0, 0, 0, 0)
	}
	for i := 0; i < len(s.joins); i++ {
		_, _, errno = syscall.RawSyscall(unix.SYS_SETNS, s.joins[i].fd, s.joins[i].flag, 0)
		if errno != 0 {
			fail(s, stepJoin, i, errno)
		}
	}
	if s.waitMaps {
		for {
			n, _, errno = syscall.RawSyscall(unix.SYS_READ, s.gate, uintptr(unsafe.Pointer(&s.buf)), 1)
			if errno != syscall.EINTR {
				break
			}
		}
		if errno != 0 || n != 1 {
			fail(s, stepMaps, 0, errno)
		}
		syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0, 0, 0, 0)
	}
	if s.becomeRoot {
		// Denied where an unprivileged user mapped the groups, and then the
		// caller's groups stay, as the kernel wants it.
		syscall.RawSyscall(sysSetgroups, 0, 0, 0)
		if _, _, errno = syscall.RawSyscall(sysSetresgid, 0, 0, 0); errno != 0 {
			fail(s, stepRoot, 0, errno)
		}
		if _, _, errno = syscall.RawSyscall(sysSetresuid, 0, 0, 0); errno != 0 {
			fail(s, stepRoot, 1, errno)
		}
	}
	if s.newTime {
		if _, _, errno = syscall.RawSyscall(unix.SYS_UNSHARE, unix.CLONE_NEWTIME, 0, 0); errno != 0 {
			fail(s, stepTime, 0, errno)
		}
		if len(s.offsets) > 0 {
			_, _, errno = syscall.RawSyscall(unix.SYS_WRITE, clock, uintptr(unsafe.Pointer(&s.offsets[0])), uintptr(len(s.offsets)))
			if errno != 0 {
				fail(s, stepTime, 2, errno)
			}
		}
	}
	if s.stages == 2 && !s.relay {
		// CLONE_PARENT: the grandchild is the runtime's child, which can so
		// wait for it.
		if s.shared {
			var e uintptr
			n, e = cloneVM(&s.second, s, 2)
			errno = syscall.Errno(e)
		} else {
			n, _, errno = syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&s.second)), unsafe.Sizeof(s.second), 0)
		}
		if errno != 0 {
			fail(s, stepClone, 0, errno)
		}
		if n != 0 {
			if s.shared {
				// It has told its pid itself: here it is known only once
				// the other has executed something, or is gone.
				for {
					syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
				}
			}
			s.pid.step, s.pid.num = stepPid, int64(n)
			syscall.RawSyscall(unix.SYS_WRITE, s.status, uintptr(unsafe.Pointer(&s.pid)), unsafe.Sizeof(s.pid))
			for {
				syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
			}
		}
	}
	finish(s)
}

// finish is the last stage, up to the exec.
//
//go:norace
//go:nosplit
func finish(s *script) {
	var errno syscall.Errno
	// Ignored signals stay ignored across exec, and what a shell's background
	// job or nohup(1) ignores must not become the container's business. The Go
	// runtime of what is executed leaves just these two as it finds them.
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGHUP), uintptr(unsafe.Pointer(&s.defaults)), 0, sigsetSize, 0, 0)
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGINT), uintptr(unsafe.Pointer(&s.defaults)), 0, sigsetSize, 0, 0)
	layFiles(s)
	if s.direct != nil {
		awaitStub(s)
	}
	// The kernel makes a new image dumpable unless its real and effective ids
	// differ (begin_new_exec in fs/exec.c; fs.suid_dumpable is 0 or 2): so let
	// the real gid differ, and nobody can look in before init forbids it
	// itself. Init sets all three gids later.
	if s.otherGID != none {
		syscall.RawSyscall(sysSetresgid, s.otherGID, none, none)
	}
	_, _, errno = syscall.RawSyscall6(unix.SYS_EXECVEAT, s.exe, uintptr(unsafe.Pointer(s.empty)),
		uintptr(unsafe.Pointer(&s.argv[0])), uintptr(unsafe.Pointer(&s.envv[0])), unix.AT_EMPTY_PATH, 0)
	fail(s, stepExec, 0, errno)
}

// layFiles puts the files where the plan has them. First all out of the way,
// then each into its place, so that none is overwritten before it was copied.
//
//go:norace
//go:nosplit
func layFiles(s *script) {
	var errno syscall.Errno
	var n uintptr
	for i := 0; i < len(s.files); i++ {
		if s.files[i] < 0 || s.files[i] == i {
			continue
		}
		n, _, errno = syscall.RawSyscall(fcntl, uintptr(s.files[i]), unix.F_DUPFD_CLOEXEC, uintptr(s.spare))
		if errno != 0 {
			fail(s, stepFiles, i, errno)
		}
		s.files[i] = int(n)
	}
	for i := 0; i < len(s.files); i++ {
		switch {
		case s.files[i] < 0:
			syscall.RawSyscall(unix.SYS_CLOSE, uintptr(i), 0, 0)
		case s.files[i] == i:
			// dup3 onto itself would not clear close-on-exec.
			if _, _, errno = syscall.RawSyscall(fcntl, uintptr(i), unix.F_SETFD, 0); errno != 0 {
				fail(s, stepFiles, i, errno)
			}
		default:
			if _, _, errno = syscall.RawSyscall(unix.SYS_DUP3, uintptr(s.files[i]), uintptr(i), 0); errno != 0 {
				fail(s, stepFiles, i, errno)
			}
		}
	}
}

//go:norace
//go:nosplit
func fail(s *script, step, index int, errno syscall.Errno) {
	s.report.step, s.report.index, s.report.num = int32(step), int32(index), int64(errno)
	syscall.RawSyscall(unix.SYS_WRITE, s.status, uintptr(unsafe.Pointer(&s.report)), unsafe.Sizeof(s.report))
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 253, 0, 0)
		// A seccomp filter may deny that, and even this.
		syscall.RawSyscall(unix.SYS_EXIT, 253, 0, 0)
		*(*byte)(nil) = 0
	}
}

// at is AT_FDCWD as a register holds it; a variable, since the constant does
// not fit the type.
var at = func() uintptr { n := unix.AT_FDCWD; return uintptr(n) }()
