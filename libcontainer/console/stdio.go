package console

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ChownStdio gives the calling process's standard input, output and error to
// a user (of the caller's user namespace), who must be able to open them again
// through /proc/self/fd. Groups stay.
//
// It leaves alone a file that is the user's already, and the null device,
// which everybody shares. A file whose owner the user namespace does not know,
// or on a read-only file system, stays as it is.
func ChownStdio(uid int) error {
	for fd := range 3 {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			if errors.Is(err, unix.EBADF) {
				continue // closed by the caller
			}
			return fmt.Errorf("stat fd %d: %w", fd, err)
		}
		isNull := st.Mode&unix.S_IFMT == unix.S_IFCHR && uint64(st.Rdev) == unix.Mkdev(1, 3)
		if int64(st.Uid) == int64(uid) || isNull {
			continue
		}
		err := unix.Fchown(fd, uid, -1)
		switch {
		case err == nil, errors.Is(err, unix.EPERM), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EROFS):
		default:
			return fmt.Errorf("give fd %d to user %d: %w", fd, uid, os.NewSyscallError("fchown", err))
		}
	}
	return nil
}
