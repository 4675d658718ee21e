// Package procfs reaches into /proc in a way that nothing inside a container
// can divert.
//
// A container's /proc is laid out by its configuration and, once processes run
// in it, by them: files of it can be covered by other files, of procfs even,
// so that a write meant for an LSM label or a sysctl lands elsewhere
// (CVE-2019-16884, CVE-2025-52881). A [Handle] is therefore a mount of procfs
// of its own, attached nowhere, made with fsopen(2) and fsmount(2) (Linux 5.2).
// Where the kernel refuses one, it is a verified handle of the visible /proc.
// All look-ups go through openat2(2) (Linux 5.6) and never leave that one
// mount, so that whatever covers a file makes the look-up fail.
//
// What a Handle does not promise: that a file means what its name says to a
// kernel that is itself patched, or that the process it names still lives.
package procfs

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// rootIno is the inode number that every procfs gives its root directory.
const rootIno = 1

// ErrUnsafe says that /proc is not, or not only, procfs.
var ErrUnsafe = errors.New("unsafe procfs detected")

// Handle is an open root of procfs for the caller's pid namespace.
type Handle struct{ dir *os.File }

// Open gives a handle with the process folders only (mount option subset=pid,
// Linux 5.8), which is worth least to an attacker who gets at the fd.
func Open() (*Handle, error) { return open(true) }

// OpenFull gives a handle with everything, /proc/sys included. Close it before
// code of the container can run.
func OpenFull() (*Handle, error) { return open(false) }

func open(pidOnly bool) (*Handle, error) {
	dir, err := mountNew(pidOnly)
	if err == nil {
		return &Handle{dir}, nil
	}
	// Refused to those without CAP_SYS_ADMIN and, in a user namespace, when
	// every visible /proc has something mounted over parts of it.
	visible, verr := openVisible()
	if verr != nil {
		return nil, fmt.Errorf("no usable procfs: %w (and %w)", verr, err)
	}
	return &Handle{visible}, nil
}

func mountNew(pidOnly bool) (*os.File, error) {
	ctx, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("fsopen proc", err)
	}
	defer unix.Close(ctx)
	if pidOnly {
		// ptraceable hides nothing from us, and the kernel floor has subset=.
		if err := unix.FsconfigSetString(ctx, "subset", "pid"); err != nil {
			return nil, os.NewSyscallError("fsconfig proc subset=pid", err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return nil, os.NewSyscallError("fsconfig create proc", err)
	}
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC,
		unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC|unix.MOUNT_ATTR_NOSUID)
	if err != nil {
		return nil, os.NewSyscallError("fsmount proc", err)
	}
	return os.NewFile(uintptr(fd), "/proc"), nil
}

func openVisible() (*os.File, error) {
	fd, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/proc", Err: err}
	}
	dir := os.NewFile(uintptr(fd), "/proc")
	if err := verifyRoot(dir); err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

func verifyRoot(dir *os.File) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &fs); err != nil {
		return &os.PathError{Op: "fstatfs", Path: dir.Name(), Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(dir.Fd()), &st); err != nil {
		return &os.PathError{Op: "fstat", Path: dir.Name(), Err: err}
	}
	// A folder of procfs bound over /proc has the magic but not the inode.
	if fs.Type != unix.PROC_SUPER_MAGIC || st.Ino != rootIno {
		return fmt.Errorf("%w: %s is not the root of procfs", ErrUnsafe, dir.Name())
	}
	return nil
}

// Close gives the handle up.
func (h *Handle) Close() error { return h.dir.Close() }

// OpenFile opens a file by its path below /proc, without a leading slash. For
// the calling thread that is thread-self/..., which means something only as
// long as the goroutine is locked to its thread.
//
// Magic links (fd/N, exe, ns/...) are not followed: open them with O_PATH and
// O_NOFOLLOW.
func (h *Handle) OpenFile(path string, flags int) (*os.File, error) {
	fd, err := h.openat(path, flags)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "/proc/"+path), nil
}

func (h *Handle) openat(path string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags: uint64(flags) | unix.O_CLOEXEC | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV |
			unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		fd, err := unix.Openat2(int(h.dir.Fd()), path, &how)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EXDEV), errors.Is(err, unix.ELOOP):
			// Something is mounted over it, or it leads out of procfs.
			return -1, &os.PathError{Op: "openat2", Path: "/proc/" + path, Err: fmt.Errorf("%w: %w", ErrUnsafe, err)}
		default:
			return -1, system.Refused(unix.SYS_OPENAT2, &os.PathError{Op: "openat2", Path: "/proc/" + path, Err: err})
		}
	}
}

// WriteFile writes data to an existing file in one write(2), as procfs wants.
func (h *Handle) WriteFile(path, data string) error {
	fd, err := h.openat(path, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return writeOnce(fd, path, data)
}

func writeOnce(fd int, path, data string) error {
	for {
		n, err := unix.Write(fd, []byte(data))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err == nil && n < len(data):
			// Writing the rest would be taken as another value.
			err = io.ErrShortWrite
		}
		if err != nil {
			return &os.PathError{Op: "write", Path: "/proc/" + path, Err: err}
		}
		return nil
	}
}
