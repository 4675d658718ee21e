package console

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Mount binds the slave over /dev/console, which is made when it is missing.
//
// Source and target are fds from the start: the mount is cloned from the open
// slave, and attached to the very file that was looked at, which must be a
// plain file or a device and no symlink, so that a renamer in the container's
// /dev cannot lead the mount astray (CVE-2025-52565).
func (p *Pty) Mount() error {
	target, err := openConsole()
	if err != nil {
		return fmt.Errorf("mount the terminal on /dev/console: %w", err)
	}
	defer unix.Close(target)
	tree, err := unix.OpenTree(int(p.Slave.Fd()), "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("mount the terminal on /dev/console: %w", os.NewSyscallError("open_tree", err))
	}
	defer unix.Close(tree)
	err = unix.MoveMount(tree, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("mount the terminal on /dev/console: %w", os.NewSyscallError("move_mount", err))
	}
	return nil
}

func openConsole() (int, error) {
	dev, err := openat2(unix.AT_FDCWD, "/dev", &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return -1, err
	}
	defer unix.Close(dev)
	for {
		fd, err := unix.Openat(dev, "console", unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == nil {
			if err := mountable(fd); err != nil {
				unix.Close(fd)
				return -1, err
			}
			return fd, nil
		}
		if !errors.Is(err, unix.ENOENT) {
			return -1, &os.PathError{Op: "openat", Path: "/dev/console", Err: err}
		}
		fd, err = unix.Openat(dev, "console", unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o666)
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return -1, &os.PathError{Op: "create", Path: "/dev/console", Err: err}
		}
		if err == nil {
			unix.Close(fd)
		}
	}
}

func mountable(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &os.PathError{Op: "fstat", Path: "/dev/console", Err: err}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFCHR:
		return nil
	case unix.S_IFLNK:
		return errors.New("/dev/console is a symlink")
	}
	return errors.New("/dev/console is neither a file nor a device")
}
