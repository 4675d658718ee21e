package rootfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// consoleTarget opens the file in /dev on which the terminal is going to be
// mounted, and makes it when it is missing. A symlink is refused
// (CVE-2025-52565).
func (s *setup) consoleTarget() (fd, error) {
	dev, err := s.devFolder()
	if err != nil {
		return none, err
	}
	defer dev.close()
	return consoleAt(dev)
}

func consoleAt(dev fd) (fd, error) {
	const name = "/dev/console"
	err := unix.Mknodat(int(dev), "console", unix.S_IFREG|0o666, 0)
	if err != nil && err != unix.EEXIST {
		return none, &os.PathError{Op: "make", Path: name, Err: err}
	}
	f, err := openEntry(dev, "console", 0)
	if err != nil {
		return none, &os.PathError{Op: "open", Path: name, Err: err}
	}
	st, err := f.stat()
	if err == nil {
		if t := st.Mode & unix.S_IFMT; t != unix.S_IFREG && t != unix.S_IFCHR {
			err = errors.New(name + " is neither a file nor a device")
		}
	}
	if err != nil {
		f.close()
		return none, err
	}
	return f, nil
}

// Console mounts the terminal on /dev/console. It is to be called after
// [Plan.Setup]. slave is the inner end of a pty of the container's own devpts.
func (p *Plan) Console(slave *os.File) error {
	target := p.console
	p.console = none
	if target == none {
		dev, err := openPath("/dev", unix.O_DIRECTORY)
		if err != nil {
			return err
		}
		target, err = consoleAt(dev)
		dev.close()
		if err != nil {
			return err
		}
	}
	defer target.close()
	magic, err := fd(slave.Fd()).fsMagic()
	if err == nil && magic != unix.DEVPTS_SUPER_MAGIC {
		err = fmt.Errorf("%s is not a terminal on devpts", slave.Name())
	}
	if err != nil {
		return err
	}
	mnt, err := cloneAt(fd(slave.Fd()), 0)
	if err != nil {
		return fmt.Errorf("clone %s: %w", slave.Name(), os.NewSyscallError("open_tree", err))
	}
	defer mnt.close()
	if err := attach(mnt, target); err != nil {
		return fmt.Errorf("mount the terminal on /dev/console: %w", err)
	}
	return nil
}
