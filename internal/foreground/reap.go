package foreground

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reap collects the children that have ended, except the process, which is left
// to [libcontainer.Process.Wait]. It tells whether the process has ended.
func reap(pid int, pidfd *os.File) (ended bool) {
	for {
		child, err := endedChild()
		switch {
		case err == unix.ECHILD:
			return true
		case err != nil:
			// A seccomp filter around the runtime denies waitid(2). The
			// process's own end can be seen all the same.
			return readable(pidfd)
		case child == 0:
			return ended
		case child == pid:
			// waitid(2) names pid each time until pid is collected. Other
			// children that have ended are init's once this process ends.
			return true
		}
		if _, err := unix.Wait4(child, nil, unix.WNOHANG, nil); err != nil {
			return ended
		}
	}
}

// readable tells whether a pidfd's process has ended.
func readable(pidfd *os.File) bool {
	p := []unix.PollFd{{Fd: int32(pidfd.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return err == nil && n > 0
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
