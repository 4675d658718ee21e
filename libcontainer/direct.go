package libcontainer

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/capabilities"
	"runc/libcontainer/keys"
	"runc/libcontainer/nsenter"
	"runc/libcontainer/rlimit"
	"runc/libcontainer/seccomp"
	"runc/libcontainer/userdb"
)

// The short way into a container. A process that joins one needs `runc init`
// only for what takes decisions inside: a terminal, a label, a seccomp
// listener. Most have none of these, and all that is to be done for them is a
// list of system calls that is known beforehand (nsenter.Direct), and the start
// of a second Go program, which takes longer than all of it, is saved.
//
// The list knows no exceptions and no words: when anything in it fails, the
// child is dropped, nothing has happened yet, and the process is started the
// long way, by join.go, which then says what is wrong.

// canDirect says whether the process can go the short way.
func (l *launch) canDirect() bool {
	b, p := l.boot, l.p
	switch {
	case !nsenter.CanDirect(), os.Geteuid() != 0, l.plan.Exposed:
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
	calls := l.directCalls(stdio)
	calls.Env = env
	if len(calls.Programs) == 0 {
		return errIndirect
	}
	if err := rlimit.RestoreNofile(); err != nil {
		return err
	}
	plan := l.plan
	plan.Direct, plan.Files = new(nsenter.Direct), files
	if home {
		plan.Direct.Read = userdb.Path
	}
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
	child.Await = l.await
	run.pid, run.pidfd = child.Pid, child.PidFD
	debugf("nsexec container setup: process %d joins directly", child.Pid)
	l.child, l.run, l.p.run = child, run, run
	stop := context.AfterFunc(l.p.context(), l.p.abort)
	err = l.lead(child, enter, calls, home)
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
	debugf("not directly: %v; once more by init", err)
	l.child, l.run, l.p.run = nil, nil, nil
	return errIndirect
}

// lead takes a direct child up to its program.
func (l *launch) lead(child *nsenter.Child, enter func(pid int) error, calls *nsenter.Calls, home bool) error {
	if err := enter(child.Pid); err != nil {
		return err
	}
	passwd, more, err := child.Placed()
	if err != nil {
		return err
	}
	if home {
		if more {
			return errIndirect
		}
		calls.Env = append(slices.Clip(calls.Env), "HOME="+userdb.HomeIn(passwd, l.boot.UID))
	}
	if err := l.setRlimits(); err != nil {
		return err
	}
	debugf("setns_init: about to exec %s, by a list of %d programs to try", calls.Argv[0], len(calls.Programs))
	if err := child.Go(calls); err != nil {
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
func (l *launch) directCalls(stdio []*os.File) *nsenter.Calls {
	b := l.boot
	c := &nsenter.Calls{Programs: candidates(b.Args[0], b.Env), Argv: b.Args}
	prctl := func(args ...uintptr) {
		list := make([]nsenter.Arg, 5)
		for i, a := range args {
			list[i] = nsenter.Num(a)
		}
		c.Add(unix.SYS_PRCTL, list...)
	}
	ids := func(nr uintptr, id int) { c.Add(nr, nsenter.Num(id), nsenter.Num(id), nsenter.Num(id)) }

	// Executing the stub has made it dumpable again, should nsenter's way of
	// preventing that not have worked.
	prctl(unix.PR_SET_DUMPABLE, 0)
	c.Add(unix.SYS_SETSID)
	c.Add(unix.SYS_UMASK, nsenter.Num(b.Umask))
	if b.NewKeyring {
		c.AddIgnoring([]syscall.Errno{unix.ENOSYS}, unix.SYS_KEYCTL,
			nsenter.Num(unix.KEYCTL_JOIN_SESSION_KEYRING), nsenter.Text(keys.SessionName(b.ID)))
	}
	if b.NoNewPrivileges {
		prctl(unix.PR_SET_NO_NEW_PRIVS, 1)
	}
	c.Add(unix.SYS_CLOSE_RANGE, nsenter.Num(3+b.Extra), nsenter.Num(math.MaxInt32), nsenter.Num(unix.CLOSE_RANGE_CLOEXEC))
	c.Add(unix.SYS_CHDIR, nsenter.Text(b.Cwd))
	for _, n := range b.Caps.Unbound() {
		prctl(unix.PR_CAPBSET_DROP, n)
	}
	prctl(unix.PR_SET_KEEPCAPS, 1)
	l.chownCalls(stdio, c)
	if b.SetGroups {
		groups := []byte{}
		for _, g := range b.Groups {
			groups = binary.NativeEndian.AppendUint32(groups, uint32(g))
		}
		c.Add(sysSetgroups, nsenter.Num(len(b.Groups)), nsenter.Bytes(groups))
	}
	ids(sysSetresgid, b.GID)
	ids(sysSetresuid, b.UID)
	c.AddInside()
	prctl(unix.PR_SET_KEEPCAPS, 0)
	// Without no_new_privs the filter takes a capability, as in init_last.go.
	admin := b.Seccomp != nil && !b.NoNewPrivileges
	if admin {
		c.Add(unix.SYS_CAPSET, capsetArgs(b.Caps.Holding(capabilities.Admin))...)
	} else {
		c.Add(unix.SYS_CAPSET, capsetArgs(b.Caps)...)
	}
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
	if b.Seccomp != nil {
		c.AddLast(unix.SYS_SECCOMP, seccompArgs(b.Seccomp)...)
	}
	if admin {
		c.AddLast(unix.SYS_CAPSET, capsetArgs(b.Caps)...)
	}
	return c
}

func bytesOf[T any](p *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)) }

func capsetArgs(caps capabilities.Caps) []nsenter.Arg {
	hdr, data := caps.Capset()
	return []nsenter.Arg{nsenter.Bytes(bytesOf(hdr)), nsenter.Bytes(bytesOf(data))}
}

func seccompArgs(p *seccomp.Program) []nsenter.Arg {
	return []nsenter.Arg{nsenter.Num(unix.SECCOMP_SET_MODE_FILTER), nsenter.Num(p.LoneFlags()), nsenter.Filter(p.Filter)}
}

// chownCalls give the user those of its stdio that are not his, as
// console.ChownStdio does inside.
func (l *launch) chownCalls(stdio []*os.File, c *nsenter.Calls) {
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
		c.AddIgnoring([]syscall.Errno{unix.EPERM, unix.EINVAL, unix.EROFS}, unix.SYS_FCHOWN,
			nsenter.Num(i), nsenter.Num(l.boot.UID), nsenter.Num(-1))
	}
}
