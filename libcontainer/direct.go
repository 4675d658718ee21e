package libcontainer

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/keys"
	"runc/libcontainer/nsenter"
	"runc/libcontainer/rlimit"
	"runc/libcontainer/userdb"
)

// The short way into a container. A process that joins one needs `runc init`
// only for what takes decisions inside: a terminal, a label, a seccomp
// listener. Most have none of these, and all that is to be done for them is a
// list of system calls that is known beforehand; the child plays that list by
// itself (nsenter.Direct), and the start of a second Go program, which takes
// longer than all of it, is saved.
//
// The list knows no exceptions and no words: when anything in it fails, the
// child is dropped, nothing has happened yet, and the process is started the
// long way, by join.go, which then says what is wrong.

// canDirect says whether the process can go the short way.
func (l *launch) canDirect() bool {
	b, p := l.boot, l.p
	switch {
	case !nsenter.CanDirect, os.Geteuid() != 0, l.plan.Exposed:
		return false
	case p.Terminal, p.PidfdSocket != nil, b.AppArmorProfile != "", b.ProcessLabel != "":
		return false
	case b.Scheduler != nil, b.IOPriority != nil, b.Personality != nil, b.MemoryPolicy != nil:
		return false
	case b.Seccomp != nil && b.Seccomp.Notify:
		return false
	case !b.SetGroups && len(b.Groups) != 0:
		return false
	}
	for _, j := range l.plan.Join {
		if j.Flag&unix.CLONE_NEWTIME != 0 {
			// It wants its memory for itself (timens_install in the kernel).
			return false
		}
	}
	return len(l.plan.Join) != 0
}

// errIndirect: the long way has to be gone.
var errIndirect = errors.New("not by a direct child")

// direct starts the process the short way. enter puts it into its cgroups, and
// whatever else is done from outside. [errIndirect] is for when nothing has
// been done in the end.
func (l *launch) direct(enter func(pid int) error) (err error) {
	run := new(running)
	stdio, theirs, startCopies, abortCopies, err := l.p.stdio(run)
	if err != nil {
		return err
	}
	defer closeAll(theirs)
	defer func() {
		if err != nil {
			abortCopies()
		}
	}()
	files := append(fdTable(stdio), l.p.ExtraFiles...)
	env, home := l.boot.homeless()
	d, ok := l.directCalls(stdio, home)
	if !ok {
		return errIndirect
	}
	if err := rlimit.RestoreNofile(); err != nil {
		return err
	}
	plan := l.plan
	plan.Direct, plan.Argv, plan.Env, plan.Files = d, l.boot.Args, env, files
	child, err := plan.Start()
	runtime.KeepAlive(files)
	if errors.Is(err, nsenter.ErrIntoCgroup) {
		plan.Cgroup = nil
		l.plan.Cgroup = nil
		child, err = plan.Start()
		runtime.KeepAlive(files)
	}
	if err != nil {
		return errIndirect
	}
	run.pid, run.pidfd = child.Pid, child.PidFD
	l.child, l.run, l.p.run = child, run, run
	stop := context.AfterFunc(l.p.context(), l.p.abort)
	err = l.lead(child, enter, home)
	if err == nil {
		stop()
		startCopies()
		return nil
	}
	if e := l.kill(); e != nil {
		return errors.Join(err, e)
	}
	if !stop() {
		// What is wrong follows from that, and abort may be at work.
		return context.Cause(l.p.context())
	}
	l.child, l.run, l.p.run = nil, nil, nil
	return errIndirect
}

// lead takes a direct child up to its program.
func (l *launch) lead(child *nsenter.Child, enter func(pid int) error, home bool) error {
	if err := enter(child.Pid); err != nil {
		return err
	}
	passwd, more, err := child.Placed()
	if err != nil {
		return err
	}
	add := ""
	if home {
		if more {
			return errIndirect
		}
		add = "HOME=" + userdb.HomeIn(passwd, l.boot.UID)
	}
	if err := l.setRlimits(); err != nil {
		return err
	}
	if err := child.Go(add); err != nil {
		return err
	}
	l.p.meanwhile()
	return child.Executed()
}

// homeless is the environment without an empty HOME, and whether one has to be
// found out.
func (b *bootstrap) homeless() (env []string, home bool) {
	for n, kv := range b.Env {
		if v, ok := strings.CutPrefix(kv, "HOME="); ok {
			if v != "" {
				return b.Env, false
			}
			return append(append([]string(nil), b.Env[:n]...), b.Env[n+1:]...), true
		}
	}
	return b.Env, true
}

