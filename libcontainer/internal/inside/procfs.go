package inside

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
	"runc/libcontainer/procfs"
	"runc/libcontainer/sysctl"
)

// Attributes of the process and sysctls are written through a mount of procfs
// that is attached nowhere, so whatever the container has mounted over /proc
// gets none of it (CVE-2019-16884, CVE-2025-52881). Where the kernel refuses to
// make one, in a user namespace, a verified handle of the container's own /proc
// takes its place. Nothing of the host's procfs is ever kept: a neighbour that
// may trace this process would reach the host's files through it.

const procRootIno = 1

// newProc tries to make a mount of procfs, and stores its fd, or a negative
// errno. With pidOnly it has the process folders alone (Linux 5.8).
func (s *Setup) newProc(to *program.Slot, pidOnly bool) {
	b := s.b
	ctx := b.Slot(-1)
	closeCtx, end := b.Label(), b.Label()
	const (
		setString = 1 // FSCONFIG_SET_STRING
		create    = 6 // FSCONFIG_CMD_CREATE
	)
	b.Call("fsopen proc", unix.SYS_FSOPEN, b.Text("proc"), num(unix.FSOPEN_CLOEXEC)).Into(to).Else(end, program.Any)
	b.Set(ctx, to.Value())
	if pidOnly {
		b.Call("fsconfig proc subset=pid", unix.SYS_FSCONFIG, ctx.Value(), num(setString), b.Text("subset"), b.Text("pid"), num(0)).
			Into(to).Else(closeCtx, program.Any)
	}
	b.Call("fsconfig create proc", unix.SYS_FSCONFIG, ctx.Value(), num(create), num(0), num(0), num(0)).Into(to).Else(closeCtx, program.Any)
	b.Call("fsmount proc", unix.SYS_FSMOUNT, ctx.Value(), num(unix.FSMOUNT_CLOEXEC),
		num(unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC|unix.MOUNT_ATTR_NOSUID)).Into(to).Ignore(program.Any)
	b.Place(closeCtx)
	s.close(ctx.Value())
	b.Place(end)
}

