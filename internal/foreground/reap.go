package foreground

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// reap collects the children that have ended, except the process, which is left
// to [libcontainer.Process.Wait]. It tells whether the process has ended.
func reap(pid int, pidfd *os.File) (ended bool, err error) {
	for {
		child, err := endedChild()
		switch {
		case err == unix.ECHILD:
			return true, nil
		case err != nil:
			// A seccomp filter around the runtime denies waitid(2). The
			// process's own end can be seen all the same.
			return readable(pidfd)
		case child == 0:
			return false, nil
		case child == pid:
			// waitid(2) names pid each time until pid is collected. Other
			// children that have ended are init's once this process ends.
			return true, nil
		}
		if _, err := unix.Wait4(child, nil, unix.WNOHANG, nil); err != nil {
			return readable(pidfd)
		}
	}
}

// readable tells whether a pidfd's process has ended.
func readable(pidfd *os.File) (bool, error) {
	p := []unix.PollFd{{Fd: int32(pidfd.Fd()), Events: unix.POLLIN}}
	err := system.Retry(func() error { _, err := unix.Ppoll(p, new(unix.Timespec), nil); return err })
	if err != nil {
		return false, os.NewSyscallError("ppoll", err)
	}
	return p[0].Revents != 0, nil
}

// endedChild gives the pid of a child that has ended, 0 when none has.
func endedChild() (int, error) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		return siginfoPid(&info), nil
	}
}

// siginfoPid gives si_pid, for which x/sys has no name. It is the first field of
// a union that follows three ints and is aligned as a pointer is.
func siginfoPid(info *unix.Siginfo) int {
	const head, word = 12, unsafe.Sizeof(uintptr(0))
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), (head+word-1)&^(word-1))))
}
