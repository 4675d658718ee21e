package nsenter

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A process that joins a PID namespace is seen there from its clone on. What it
// is made of until it executes something is the runtime: its memory, its binary
// behind /proc/PID/exe. Being non-dumpable keeps all that from everybody but
// who has CAP_SYS_PTRACE over the runtime's own user namespace, as a container
// without one of its own may have (CVE-2016-9962, CVE-2019-5736 once more). For
// such containers a process outside executes the sealed binary first, and the
// one inside is born of that: nothing else of the host is in it.

// RelayEnv is the environment variable that tells the program to call [Relay],
// with its value.
const RelayEnv = "_RUNC_INIT_RELAY"

// relayFiles: the binary, the status pipe and the PID namespace come behind the
// child's own files.
const relayFiles = 3

func relayVar(files int, flags uintptr) string {
	return fmt.Sprintf("%s=%d:%d", RelayEnv, files, flags)
}

// Relay makes the process that this one was started for, as a child of its own
// parent, and ends. It returns only when value is none of ours.
func Relay(value string) error {
	var n int
	var flags uintptr
	if c, err := fmt.Sscanf(value, "%d:%d", &n, &flags); err != nil || c != 2 || n < 0 {
		return errors.New("not started as a relay")
	}
	exe, status, pidNS := n, n+1, n+2
	for _, fd := range []int{exe, status, pidNS} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			return os.NewSyscallError("fcntl(F_SETFD)", err)
		}
	}
	p := &Plan{New: flags, Exe: os.NewFile(uintptr(exe), "exe"), Argv: os.Args, asSibling: true}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, RelayEnv+"=") {
			p.Env = append(p.Env, kv)
		}
	}
	for fd := range n {
		var f *os.File
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			f = os.NewFile(uintptr(fd), "passed")
		}
		p.Files = append(p.Files, f)
	}
	tell := func(step int32, num int64) {
		r := report{step: step, num: num}
		_, _ = unix.Write(status, unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r)))
	}
	// Of this thread alone: its children are in there.
	runtime.LockOSThread()
	if err := unix.Setns(pidNS, unix.CLONE_NEWPID); err != nil {
		tell(stepJoin, int64(errnoOf(err)))
		os.Exit(253)
	}
	c, err := p.Start()
	if err != nil {
		tell(stepClone, int64(errnoOf(err)))
		os.Exit(253)
	}
	tell(stepPid, int64(c.Pid))
	if err := c.Executed(); err != nil {
		tell(stepExec, int64(errnoOf(err)))
	}
	os.Exit(0)
	return nil
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}
