package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// newMount makes a detached mount of a file system, with all its attributes.
func newMount(fstype, source string, ps []Param, attr uint64) (fd, error) {
	n, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return none, fmt.Errorf("file system type %q: %w", fstype, system.Refused(unix.SYS_FSOPEN, os.NewSyscallError("fsopen", err)))
	}
	ctx := fd(n)
	defer ctx.close()
	if source != "" {
		if err := unix.FsconfigSetString(int(ctx), "source", source); err != nil {
			return none, ctx.explain("source", system.Refused(unix.SYS_FSCONFIG, err))
		}
	}
	for _, p := range ps {
		if p.HasValue {
			err = unix.FsconfigSetString(int(ctx), p.Key, p.Value)
		} else {
			err = unix.FsconfigSetFlag(int(ctx), p.Key)
		}
		if err != nil {
			return none, ctx.explain(fmt.Sprintf("option %q", p.String()), system.Refused(unix.SYS_FSCONFIG, err))
		}
	}
	if err := unix.FsconfigCreate(int(ctx)); err != nil {
		return none, ctx.explain("create "+fstype, system.Refused(unix.SYS_FSCONFIG, err))
	}
	mnt, err := unix.Fsmount(int(ctx), unix.FSMOUNT_CLOEXEC, int(attr))
	if err != nil {
		return none, ctx.explain("fsmount "+fstype, system.Refused(unix.SYS_FSMOUNT, err))
	}
	return fd(mnt), nil
}

func (p Param) String() string {
	if p.HasValue {
		return p.Key + "=" + p.Value
	}
	return p.Key
}

// explain adds the file system's own words to an error: each read(2) of a
// context gives one line, which begins with e, w or i for error, warning and
// information.
func (f fd) explain(what string, err error) error {
	var said []string
	buf := make([]byte, 1024)
	for len(said) < 8 {
		n, rerr := unix.Read(int(f), buf)
		if rerr != nil || n <= 0 {
			break
		}
		line := strings.TrimSpace(string(buf[:n]))
		if text, ok := strings.CutPrefix(line, "e "); ok {
			said = append(said, text)
		}
	}
	if len(said) == 0 {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w (%s)", what, err, strings.Join(said, "; "))
}

// refused says that the kernel has the operation, but does not let this process
// do it.
func refused(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EACCES)
}
