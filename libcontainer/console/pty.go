// Package console makes a terminal for a process from inside its container,
// and hands the terminal's master, or any other fd, to whoever asked for it.
//
// It wraps pty(7) and ioctl_tty(2); TIOCGPTPEER came with Linux 4.13.
package console

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// ptmx is major 5, minor 2 on every architecture.
const (
	ptmxMajor = 5
	ptmxMinor = 2
)

// Pty is a pair of terminal ends that belong to a container's own devpts.
type Pty struct {
	// Master is for the one who watches, Slave for the process.
	Master *os.File
	Slave  *os.File
	// Name is the slave's path inside the container, /dev/pts/N.
	Name string
}

// Open makes a terminal in the devpts at /dev/pts, as the calling process sees
// it: once its root is the container's.
//
// What is at /dev/pts/ptmx is the image's and, for exec, the container's
// processes' choice: it must be devpts' own ptmx. The slave is opened through
// the master, never by path, so that nothing can be put in between.
func Open() (*Pty, error) {
	master, err := openPtmx()
	if err != nil {
		return nil, fmt.Errorf("open a terminal of the container: %w", err)
	}
	p := &Pty{Master: master}
	if err := p.openSlave(); err != nil {
		master.Close()
		return nil, fmt.Errorf("open a terminal of the container: %w", err)
	}
	return p, nil
}

func openPtmx() (*os.File, error) {
	const name = "/dev/pts/ptmx"
	// The folder first: inside it, ptmx is looked up without symlinks, on the
	// same mount, after it was seen to be devpts. Opening a device of the
	// image's choice could already have effects.
	pts, err := openat2(unix.AT_FDCWD, "/dev/pts", &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(pts)
	var fs unix.Statfs_t
	if err := unix.Fstatfs(pts, &fs); err != nil {
		return nil, &os.PathError{Op: "fstatfs", Path: "/dev/pts", Err: err}
	}
	if fs.Type != unix.DEVPTS_SUPER_MAGIC {
		return nil, errors.New("/dev/pts is not a devpts")
	}
	fd, err := openat2(pts, "ptmx", &unix.OpenHow{
		Flags:   unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	})
	if err != nil {
		return nil, err
	}
	master := os.NewFile(uintptr(fd), name)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		master.Close()
		return nil, &os.PathError{Op: "fstat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || uint64(st.Rdev) != unix.Mkdev(ptmxMajor, ptmxMinor) {
		master.Close()
		return nil, errors.New(name + " is not the terminal multiplexer")
	}
	return master, nil
}

func openat2(dir int, name string, how *unix.OpenHow) (int, error) {
	for {
		fd, err := unix.Openat2(dir, name, how)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			// EAGAIN: a rename raced with the look-up of "..".
		default:
			return -1, system.Refused(unix.SYS_OPENAT2, &os.PathError{Op: "openat2", Path: name, Err: err})
		}
	}
}

func (p *Pty) openSlave() error {
	fd := int(p.Master.Fd())
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		return os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return os.NewSyscallError("ioctl TIOCSPTLCK", err)
	}
	slave, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return os.NewSyscallError("ioctl TIOCGPTPEER", errno)
	}
	p.Name = "/dev/pts/" + strconv.FormatUint(uint64(n), 10)
	p.Slave = os.NewFile(slave, p.Name)
	return nil
}

// SetSize sets the terminal's size in characters.
func (p *Pty) SetSize(width, height uint16) error {
	err := unix.IoctlSetWinsize(int(p.Master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height})
	if err != nil {
		return fmt.Errorf("set the terminal's size: %w", os.NewSyscallError("ioctl TIOCSWINSZ", err))
	}
	return nil
}

// Chown gives the slave to a user of the caller's user namespace; the group
// stays devpts' own (its gid= option), which lets programs like wall(1) write
// to it.
func (p *Pty) Chown(uid int) error {
	if err := p.Slave.Chown(uid, -1); err != nil {
		return fmt.Errorf("give the terminal to user %d: %w", uid, err)
	}
	return nil
}

// Attach makes the slave the calling process's standard input, output and
// error and its controlling terminal. The process must lead a session that has
// none yet, as after setsid(2).
func (p *Pty) Attach() error {
	fd := int(p.Slave.Fd())
	for std := range 3 {
		// Go's runtime sees to it that 0, 1 and 2 are open from the start, so
		// that the slave is never one of them.
		if err := unix.Dup3(fd, std, 0); err != nil {
			return fmt.Errorf("attach terminal as fd %d: %w", std, os.NewSyscallError("dup3", err))
		}
	}
	if err := unix.IoctlSetInt(0, unix.TIOCSCTTY, 0); err != nil {
		return fmt.Errorf("attach terminal: %w", os.NewSyscallError("ioctl TIOCSCTTY", err))
	}
	return nil
}

// Close closes both ends.
func (p *Pty) Close() {
	p.Master.Close()
	p.Slave.Close()
}
