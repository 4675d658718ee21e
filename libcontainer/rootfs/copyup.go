package rootfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// copyUp copies the contents of the folder from to the folder to, with owners,
// modes, times, extended attributes, links and nodes. Both folders are open at
// each level, and names are looked up only directly below them, without
// following links, so the image cannot make it read another place. Hard links of
// one file become separate files.
//
// The root of the tmpfs stays as it is: its owner and mode are those of the
// mount's options, and the mode is the folder's only where they have none.
func (s *setup) copyUp(from, to fd) error {
	src, err := openDir(from, ".")
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := openDir(to, ".")
	if err != nil {
		return err
	}
	defer dst.Close()
	return s.copyEntries(src, dst)
}

func openDir(at fd, name string) (*os.File, error) {
	n, err := unix.Openat(int(at), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(n), name), nil
}

func (s *setup) copyEntries(src, dst *os.File) error {
	names, err := src.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.copyEntry(fd(src.Fd()), fd(dst.Fd()), name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (s *setup) copyDir(src, dst *os.File) error {
	if err := s.copyEntries(src, dst); err != nil {
		return err
	}
	// This comes last, for making the entries has changed the times.
	var st unix.Stat_t
	if err := unix.Fstat(int(src.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	return copyMeta(src, dst, &st)
}

func (s *setup) copyEntry(src, dst fd, name string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(int(src), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("fstatat", err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		if err := unix.Mkdirat(int(dst), name, 0o700); err != nil {
			return os.NewSyscallError("mkdirat", err)
		}
		from, err := openDir(src, name)
		if err != nil {
			return err
		}
		defer from.Close()
		to, err := openDir(dst, name)
		if err != nil {
			return err
		}
		defer to.Close()
		return s.copyDir(from, to)
	case unix.S_IFREG:
		return copyFile(src, dst, name)
	case unix.S_IFLNK:
		text, err := readlink(src, name)
		if err != nil {
			return os.NewSyscallError("readlinkat", err)
		}
		if err := unix.Symlinkat(text, int(dst), name); err != nil {
			return os.NewSyscallError("symlinkat", err)
		}
	default:
		if err := s.mknod(dst, name, st.Mode, st.Rdev); err != nil {
			return os.NewSyscallError("mknodat", err)
		}
	}
	err := unix.Fchownat(int(dst), name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return os.NewSyscallError("fchownat", err)
	}
	times := []unix.Timespec{st.Atim, st.Mtim}
	return os.NewSyscallError("utimensat", unix.UtimesNanoAt(int(dst), name, times, unix.AT_SYMLINK_NOFOLLOW))
}

func copyFile(src, dst fd, name string) error {
	// O_NONBLOCK: the open must not hang if a process has put a pipe in its
	// place.
	n, err := unix.Openat(int(src), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("openat", err)
	}
	from := os.NewFile(uintptr(n), name)
	defer from.Close()
	var st unix.Stat_t
	if err := unix.Fstat(n, &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New("it is no longer a regular file")
	}
	n, err = unix.Openat(int(dst), name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return os.NewSyscallError("openat", err)
	}
	to := os.NewFile(uintptr(n), name)
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	return copyMeta(from, to, &st)
}

// copyMeta sets the owner first: chown(2) clears set-id bits and file
// capabilities.
func copyMeta(src, dst *os.File, st *unix.Stat_t) error {
	to := int(dst.Fd())
	if err := unix.Fchown(to, int(st.Uid), int(st.Gid)); err != nil {
		return os.NewSyscallError("fchown", err)
	}
	if err := unix.Fchmod(to, st.Mode&0o7777); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	if err := copyXattrs(int(src.Fd()), to); err != nil {
		return err
	}
	times := []unix.Timespec{st.Atim, st.Mtim}
	err := unix.UtimesNanoAt(unix.AT_FDCWD, fd(to).link(), times, 0)
	return os.NewSyscallError("utimensat", err)
}

func copyXattrs(from, to int) error {
	list := make([]byte, 4096)
	n, err := unix.Flistxattr(from, list)
	if err == unix.ERANGE {
		list = make([]byte, 65536)
		n, err = unix.Flistxattr(from, list)
	}
	if err == unix.ENOTSUP {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("flistxattr", err)
	}
	for name := range strings.SplitSeq(string(list[:n]), "\x00") {
		if name == "" || name == "security.selinux" {
			// The mount's options set that label.
			continue
		}
		value := make([]byte, 65536)
		n, err := unix.Fgetxattr(from, name, value)
		if err == unix.ENODATA {
			continue
		}
		if err != nil {
			return fmt.Errorf("attribute %s: %w", name, os.NewSyscallError("fgetxattr", err))
		}
		err = unix.Fsetxattr(to, name, value[:n], 0)
		// A tmpfs has user.* attributes since Linux 6.6, and the root of a user
		// namespace may not set trusted.* ones.
		if err != nil && err != unix.ENOTSUP && err != unix.EPERM {
			return fmt.Errorf("attribute %s: %w", name, os.NewSyscallError("fsetxattr", err))
		}
	}
	return nil
}
