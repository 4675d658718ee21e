// Package exeseal opens the running binary in a way that nobody inside a
// container can turn into a writable one.
//
// The attacker is a container's root, who finds the runtime's init by
// /proc/PID/exe and opens that for writing (CVE-2019-5736). The guarantee: no
// write by that attacker reaches the binary that the host runs. The file behind
// the fd belongs to a read-only overlay without an upper layer, so that clearing
// mount flags changes nothing; or it is a copy in a sealed memfd; or it is a copy
// in an unlinked file, made for this one start. The limit: whoever can write the
// binary on the host still can.
//
// It wraps fsopen(2) (Linux 5.2), memfd_create(2) and O_TMPFILE of open(2).
package exeseal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const self = "/proc/self/exe"

// allSeals: no growing, shrinking or writing, nor a change of the seals.
const allSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// Open gives the sealed binary, close-on-exec, by the first way that works here.
func Open() (*os.File, error) {
	f, _, err := OpenHow()
	return f, err
}

// OpenHow is Open, and says in runc's words what the file is.
func OpenHow() (f *os.File, how string, err error) {
	plain, err := os.Open(self)
	if err != nil {
		return nil, "", err
	}
	switch {
	case sealed(plain):
		return plain, "/proc/self/exe clone", nil
	case guarded(plain):
		return plain, "/proc/self/exe as it is", nil
	}
	defer plain.Close()
	for _, dir := range belows {
		if f, err := overlay(plain, dir); err == nil {
			return f, "overlayfs for sealed /proc/self/exe", nil
		}
	}
	if f, err = memfd(plain); err == nil {
		return f, "memfd for sealed /proc/self/exe", nil
	}
	// vm.memfd_noexec=2 refuses executable memory files, and a sandbox may refuse
	// the call.
	f, e := Unlinked(plain)
	if e != nil {
		return nil, "", fmt.Errorf("%w; %w", err, e)
	}
	return f, "unlinked file for sealed /proc/self/exe", nil
}

// sealed says whether f, the file of this process, is a sealed memfd already.
func sealed(f *os.File) bool {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	return err == nil && seals&allSeals == allSeals
}

// guarded says whether the kernel keeps the binary from every process that this
// one can start. Without privileges, and without being the file's owner, no child
// of this process gets rights over the file in any user namespace: newuidmap
// alone could map the owner, root, and it maps no ids outside the caller's own
// ranges.
func guarded(f *os.File) bool {
	euid := os.Geteuid()
	if euid == 0 {
		return false
	}
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil {
		return false
	}
	return st.Uid == 0 && st.Mode&0o022 == 0
}

// belows are folders that serve as the second layer, which overlayfs wants
// where none is to be written. It is never looked into for a name that the
// first has; but it must not hold the first (ELOOP), nor be procfs (EINVAL).
var belows = [...]string{"/sys", "/dev"}

// overlay opens the binary on a detached read-only overlay of its folder. There is
// no upper layer, so that even a remount gives nothing to write to.
func overlay(plain *os.File, below string) (*os.File, error) {
	path, err := os.Readlink(self)
	if err != nil {
		return nil, err
	}
	dir, name := filepath.Split(path)
	ctx, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(ctx)
	for _, o := range [...][2]string{{"source", "runc"}, {"lowerdir", escape(filepath.Clean(dir)) + ":" + below}} {
		if err := unix.FsconfigSetString(ctx, o[0], o[1]); err != nil {
			return nil, os.NewSyscallError("fsconfig", err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return nil, os.NewSyscallError("fsconfig", err)
	}
	mnt, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOSUID)
	if err != nil {
		return nil, os.NewSyscallError("fsmount", err)
	}
	defer unix.Close(mnt)
	fd, err := unix.Openat(mnt, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, os.NewSyscallError("openat", err)
	}
	f := os.NewFile(uintptr(fd), path)
	// The path may have been given to another file since we started.
	if !same(f, plain) {
		f.Close()
		return nil, errors.New("the binary was replaced")
	}
	return f, nil
}

func same(a, b *os.File) bool {
	var sa, sb unix.Stat_t
	if unix.Fstat(int(a.Fd()), &sa) != nil || unix.Fstat(int(b.Fd()), &sb) != nil {
		return false
	}
	return sa.Ino == sb.Ino && sa.Size == sb.Size && sa.Mtim == sb.Mtim && sa.Ctim == sb.Ctim
}

// escape keeps overlayfs from taking a colon in the path for the next layer.
func escape(s string) string {
	var out []byte
	for i := range len(s) {
		if s[i] == ':' || s[i] == '\\' {
			out = append(out, '\\')
		}
		out = append(out, s[i])
	}
	return string(out)
}

// memfd copies the binary to memory, with all seals.
func memfd(plain *os.File) (_ *os.File, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	// MFD_EXEC: asked for since Linux 6.3, unknown before.
	fd, err := unix.MemfdCreate("runc", flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate("runc", flags)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "memfd:runc")
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if _, err := io.Copy(f, plain); err != nil {
		return nil, fmt.Errorf("copy the runtime's binary: %w", err)
	}
	if err := f.Chmod(0o555); err != nil {
		return nil, err
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, allSeals); err != nil {
		return nil, os.NewSyscallError("fcntl(F_ADD_SEALS)", err)
	}
	return f, nil
}

// tmpDirs are folders on file systems that usually allow files to be executed.
// The binary's own comes last: it is often read-only.
var tmpDirs = [...]string{"/run", "/tmp", "/var/tmp", "/dev/shm", ""}

// Unlinked copies a program to a file without a name, and gives that, open for
// reading, to be executed.
//
// Such a file cannot be sealed: a container's root can write it once no process
// executes it any more (ETXTBSY). But nobody executes it after this start, and
// nothing else can be reached by it. The kernel refuses to execute a file that is
// open for writing, so the only such fd is closed here.
func Unlinked(program io.ReadSeeker) (*os.File, error) {
	var errs []error
	for _, dir := range tmpDirs {
		f, err := tmpfile(program, dir)
		if err == nil {
			return f, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// tmpfile is Unlinked on the file system of dir, or of this process's binary when
// dir is empty.
func tmpfile(program io.ReadSeeker, dir string) (_ *os.File, err error) {
	if dir == "" {
		path, err := os.Readlink(self)
		if err != nil {
			return nil, err
		}
		dir = filepath.Dir(path)
	}
	// A child that is forked meanwhile would have a copy of that fd until it
	// executes something.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	// O_EXCL: it is never given a name.
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, 0o700)
	if err != nil {
		return nil, &os.PathError{Op: "open(O_TMPFILE)", Path: dir, Err: err}
	}
	w := os.NewFile(uintptr(fd), dir)
	defer w.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return nil, &os.PathError{Op: "fstatfs", Path: dir, Err: err}
	}
	if fs.Flags&unix.ST_NOEXEC != 0 {
		return nil, &os.PathError{Op: "execute from", Path: dir, Err: errors.New("mounted noexec")}
	}
	// An earlier way may have read from it.
	if _, err := program.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if _, err := io.Copy(w, program); err != nil {
		return nil, fmt.Errorf("copy the program to %s: %w", dir, err)
	}
	// Also for a user of the container who is not the owner.
	if err := w.Chmod(0o555); err != nil {
		return nil, err
	}
	link := "/proc/self/fd/" + strconv.Itoa(fd)
	r, err := unix.Open(link, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: link, Err: err}
	}
	return os.NewFile(uintptr(r), dir+"/runc (deleted)"), nil
}
