package nsenter

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// Messages of the carrier; 0 is a failed step.
const (
	// msgPid: Value is the pid of the process; Addr is 1 while that process is
	// one that makes the next, and 0 for the last one.
	msgPid = 100
	// msgMaps: the sender is in the new user namespace, and waits for a byte.
	msgMaps = 101
)

// numbers are the fds that a carrier has.
type numbers struct {
	files  int // Files have the numbers below it
	sock   int
	exe    int // -1 without Exec
	joins  []int
	cgroup int // -1 for none
	// carrier is the carrier's executable, above all others.
	carrier int
}

// numbers lays out the carrier's fds: first those that the process keeps.
func (p *Plan) numbers() numbers {
	n := numbers{files: len(p.Files), sock: len(p.Files), exe: -1, cgroup: -1}
	next := n.sock + 1
	if p.Exec != nil {
		n.exe = next
		next++
	}
	for range p.Join {
		n.joins = append(n.joins, next)
		next++
	}
	if p.Cgroup != nil {
		n.cgroup = next
		next++
	}
	n.carrier = next
	return n
}

// enter is the carrier's program.
type enter struct {
	program.Builder
	p *Plan
	n numbers
	// quit ends the process without a word: the runtime has died.
	quit *program.Label
}

func num[T ~int | ~uint | ~uintptr | ~int32 | ~uint32 | ~uint64](n T) program.Arg {
	return program.Num(n)
}

// program makes the program of the carrier, up to the process that is wanted:
// that one executes Plan.Exec, or goes on to wait for pieces.
func (p *Plan) program() *enter {
	b := &enter{p: p, n: p.numbers()}
	b.quit = b.Label()
	newUser := p.New&unix.CLONE_NEWUSER != 0
	newTime := p.New&unix.CLONE_NEWTIME != 0
	if p.relay {
		report := b.newMessage(msgPid, 1)
		b.Call("getpid", unix.SYS_GETPID).Into(report.Slot(4))
		b.send(report)
	}
	b.closeOthers()
	if p.Cgroup != nil {
		b.intoCgroup()
	}
	clock := b.Slot(-1)
	if p.TimeOffsets != "" {
		// It is the file of the process that makes the namespace, and belongs to
		// that process as long as the process is dumpable. The kernel
		// asks for the rights of the process that opened it.
		b.Call("time namespace (config.json: linux.timeOffsets): open timens_offsets", unix.SYS_OPENAT,
			num(unix.AT_FDCWD), b.Text("/proc/self/timens_offsets"), num(unix.O_WRONLY|unix.O_CLOEXEC)).Into(clock)
	}
	// Nobody in the container may trace the process before it is the user's.
	// Only the owner of a process's /proc/PID files may write its id maps, which
	// a non-dumpable process does not leave to an ordinary user.
	if !newUser {
		b.notDumpable()
	}
	b.enterNamespaces(newUser)
	if p.BecomeRoot {
		// setgroups is denied where an unprivileged user mapped the groups. The
		// caller's groups stay then, as the kernel wants it.
		b.Call("setgroups", program.SysSetgroups).Ignore(program.Any)
		b.Call("become group root of the user namespace", program.SysSetresgid)
		b.Call("become root of the user namespace", program.SysSetresuid)
	}
	if newTime {
		b.Call("time namespace (config.json: linux.timeOffsets): unshare", unix.SYS_UNSHARE, num(unix.CLONE_NEWTIME))
		if p.TimeOffsets != "" {
			b.Call("time namespace (config.json: linux.timeOffsets): write timens_offsets", unix.SYS_WRITE,
				clock.Value(), b.Text(p.TimeOffsets), num(len(p.TimeOffsets)))
		}
	}
	rest := p.New &^ (unix.CLONE_NEWUSER | unix.CLONE_NEWTIME | unix.CLONE_NEWCGROUP)
	b.clone(uint64(rest), -1, 0, func(errno syscall.Errno) error {
		return fmt.Errorf("clone into new namespaces (%s): %w", flagNames(rest), errno)
	})
	b.closeOwn()
	b.defaultSignals()
	if p.Exec != nil {
		b.exec()
	} else {
		b.Jump(program.Idle())
	}
	b.Place(b.quit)
	b.Call("exit_group", unix.SYS_EXIT_GROUP, num(program.ExitAlone))
	return b
}

