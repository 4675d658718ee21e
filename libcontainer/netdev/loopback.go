package netdev

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// LoUp brings the loopback device of the caller's network namespace up, which
// is down in a new one. The kernel adds 127.0.0.1 and ::1 itself.
func LoUp() error {
	// Device ioctls are answered by a socket of any family (netdevice(7)), and
	// AF_UNIX is the one that every kernel has.
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring up lo: %w", os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	// A new lo has no other flag that this ioctl could clear.
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("bring up lo: %w", os.NewSyscallError("ioctl SIOCSIFFLAGS", err))
	}
	return nil
}
