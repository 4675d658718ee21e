package rootfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// fd is a file descriptor that this package owns. An [os.File] would cost some
// system calls and a finalizer for each; init opens a hundred of them and keeps
// each for some microseconds.
type fd int

// none is no fd.
const none fd = -1

func (f fd) close() {
	if f >= 0 {
		unix.Close(int(f))
	}
}

// link is the path of the fd for system calls that only take paths. It is used
// only before the change of root, while /proc is still the caller's.
func (f fd) link() string { return "/proc/self/fd/" + strconv.Itoa(int(f)) }

func (f fd) stat() (st unix.Stat_t, err error) {
	if err := unix.Fstat(int(f), &st); err != nil {
		return st, os.NewSyscallError("fstat", err)
	}
	return st, nil
}

// mountID tells the mount that f was opened on from all others.
func (f fd) mountID() (uint64, error) {
	var sx unix.Statx_t
	err := unix.Statx(int(f), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &sx)
	if err == nil && sx.Mask&unix.STATX_MNT_ID != 0 {
		return sx.Mnt_id, nil
	}
	// Before Linux 5.8, or in a sandbox.
	return f.fdinfoMountID()
}

func (f fd) fdinfoMountID() (uint64, error) {
	path := "/proc/self/fdinfo/" + strconv.Itoa(int(f))
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			return strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s tells no mount id", path)
}

// fsMagic is the type of the file system that f is on.
func (f fd) fsMagic() (int64, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(int(f), &st) }); err != nil {
		return 0, os.NewSyscallError("fstatfs", err)
	}
	return int64(st.Type), nil
}

// retry repeats a call that a signal has interrupted, as happens on network
// file systems.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// openPath opens a path that the caller trusts.
func openPath(path string, flags int) (fd, error) {
	n := none
	err := retry(func() error {
		got, err := unix.Open(path, flags|unix.O_PATH|unix.O_CLOEXEC, 0)
		n = fd(got)
		return err
	})
	if err != nil {
		return none, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return n, nil
}

// cloneTree gives a detached copy of the mount at the path (open_tree(2)).
func cloneTree(dir fd, path string, flags uint) (fd, error) {
	n := none
	err := retry(func() error {
		got, err := unix.OpenTree(int(dir), path, flags|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		n = fd(got)
		return err
	})
	return n, system.Refused(unix.SYS_OPEN_TREE, err)
}

// cloneAt is cloneTree of an open file.
func cloneAt(f fd, flags uint) (fd, error) {
	return cloneTree(f, "", flags|unix.AT_EMPTY_PATH)
}

// attach mounts a detached tree on an open file or folder (move_mount(2)).
func attach(tree, target fd) error {
	err := unix.MoveMount(int(tree), "", int(target), "",
		unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	return moved(err)
}

// moved is the error of move_mount(2).
func moved(err error) error {
	return system.Refused(unix.SYS_MOVE_MOUNT, os.NewSyscallError("move_mount", err))
}

func dupFD(f fd) (fd, error) {
	n, err := unix.FcntlInt(uintptr(f), unix.F_DUPFD_CLOEXEC, 3)
	return fd(n), os.NewSyscallError("fcntl", err)
}