func (b *enter) notDumpable() {
	b.Call("prctl(PR_SET_DUMPABLE)", unix.SYS_PRCTL, num(unix.PR_SET_DUMPABLE), num(0), num(0), num(0), num(0))
}

// newMessage lays a message out. Its value is the word at byte 4.
func (b *enter) newMessage(kind uint32, addr uint64) *program.Mem {
	e := binary.NativeEndian
	return b.Mem(e.AppendUint64(e.AppendUint32(e.AppendUint32(nil, kind), 0), addr))
}

func (b *enter) send(m *program.Mem) {
	b.Call("write", unix.SYS_WRITE, num(b.n.sock), m.Addr(), num(program.MessageSize))
}

// clone makes a child, in which the program goes on. Its maker sends the
// child's pid and ends. cgroup is the number of a folder's fd, or -1.
func (b *enter) clone(flags uint64, cgroup int, more uint64, explain func(syscall.Errno) error) {
	const exit, cgroupAt, size = 32, 80, 88 // offsets in struct clone_args (clone(2))
	args := make([]byte, size)
	flags |= unix.CLONE_PARENT
	if cgroup >= 0 {
		flags |= unix.CLONE_INTO_CGROUP
		binary.NativeEndian.PutUint64(args[cgroupAt:], uint64(cgroup))
	}
	binary.NativeEndian.PutUint64(args, flags)
	report := b.newMessage(msgPid, more)
	pid := report.Slot(4)
	made := b.Label()
	call := b.Call("clone3", unix.SYS_CLONE3, b.Mem(args).Addr(), num(size)).Into(pid).Explain(explain).Then(made)
	if cgroup < 0 {
		// Older container hosts deny clone3, whose arguments no filter can see.
		// clone(2) can do the same. Its exit signal has to be given.
		old := b.Label()
		call.Else(old, unix.ENOSYS, unix.EPERM)
		b.Place(old)
		b.Call("clone", unix.SYS_CLONE, num(flags|uint64(unix.SIGCHLD)), num(0), num(0), num(0), num(0)).Into(pid).Explain(explain)
	}
	b.Place(made)
	parent, child := b.Label(), b.Label()
	b.Test(pid.Addr(), ^uint32(0), 0, parent)
	b.Jump(child)
	b.Place(parent)
	b.send(report)
	b.Call("exit_group", unix.SYS_EXIT_GROUP, num(0))
	b.Place(child)
}

// intoCgroup makes a process that is born in the cgroup. That happens before
// anything is joined, for the folder's fd leads to the host's cgroups: nobody in
// the container may ever see a process that holds it.
func (b *enter) intoCgroup() {
	b.clone(0, b.n.cgroup, 1, intoCgroup)
	b.Call("close", unix.SYS_CLOSE, num(b.n.cgroup))
}

func (b *enter) setns(fd int, flag uintptr) *program.Step {
	return b.Call("join "+flagNames(flag)+" namespace", unix.SYS_SETNS, num(fd), num(flag))
}

