package system

import (
	"os"

	"golang.org/x/sys/unix"
)

// ReadFile is os.ReadFile without the Go runtime's poller. With the poller a file
// of procfs or of a cgroup takes seven system calls, and the first one more for
// the poller itself. No read of such a file has to wait.
func ReadFile(path string) ([]byte, error) {
	fail := func(op string, err error) ([]byte, error) {
		return nil, &os.PathError{Op: op, Path: path, Err: err}
	}
	var fd int
	if err := Retry(func() (err error) { fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0); return err }); err != nil {
		return fail("open", err)
	}
	defer unix.Close(fd)
	size := 512
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Size >= int64(size) && st.Size < 1<<30 {
		// One byte more leaves room for the read that finds the end.
		size = int(st.Size) + 1
	}
	b := make([]byte, 0, size)
	for {
		var n int
		if err := Retry(func() (err error) { n, err = unix.Read(fd, b[len(b):cap(b)]); return err }); err != nil {
			return fail("read", err)
		}
		if n == 0 {
			return b, nil
		}
		if b = b[:len(b)+n]; len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}
