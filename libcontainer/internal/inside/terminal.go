package inside

import (
	"fmt"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// ptmx is major 5, minor 2 on every architecture.
const (
	ptmxMajor = 5
	ptmxMinor = 2
)

// Offsets in struct statx.
const (
	statxRdevMajor = 128
	statxRdevMinor = 132
)

// console makes the terminal from inside, by the container's own devpts, so
// that /dev/console and /dev/pts show it, and sends its master to the runtime.
//
// What is at /dev/pts/ptmx is the image's and, for exec, the container's
// processes' choice: it must be devpts' own ptmx. The slave is opened through
// the master (TIOCGPTPEER, Linux 4.13), never by path, so nothing can be put in
// between.
func (s *Setup) console() {
	if !s.HasConsole {
		return
	}
	if !s.Setns {
		// The device rules come with the limits; until then they may deny all.
		if s.init != nil {
			s.b.Go("wait for the limits", s.init.awaitSaved)
		} else {
			s.askDevices()
		}
	}
	b := s.b
	pts, master, slave := b.Slot(-1), b.Slot(-1), b.Slot(-1)
	wrap := func(what string) func(unix.Errno) error {
		return func(errno unix.Errno) error {
			return fmt.Errorf("open a terminal of the container: %s: %w", what, errno)
		}
	}
	// The folder first: inside it, ptmx is looked up without symlinks, on the
	// same mount, after it was seen to be devpts. Opening a device of the
	// image's choice could already have effects.
	s.openat2("open /dev/pts", cwdFD, "/dev/pts", unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).Into(pts).Explain(wrap("openat2 /dev/pts"))
	noDevpts, noPtmx, good := b.Label(), b.Label(), b.Label()
	fs := b.Buffer(256)
	b.Call("fstatfs /dev/pts", unix.SYS_FSTATFS, pts.Value(), fs.Addr()).Explain(wrap("fstatfs /dev/pts"))
	b.Test(fs.Addr(), ^uint32(0), unix.DEVPTS_SUPER_MAGIC, noDevpts)
	s.openat2("open /dev/pts/ptmx", pts.Value(), "ptmx", unix.O_RDWR|unix.O_NOCTTY,
		unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_NO_XDEV).Into(master).Explain(wrap("openat2 ptmx"))
	s.close(pts.Value())
	st := s.statx("statx /dev/pts/ptmx", master.Value(), "", unix.AT_EMPTY_PATH)
	b.Test(st.At(statxMode), half(unix.S_IFMT), half(unix.S_IFCHR), noPtmx)
	b.Test(st.At(statxRdevMajor), ^uint32(0), ptmxMajor, noPtmx)
	b.Test(st.At(statxRdevMinor), ^uint32(0), ptmxMinor, noPtmx)
	b.Jump(good)
	b.Place(noDevpts)
	s.never(fmt.Errorf("open a terminal of the container: /dev/pts is not a devpts"))
	b.Place(noPtmx)
	s.never(fmt.Errorf("open a terminal of the container: /dev/pts/ptmx is not the terminal multiplexer"))
	b.Place(good)
	number := b.Slot(0)
	b.Call("ioctl TIOCGPTN", unix.SYS_IOCTL, master.Value(), num(uint32(unix.TIOCGPTN)), number.Addr()).Explain(wrap("ioctl TIOCGPTN"))
	b.Call("ioctl TIOCSPTLCK", unix.SYS_IOCTL, master.Value(), num(uint32(unix.TIOCSPTLCK)), b.Slot(0).Addr()).Explain(wrap("ioctl TIOCSPTLCK"))
	b.Call("ioctl TIOCGPTPEER", unix.SYS_IOCTL, master.Value(), num(uint32(unix.TIOCGPTPEER)), num(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)).
		Into(slave).Explain(wrap("ioctl TIOCGPTPEER"))
	if s.ConsoleWidth != 0 || s.ConsoleHeight != 0 {
		size := unix.Winsize{Col: s.ConsoleWidth, Row: s.ConsoleHeight}
		b.Call("set the terminal's size: ioctl TIOCSWINSZ", unix.SYS_IOCTL, master.Value(), num(uint32(unix.TIOCSWINSZ)), b.Mem(bytesOf(&size)).Addr())
	}
	// The group stays devpts' own (its gid= option), which lets programs like
	// wall(1) write to the terminal.
	b.Call(fmt.Sprintf("give the terminal to user %d", s.UID), program.SysFchown, slave.Value(), num(s.UID), program.None)
	if !s.Setns {
		s.devConsole(slave)
	}
	s.sendFD(KindConsole, master.Value(), number.Value(), "send the terminal to the runtime")
	s.close(master.Value())
	for std := range 3 {
		b.Call(fmt.Sprintf("attach terminal as fd %d: dup3", std), unix.SYS_DUP3, slave.Value(), num(std), num(0))
	}
	s.close(slave.Value())
	b.Call("attach terminal: ioctl TIOCSCTTY", unix.SYS_IOCTL, num(0), num(uint32(unix.TIOCSCTTY)), num(0))
}