// enterNamespaces joins namespaces and makes the user namespace. A namespace
// that the user namespace does not own can only be joined with the caller's
// rights, before the user namespace; one that it owns may need the rights that
// the user namespace gives (setns(2)).
func (b *enter) enterNamespaces(newUser bool) {
	var joined uintptr
	for _, j := range b.p.Join {
		joined |= j.Flag
	}
	if !newUser && joined&unix.CLONE_NEWUSER == 0 {
		b.joinAll(func(_ int, flag uintptr) bool { return flag&unix.CLONE_NEWNS == 0 })
		b.joinAll(func(_ int, flag uintptr) bool { return flag&unix.CLONE_NEWNS != 0 })
		return
	}
	done := b.Label()
	if len(b.p.Join) == 1 && joined&(joined-1) != 0 {
		// A pidfd: the kernel joins all at once, unless one is not owned by the
		// user namespace.
		apart := b.Label()
		b.setns(b.n.joins[0], joined).Then(done).Else(apart, unix.EPERM)
		b.Place(apart)
	}
	// failed[i]: the bits of the join i that were refused before.
	type one struct {
		fd   int
		flag uintptr
		left *program.Slot
	}
	var others []one
	for i, j := range b.p.Join {
		for _, n := range nsNames {
			if j.Flag&n.flag == 0 || n.flag == unix.CLONE_NEWUSER || n.flag == unix.CLONE_NEWNS {
				continue
			}
			o := one{b.n.joins[i], n.flag, b.Slot(-1)}
			// A time namespace has no owner's rights to be joined by before, but
			// that of the user namespace does not depend on the order.
			b.setns(o.fd, o.flag).Into(o.left).Ignore(unix.EPERM)
			others = append(others, o)
		}
	}
	if newUser {
		b.Call("clone into new namespaces (user)", unix.SYS_UNSHARE, num(unix.CLONE_NEWUSER))
		b.send(b.newMessage(msgMaps, 0))
		answer, n := b.Space(4), b.Slot(0)
		b.Call("wait for the user namespace's maps", unix.SYS_RECVFROM, num(b.n.sock), answer.Addr(), num(1), num(0), num(0), num(0)).Into(n)
		b.Test(n.Addr(), ^uint32(0), 1, b.quit)
		b.notDumpable()
	}
	for i, j := range b.p.Join {
		if j.Flag&unix.CLONE_NEWUSER != 0 {
			b.setns(b.n.joins[i], unix.CLONE_NEWUSER)
		}
	}
	for _, o := range others {
		again, next := b.Label(), b.Label()
		b.Test(o.left.Addr(), ^uint32(0), 0, again)
		b.Jump(next)
		b.Place(again)
		b.setns(o.fd, o.flag)
		b.Place(next)
	}
	for i, j := range b.p.Join {
		if j.Flag&unix.CLONE_NEWNS != 0 {
			b.setns(b.n.joins[i], unix.CLONE_NEWNS)
		}
	}
	b.Place(done)
}

func (b *enter) joinAll(which func(i int, flag uintptr) bool) {
	for i, j := range b.p.Join {
		if which(i, j.Flag) {
			b.setns(b.n.joins[i], j.Flag)
		}
	}
}

// defaultSignals undoes that the caller ignores signals: an ignored signal stays
// ignored across execve(2), and what a shell's background job or nohup(1)
// ignores must not be ignored in the container.
func (b *enter) defaultSignals() {
	const sigset = 8
	action := b.Space(64) // struct sigaction, all zero: SIG_DFL
	for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTSTP, unix.SIGCONT, unix.SIGTTIN, unix.SIGTTOU} {
		b.Call("rt_sigaction", unix.SYS_RT_SIGACTION, num(int(sig)), action.Addr(), num(0), num(sigset))
	}
}

// exec ends the program of a process that executes Plan.Exec.
func (b *enter) exec() {
	e := b.p.Exec
	for _, fd := range []int{b.n.sock, b.n.exe} {
		b.Call("fcntl(F_SETFD)", program.SysFcntl, num(fd), num(unix.F_SETFD), num(unix.FD_CLOEXEC))
	}
	// The kernel makes a new image dumpable unless its real and effective ids
	// differ (begin_new_exec in fs/exec.c; fs.suid_dumpable is 0 or 2). So the
	// real gid is made to differ, and nobody can trace the process before it
	// forbids that itself. 65534 is mapped in the initial user namespace, 1 in
	// most others; where neither is, `runc init` is dumpable for a moment.
	for _, gid := range []int{65534, 1} {
		b.Call("setresgid", program.SysSetresgid, num(gid), program.None, program.None).Ignore(program.Any)
	}
	b.Call("exec init", unix.SYS_EXECVEAT, num(b.n.exe), b.Text(""), b.Strings(e.Argv).Addr(), b.Strings(e.Env).Addr(), num(unix.AT_EMPTY_PATH)).
		Explain(func(errno syscall.Errno) error {
			if errno == unix.ENOENT {
				// Of a file that is open: its interpreter is meant (execve(2)).
				return fmt.Errorf("exec init: %w (the runtime is linked dynamically, which does not work inside containers: build it with CGO_ENABLED=0)", errno)
			}
			return fmt.Errorf("exec init: %w", errno)
		})
}
