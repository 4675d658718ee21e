// Package exeseal opens the running binary in a way that nobody inside a
// container can turn into a writable one.
//
// Attacker: a container's root, who finds the runtime's init by /proc/PID/exe
// and opens that for writing (CVE-2019-5736). Guarantee: what is behind the fd
// cannot be written by anyone, whatever mount flags that one clears: the file
// belongs to a read-only overlay without an upper layer, or to a sealed memfd.
// Limit: who can write the binary on the host, still can there.
//
// It wraps fsopen(2) (Linux 5.2) and memfd_create(2).
package exeseal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const self = "/proc/self/exe"

// allSeals: no growing, shrinking or writing, nor a change of the seals.
const allSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// Open gives the sealed binary, close-on-exec.
func Open() (*os.File, error) {
	plain, err := os.Open(self)
	if err != nil {
		return nil, err
	}
	if sealed(plain) || guarded(plain) {
		return plain, nil
	}
	defer plain.Close()
	for _, dir := range belows {
		if f, err := overlay(plain, dir); err == nil {
			return f, nil
		}
	}
	return memfd(plain)
}

// sealed: we run from a sealed memfd already.
func sealed(f *os.File) bool {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	return err == nil && seals&allSeals == allSeals
}

// guarded: the kernel keeps the binary from whatever this process can start.
// Without privileges, and without being the file's owner, no child of ours in
// any user namespace gets rights over the file: its owner cannot be mapped by
// us but through newuidmap, which never maps ids outside the user's own ranges,
// and those are not the owner's.
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

// overlay mounts the binary's folder, detached and read-only. There is no upper
// layer, so that even a remount gives nothing to write to.
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

// memfd copies the binary.
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