// visibleProc opens the container's own /proc where newProc has failed.
func (s *Setup) visibleProc(to *program.Slot) {
	b := s.b
	have, wrong := b.Label(), b.Label()
	const sign = 1 << 31
	b.Test(to.Addr(), sign, sign, have)
	s.openat2("open /proc", cwdFD, "/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0).Into(to).
		Explain(func(errno unix.Errno) error { return fmt.Errorf("no usable procfs: open /proc: %w", errno) })
	fs := b.Buffer(256) // struct statfs, whose first field is the type
	b.Call("fstatfs /proc", unix.SYS_FSTATFS, to.Value(), fs.Addr())
	b.Test(fs.Addr(), ^uint32(0), unix.PROC_SUPER_MAGIC, wrong)
	st := s.statx("statx /proc", to.Value(), "", unix.AT_EMPTY_PATH)
	b.Test(st.At(low(statxIno)), ^uint32(0), procRootIno, wrong)
	b.Jump(have)
	b.Place(wrong)
	s.never(fmt.Errorf("%w: /proc is not the root of procfs", procfs.ErrUnsafe))
	b.Place(have)
}

// Offsets in struct statx, which is the same on all architectures (statx(2),
// Linux 4.11).
const (
	sizeofStatx = 256
	statxMode   = 28
	statxIno    = 32
	statxSize   = 40
)

func (s *Setup) statx(what string, dir program.Arg, path string, flags int) *program.Mem {
	st := s.b.Buffer(sizeofStatx)
	s.b.Call(what, unix.SYS_STATX, dir, s.b.Text(path), num(flags), num(unix.STATX_BASIC_STATS), st.Addr())
	return st
}

const procResolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_MAGICLINKS

// needProc makes a handle of procfs unless there is one.
func (s *Setup) needProc() {
	if s.proc != (program.Arg{}) {
		return
	}
	fd := s.b.Slot(-1)
	s.newProc(fd, true)
	s.visibleProc(fd)
	s.proc = fd.Value()
}

// openProc opens a file below the handle.
func (s *Setup) openProc(dir program.Arg, path string, flags uint64, to *program.Slot) *program.Step {
	return s.openat2("open /proc/"+path, dir, path, flags|unix.O_NOCTTY, procResolve).Into(to).
		Explain(func(errno unix.Errno) error {
			if errno == unix.EXDEV || errno == unix.ELOOP {
				return fmt.Errorf("open /proc/%s: %w: %w", path, procfs.ErrUnsafe, errno)
			}
			return fmt.Errorf("open /proc/%s: %w", path, errno)
		})
}

// writeProc writes a value in one write(2), as procfs wants it.
func (s *Setup) writeProc(dir program.Arg, path, value string) (open, write *program.Step) {
	fd := s.b.Slot(-1)
	open = s.openProc(dir, path, unix.O_WRONLY, fd)
	write = s.b.Call("write /proc/"+path, unix.SYS_WRITE, fd.Value(), s.b.Text(value), num(len(value)))
	s.close(fd.Value())
	return open, write
}

// appArmor makes the next execve(2) enter the profile (aa_change_onexec(2)).
func (s *Setup) appArmor() {
	name := s.AppArmorProfile
	if name == "" {
		return
	}
	fail := func(err error) error {
		return fmt.Errorf("unable to apply apparmor profile: apparmor failed to apply profile: %w (profile %q: is it loaded?) (config.json: process.apparmorProfile)", err, name)
	}
	if strings.ContainsAny(name, "\x00\n") {
		s.never(fail(fmt.Errorf("profile name %q: %w", name, unix.EINVAL)))
		return
	}
	s.needProc()
	b := s.b
	value := "exec " + name
	fd := b.Slot(-1)
	done := b.Label()
	// The folder named for the module is there when the module is built in;
	// attr/exec belongs to whichever module came first.
	for _, path := range []string{"thread-self/attr/apparmor/exec", "thread-self/attr/exec"} {
		next := b.Label()
		open := s.openProc(s.proc, path, unix.O_WRONLY, fd).Explain(func(errno unix.Errno) error {
			return fail(fmt.Errorf("open /proc/%s: %w", path, errno))
		})
		if path != "thread-self/attr/exec" {
			open.Else(next, unix.ENOENT)
		}
		b.Call("write", unix.SYS_WRITE, fd.Value(), b.Text(value), num(len(value))).Explain(func(errno unix.Errno) error {
			return fail(fmt.Errorf("write /proc/%s: %w", path, errno))
		})
		s.close(fd.Value())
		b.Jump(done)
		b.Place(next)
	}
	b.Place(done)
}

// selinuxExec gives the next execve(2) its label.
func (s *Setup) selinuxExec() {
	if s.ProcessLabel == "" {
		return
	}
	s.needProc()
	open, write := s.writeProc(s.proc, "thread-self/attr/exec", s.ProcessLabel)
	explain := place("can't set process label", "process.selinuxLabel")
	open.Explain(explain)
	write.Explain(explain)
}

// sysctls writes kernel parameters of the container's namespaces.
func (s *Setup) sysctls() {
	if len(s.Sysctl) == 0 {
		return
	}
	b := s.b
	fd := b.Slot(-1)
	s.newProc(fd, false)
	s.visibleProc(fd)
	for _, name := range sysctl.Names(s.Sysctl) {
		path, err := sysctl.Path(name)
		if err != nil {
			s.never(err)
			return
		}
		open, write := s.writeProc(fd.Value(), "sys/"+path, s.Sysctl[name])
		open.Explain(func(errno unix.Errno) error {
			err := error(errno)
			if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.ELOOP) {
				err = fmt.Errorf("%w: %w", procfs.ErrUnsafe, err)
			}
			return fmt.Errorf("open sysctl %s file: open /proc/sys/%s: %w (config.json: linux.sysctl)", name, path, err)
		})
		write.Explain(func(errno unix.Errno) error {
			return fmt.Errorf("write sysctl %s: write /proc/sys/%s: %w (config.json: linux.sysctl)", name, path, errno)
		})
	}
	s.close(fd.Value())
}
