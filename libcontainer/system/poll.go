package system

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// PollUntil waits until one of the fds is ready, as poll(2) does, or until the
// deadline, also when signals come in between. It tells whether one is ready.
func PollUntil(fds []unix.PollFd, deadline time.Time) (ready bool, err error) {
	var n int
	err = Retry(func() (err error) {
		left := unix.NsecToTimespec(max(0, time.Until(deadline)).Nanoseconds())
		n, err = unix.Ppoll(fds, &left, nil)
		return err
	})
	return n > 0, os.NewSyscallError("ppoll", err)
}

// IsNullDevice tells whether a file is the null device, which is character
// device 1:3 on every architecture.
func IsNullDevice(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFCHR && uint64(st.Rdev) == unix.Mkdev(1, 3)
}
