package runner

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"runc/libcontainer"
)

// extraFiles are those of socket activation, then those of --preserve-fds.
func (r *Runner) extraFiles(p *libcontainer.Process) ([]*os.File, error) {
	var files []*os.File
	listen := 0
	if r.Init {
		listen = listenFDs()
		if listen > 0 {
			// The process is pid 1 of its container. With a shared PID
			// namespace its pid there is not known beforehand.
			p.Env = append(p.Env, "LISTEN_FDS="+strconv.Itoa(listen), "LISTEN_PID=1")
		}
	}
	const base = 3
	for fd := base; fd < base+listen; fd++ {
		if err := inherited(fd); err != nil {
			return nil, fmt.Errorf("LISTEN_FDS=%d: %w", listen, err)
		}
		files = append(files, os.NewFile(uintptr(fd), "listen-fd"))
	}
	preserved, err := preservedFDs(base+listen, r.PreserveFDs)
	if err != nil {
		return nil, fmt.Errorf("--preserve-fds: %w", err)
	}
	return append(files, preserved...), nil
}

// preservedFDs gives the n files from fd first on. One that the caller has
// closed is nil, and stays closed in the container; those behind it keep their
// numbers.
func preservedFDs(first, n int) ([]*os.File, error) {
	if n <= 0 {
		return nil, nil
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd < first || fd-first >= n || inherited(fd) != nil {
			continue
		}
		for len(files) <= fd-first {
			files = append(files, nil)
		}
		files[fd-first] = os.NewFile(uintptr(fd), "preserved-fd")
	}
	return files, nil
}

// inherited checks that the caller passed this fd. Where the caller passed none,
// this process may have opened a file of its own by now, for the log or for the
// Go runtime's poller. Those have close-on-exec set; a passed one cannot, or
// it would have been closed.
func inherited(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err == nil && flags&unix.FD_CLOEXEC != 0 {
		err = unix.EBADF
	}
	if err != nil {
		// In the words that callers know.
		return &os.PathError{Op: "stat", Path: "/proc/self/fd/" + strconv.Itoa(fd), Err: unix.ENOENT}
	}
	return nil
}

// listenFDs gives the number of sockets that the service manager passed
// (sd_listen_fds(3)).
func listenFDs() int {
	if pid := os.Getenv("LISTEN_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
