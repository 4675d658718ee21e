// Package fdlimit makes running out of file descriptors an ordinary error.
//
// The Go runtime's network poller, which os.Open and os.Pipe start, makes an
// epoll and an eventfd file when it is first needed, and ends the whole program
// with a stack trace when it cannot. Started early, while there are descriptors
// for it, it never does.
package fdlimit

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// plenty is a limit with which the poller always finds descriptors: nothing
// opens so many files before it has started the poller.
const plenty = 256

// pollerFiles are the two of the poller, and the two of the pipe that starts it.
const pollerFiles = 4

// Prepare starts the poller where RLIMIT_NOFILE is small. Its error says that
// there are too few descriptors even for that.
func Prepare() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= plenty {
		return nil
	}
	if err := available(pollerFiles); err != nil {
		return fmt.Errorf("only %d file descriptors are allowed (ulimit -n), which is too few: %w", limit.Cur, err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	return errors.Join(r.Close(), w.Close())
}

// available tells whether n more files can be opened.
func available(n int) error {
	for range n {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			return os.NewSyscallError("eventfd", err)
		}
		defer unix.Close(fd)
	}
	return nil
}
