package nsenter

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// The process in the container must not have any file of the runtime's caller,
// such as a folder of the host that a shell has left open without close-on-exec
// (CVE-2024-21626). The carrier closes them all by close_range(2), Linux 5.9,
// before it enters anything. Where that is refused, the carrier fails, and a
// second one closes the fds that the runtime lists for it.

var errCloseRange = errors.New("close_range")

// closeOthers closes all fds but those of the plan.
func (b *enter) closeOthers() {
	if b.p.others == nil {
		b.Call("close_range", unix.SYS_CLOSE_RANGE, num(b.n.carrier+1), num(^uint32(0)>>1), num(0)).
			Explain(func(errno syscall.Errno) error {
				if errno == unix.ENOSYS || errno == unix.EPERM {
					return fmt.Errorf("%w: %w", errCloseRange, errno)
				}
				return fmt.Errorf("close_range: %w", errno)
			})
		return
	}
	for _, fd := range b.p.others {
		b.Call("close", unix.SYS_CLOSE, num(fd)).Ignore(unix.EBADF)
	}
}

// closeOwn closes the fds that only the carrier needs.
func (b *enter) closeOwn() {
	for _, fd := range append(b.n.joins, b.n.carrier) {
		b.Call("close", unix.SYS_CLOSE, num(fd)).Ignore(unix.EBADF)
	}
}

// inheritable lists the fds of this process that a program which it executes
// gets, and that are not the plan's.
func (p *Plan) inheritable() ([]int, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	above := p.numbers().carrier
	list := []int{above} // never empty: see closeOthers
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || fd <= above {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			list = append(list, fd)
		}
	}
	return list, nil
}