// directCalls is the list: the steps of joinContainer and dropPrivileges, in
// their order.
func (l *launch) directCalls(stdio []*os.File, home bool) (*nsenter.Direct, bool) {
	b := l.boot
	programs := candidates(b.Args[0], b.Env)
	if len(programs) == 0 {
		return nil, false
	}
	d := &nsenter.Direct{Programs: programs}
	if home {
		d.Read = userdb.Path
	}
	add := func(nr uintptr, args ...uintptr) *nsenter.Call {
		c := nsenter.Call{Nr: nr}
		copy(c.Args[:], args)
		d.Calls = append(d.Calls, c)
		return &d.Calls[len(d.Calls)-1]
	}
	prctl := func(args ...uintptr) { add(unix.SYS_PRCTL, args...) }

	add(unix.SYS_SETSID)
	if b.NewKeyring {
		name, err := unix.BytePtrFromString(keys.SessionName(b.ID))
		if err != nil {
			return nil, false
		}
		c := add(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, uintptr(unsafe.Pointer(name)))
		c.Keep, c.Ignore[0] = name, unix.ENOSYS
	}
	if b.NoNewPrivileges {
		prctl(unix.PR_SET_NO_NEW_PRIVS, 1)
	}
	if b.Seccomp != nil {
		nr, args, keep := b.Seccomp.Call()
		c := nsenter.Call{Nr: nr, Args: [6]uintptr{args[0], args[1], args[2]}, Keep: keep}
		if b.NoNewPrivileges {
			d.Last = append(d.Last, c)
		} else {
			d.Calls = append(d.Calls, c)
		}
	}
	add(unix.SYS_CLOSE_RANGE, uintptr(3+b.Extra), 1<<31-1, unix.CLOSE_RANGE_CLOEXEC)
	cwd, err := unix.BytePtrFromString(b.Cwd)
	if err != nil {
		return nil, false
	}
	chdir := add(unix.SYS_CHDIR, uintptr(unsafe.Pointer(cwd)))
	chdir.Keep, chdir.Ignore = cwd, [...]syscall.Errno{unix.EPERM, unix.EACCES, unix.EACCES}
	asRoot := len(d.Calls)
	for _, n := range b.Caps.Unbound() {
		prctl(unix.PR_CAPBSET_DROP, n)
	}
	prctl(unix.PR_SET_KEEPCAPS, 1)
	l.chownCalls(stdio, add)
	if b.SetGroups {
		groups := make([]uint32, len(b.Groups)+1)
		for i, g := range b.Groups {
			groups[i] = uint32(g)
		}
		add(sysSetgroups, uintptr(len(b.Groups)), uintptr(unsafe.Pointer(&groups[0]))).Keep = groups
	}
	add(sysSetresgid, uintptr(b.GID), uintptr(b.GID), uintptr(b.GID))
	add(sysSetresuid, uintptr(b.UID), uintptr(b.UID), uintptr(b.UID))
	c := add(unix.SYS_CHDIR, uintptr(unsafe.Pointer(cwd)))
	c.Keep, c.Unless = cwd, asRoot
	path := make([]byte, unix.PathMax)
	c = add(unix.SYS_GETCWD, uintptr(unsafe.Pointer(&path[0])), unix.PathMax)
	c.Keep, c.Inside = path, &path[0]
	prctl(unix.PR_SET_KEEPCAPS, 0)
	hdr, data := b.Caps.Capset()
	add(unix.SYS_CAPSET, uintptr(unsafe.Pointer(hdr)), uintptr(unsafe.Pointer(&data[0]))).Keep = []any{hdr, data}
	if b.Caps.Inheritable != 0 {
		prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
		for n := range 64 {
			if b.Caps.Ambient.Has(n) {
				prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(n))
			}
		}
	}
	if b.ParentDeathSignal != 0 {
		prctl(unix.PR_SET_PDEATHSIG, uintptr(b.ParentDeathSignal))
	}
	return d, true
}

// chownCalls give the user those of its stdio that are not his, as
// console.ChownStdio does inside.
func (l *launch) chownCalls(stdio []*os.File, add func(nr uintptr, args ...uintptr) *nsenter.Call) {
	owner, err := l.c.config.HostUID(l.boot.UID)
	for i, f := range stdio {
		var st unix.Stat_t
		if f == nil || unix.Fstat(int(f.Fd()), &st) != nil {
			continue
		}
		isNull := st.Mode&unix.S_IFMT == unix.S_IFCHR && uint64(st.Rdev) == unix.Mkdev(1, 3)
		if isNull || err == nil && int64(st.Uid) == int64(owner) {
			continue
		}
		add(unix.SYS_FCHOWN, uintptr(i), uintptr(l.boot.UID), ^uintptr(0)).Ignore = [...]syscall.Errno{unix.EPERM, unix.EINVAL, unix.EROFS}
	}
}
