package inside

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/capabilities"
	"runc/libcontainer/configs"
	"runc/libcontainer/internal/program"
	"runc/libcontainer/seccomp"
)

// FifoFilename is the name of exec.fifo in a container's state folder.
const FifoFilename = "exec.fifo"

// Homeless is the environment without an empty HOME, and whether one has to be
// found.
func Homeless(env []string) (rest []string, missing bool) {
	for n, kv := range env {
		if v, ok := strings.CutPrefix(kv, "HOME="); ok {
			if v != "" {
				return env, false
			}
			return append(append([]string(nil), env[:n]...), env[n+1:]...), true
		}
	}
	return env, true
}

// Last builds the last part of the program: it makes the process what the
// user's is to be, and executes the user's program. home is the user's home,
// for an environment without HOME; proc is the number that the first part gave
// by KindFirst.
//
// Without no_new_privs only a process with CAP_SYS_ADMIN may load a seccomp
// filter (seccomp(2)). All but that capability is dropped by then:
//
//	no_new_privs off     no_new_privs on
//	filter, listener
//	capabilities
//	ready                ready
//	                     filter, listener
//	close the socket     close the socket     first process only
//	open exec.fifo       open exec.fifo       first process only
//	hooks                hooks                first process only
//	exec                 exec
func (s *Setup) Last(home string, proc int) *program.Builder {
	s.b = new(program.Builder)
	b := s.b
	s.proc = program.Arg{}
	if proc >= 0 {
		s.proc = num(proc)
	}
	env, missing := Homeless(s.Env)
	if missing {
		env = append(env[:len(env):len(env)], "HOME="+home)
	}
	s.selinuxExec()
	// All files are close-on-exec from the start. This is for those that came by
	// fork from a caller that was less careful.
	s.closeExec()
	cwd := b.Slot(-1)
	// As root first: the user may not be able to search the way there. Else as
	// the user: root may not, on NFS or in a user namespace.
	cwdError := func(errno unix.Errno) error {
		return fmt.Errorf("chdir to cwd (%q) set in config.json failed: %w", s.Cwd, errno)
	}
	b.Call("chdir", unix.SYS_CHDIR, b.Text(s.Cwd)).Into(cwd).Ignore(unix.EPERM, unix.EACCES).Explain(cwdError)
	s.bounding()
	s.prctl("PR_SET_KEEPCAPS", unix.PR_SET_KEEPCAPS, 1)
	s.user()
	again, inside := b.Label(), b.Label()
	b.Test(cwd.Addr(), ^uint32(0), 0, again)
	b.Jump(inside)
	b.Place(again)
	b.Call("chdir", unix.SYS_CHDIR, b.Text(s.Cwd)).Explain(cwdError)
	b.Place(inside)
	s.verifyCwd()
	s.prctl("PR_SET_KEEPCAPS", unix.PR_SET_KEEPCAPS, 0)
	admin := s.Seccomp != nil && !s.NoNewPrivileges
	if admin {
		s.capset(s.Caps.Holding(capabilities.Admin))
	} else {
		s.capset(s.Caps)
	}
	s.ambient()
	if s.ParentDeathSignal != 0 {
		// The change of ids has cleared it.
		s.prctl("SET_PDEATHSIG", unix.PR_SET_PDEATHSIG, uintptr(s.ParentDeathSignal))
	}
	path := s.lookUp()
	if s.init != nil && !s.Setns {
		b.Go("wait for the state file", s.init.awaitSaved)
	}
	if admin {
		s.filter()
		s.capset(s.Caps)
	}
	s.send(KindReady, 0)
	b.Last().What = "unable to tell that init is ready: write"
	if !admin {
		s.filter()
	}
	if !s.Setns {
		s.awaitStart()
	}
	if len(s.StartContainer) != 0 {
		for n := range s.StartContainer {
			if len(s.StartContainer[n].Env) == 0 {
				s.StartContainer[n].Env = env
			}
		}
		s.inGo("startContainer hooks", func() error {
			return s.init.runOwnHooks(configs.StartContainer, s.StartContainer, specs.StateCreated)
		})
	}
	s.exec(path, env)
	return b
}

// closeExec has the kernel close at execve(2) all files but those that the user's
// program is to have. Where close_range(2) has no such flag, before Linux 5.11,
// or is refused, these are the files without it: nsenter has closed all others.
func (s *Setup) closeExec() {
	b := s.b
	each, done := b.Label(), b.Label()
	b.Call("unable to set close-on-exec: close_range", unix.SYS_CLOSE_RANGE, num(3+s.Extra), num(^uint32(0)>>1), num(unix.CLOSE_RANGE_CLOEXEC)).
		Then(done).Else(each, unix.ENOSYS, unix.EPERM, unix.EINVAL)
	b.Place(each)
	for _, fd := range []int{s.Sock, s.Fifo} {
		if fd >= 0 {
			b.Call("unable to set close-on-exec: fcntl", program.SysFcntl, num(fd), num(unix.F_SETFD), num(unix.FD_CLOEXEC))
		}
	}
	b.Place(done)
}

// user gives the process the ids of its user.
func (s *Setup) user() {
	b := s.b
	for _, fd := range s.ChownFDs {
		// A file whose owner the user namespace does not know, or on a read-only
		// file system, stays as it is.
		b.Call(fmt.Sprintf("give fd %d to user %d: fchown", fd, s.UID), program.SysFchown, num(fd), num(s.UID), program.None).
			Ignore(unix.EPERM, unix.EINVAL, unix.EROFS)
	}
	switch {
	case s.SetGroups:
		var list []byte
		for _, g := range s.Groups {
			list = binary.NativeEndian.AppendUint32(list, uint32(g))
		}
		denied, done := b.Label(), b.Label()
		explain := place("setgroups", "process.user.additionalGids")
		b.Call("setgroups", program.SysSetgroups, num(len(s.Groups)), b.Mem(list).Addr()).Then(done).Else(denied, unix.EPERM).Explain(explain)
		b.Place(denied)
		s.setgroupsDenied(explain)
		b.Place(done)
	case len(s.Groups) != 0:
		s.never(errors.New("cannot set any additional groups in a rootless container (config.json: process.user.additionalGids)"))
	}
	for _, id := range []struct {
		kind string
		nr   uintptr
		id   int
	}{{"gid", program.SysSetresgid, s.GID}, {"uid", program.SysSetresuid, s.UID}} {
		b.Call("setres"+id.kind, id.nr, num(id.id), num(id.id), num(id.id)).Explain(func(errno unix.Errno) error {
			if errno == unix.EINVAL {
				return fmt.Errorf("cannot set %s to unmapped user in user namespace (config.json: process.user.%s)", id.kind, id.kind)
			}
			return fmt.Errorf("setres%s: %w", id.kind, errno)
		})
	}
}

// setgroupsDenied accepts that the groups stay where nobody in this user
// namespace may change groups, since the process that mapped its ids could not
// otherwise (user_namespaces(7)). Nothing was gained by the caller's groups then.
func (s *Setup) setgroupsDenied(explain func(unix.Errno) error) {
	b := s.b
	had := s.proc
	s.needProc()
	proc := s.proc
	s.proc = had
	fd, refused, end := b.Slot(-1), b.Label(), b.Label()
	text := b.Space(8)
	s.openProc(proc, "self/setgroups", unix.O_RDONLY, fd).Else(refused, program.Any)
	b.Call("read /proc/self/setgroups", unix.SYS_READ, fd.Value(), text.Addr(), num(4)).Else(refused, program.Any)
	s.close(fd.Value())
	b.Test(text.Addr(), ^uint32(0), binary.NativeEndian.Uint32([]byte("deny")), refused)
	b.Jump(end)
	b.Place(refused)
	s.never(explain(unix.EPERM))
	b.Place(end)
}

// verifyCwd refuses a working directory outside the container's root, which
// the kernel shows by a path that does not start with / (CVE-2024-21626: a cwd
// of /proc/self/fd/N on a leaked fd of the host's).
func (s *Setup) verifyCwd() {
	b := s.b
	out := errors.New("current working directory is outside of container mount namespace root -- possible container breakout detected")
	buf := b.Buffer(unix.PathMax)
	outside, inside := b.Label(), b.Label()
	b.Call("failed to verify if current working directory is safe: getcwd", unix.SYS_GETCWD, buf.Addr(), num(unix.PathMax)).Else(outside, unix.ENOENT)
	first := uint32('/')
	mask := uint32(0xff)
	if bigEndian {
		first, mask = first<<24, mask<<24
	}
	b.Test(buf.Addr(), mask, first, outside)
	b.Jump(inside)
	b.Place(outside)
	s.never(out)
	b.Place(inside)
}

// bounding drops capabilities from the bounding set, which takes CAP_SETPCAP. A
// capability that stays in the set because it may not be dropped is an error: it
// would come back with the first set-user-ID program.
func (s *Setup) bounding() {
	b := s.b
	list := s.Caps.Unbound()
	fail := func(n uintptr) func(unix.Errno) error {
		return func(errno unix.Errno) error {
			return fmt.Errorf("unable to apply bounding set: drop %s from the bounding set: %w", capabilities.Name(int(n)), errno)
		}
	}
	if s.MayDrop {
		for _, n := range list {
			s.prctl("PR_CAPBSET_DROP", unix.PR_CAPBSET_DROP, n).Explain(fail(n))
		}
		return
	}
	check, done := b.Label(), b.Label()
	for _, n := range list {
		s.prctl("PR_CAPBSET_DROP", unix.PR_CAPBSET_DROP, n).Else(check, unix.EPERM).Explain(fail(n))
	}
	b.Jump(done)
	b.Place(check)
	has := b.Slot(0)
	for _, n := range list {
		next := b.Label()
		s.prctl("PR_CAPBSET_READ", unix.PR_CAPBSET_READ, n).Into(has).Explain(fail(n))
		b.Test(has.Addr(), ^uint32(0), 1, next)
		s.never(fail(n)(unix.EPERM))
		b.Place(next)
	}
	b.Place(done)
}

func (s *Setup) capset(caps capabilities.Caps) {
	hdr, data := caps.Capset()
	s.b.Call("unable to apply caps: capset", unix.SYS_CAPSET, s.b.Mem(bytesOf(hdr)).Addr(), s.b.Mem(bytesOf(data)).Addr())
}

// ambient raises the ambient capabilities. capset lowers the ambient set to what
// is permitted and inheritable, so with nothing inheritable it is empty.
func (s *Setup) ambient() {
	if s.Caps.Inheritable == 0 {
		return
	}
	b := s.b
	s.prctl("PR_CAP_AMBIENT_CLEAR_ALL", unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	for n := range 64 {
		if !s.Caps.Ambient.Has(n) {
			continue
		}
		result := b.Slot(0)
		raised := b.Label()
		s.prctl("PR_CAP_AMBIENT_RAISE", unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(n)).Into(result).Then(raised).Ignore(program.Any)
		s.send(KindAmbient, uint64(n), result.Value())
		b.Place(raised)
	}
}

// filter puts the seccomp filter on the process.
func (s *Setup) filter() {
	p := s.Seccomp
	if p == nil {
		return
	}
	b := s.b
	// TSYNC has no other thread that lives to see the user's program.
	flags := p.LoneFlags()
	listener := b.Slot(-1)
	done := -1
	if s.init != nil {
		flags = p.Prepare()
	}
	if p.Notify {
		if s.init == nil {
			s.unable = "seccomp listener"
			return
		}
		var err error
		if done, err = s.init.closeListener(listener); err != nil {
			s.never(err)
			return
		}
	}
	prog := b.Space(program.PointerSize * 2) // struct sock_fprog
	prog.Put(0, u16(uint16(len(p.Filter)/seccomp.SizeofInsn)))
	prog.Point(program.PointerSize, b.Mem(p.Filter), 0)
	b.Call("unable to init seccomp", unix.SYS_SECCOMP, num(unix.SECCOMP_SET_MODE_FILTER), num(flags), prog.Addr()).Into(listener).
		Explain(func(errno unix.Errno) error { return fmt.Errorf("unable to init seccomp: %w", p.Refused(flags, errno)) })
	if p.Notify {
		s.send(KindListener, 0, listener.Value()).What = "unable to hand out the seccomp listener: write"
		b.Call("read", unix.SYS_READ, num(done), b.Space(4).Addr(), num(1)).Ignore(program.Any)
	}
}

// awaitStart blocks until somebody opens exec.fifo for reading: `runc start`.
// One byte says that the process is past all that could fail. The handle that
// exec.fifo came with can only be opened by its name in procfs.
func (s *Setup) awaitStart() {
	b := s.b
	b.Call("unable to close the socket to the runtime: close", unix.SYS_CLOSE, num(s.Sock))
	fd := b.Slot(-1)
	fail, opened := b.Label(), b.Label()
	const what = "open exec fifo " + FifoFilename
	b.Call(what, unix.SYS_OPENAT, s.proc, b.Text(fmt.Sprintf("self/fd/%d", s.Fifo)), num(unix.O_WRONLY|unix.O_CLOEXEC)).Into(fd).Then(opened).Else(fail, program.Any)
	b.Place(fail)
	s.die(what, fd, unix.EPERM, unix.ENOSYS, unix.EACCES, unix.ENOENT)
	b.Place(opened)
	const say = "write exec fifo " + FifoFilename
	result := b.Slot(0)
	written := b.Label()
	b.Call(say, unix.SYS_WRITE, fd.Value(), b.Text("0"), num(1)).Into(result).Then(written).Ignore(program.Any)
	s.die(say, result, unix.EPERM, unix.EPIPE)
	b.Place(written)
	if len(s.StartContainer) == 0 {
		return // exec closes them
	}
	s.close(fd.Value())
	s.close(num(s.Fifo))
	s.close(s.proc)
}

// exec executes the program, whose path was looked up.
func (s *Setup) exec(path *program.Slot, env []string) {
	b := s.b
	argv, envv := b.Strings(s.Args), b.Strings(env)
	result := b.Slot(0)
	for i, c := range s.candidates() {
		next := b.Label()
		b.Test(path.Addr(), ^uint32(0), uint32(i), next)
		what := "exec " + c.path
		call := b.Call(what, unix.SYS_EXECVE, b.Text(c.path), argv.Addr(), envv.Addr())
		if !s.Setns {
			call.Into(result).Ignore(program.Any)
			s.die(what, result, unix.ENOENT, unix.EACCES, unix.ENOEXEC, unix.EPERM, unix.ENOSYS, unix.E2BIG, unix.ENOMEM, unix.ELOOP, unix.ETXTBSY, unix.EINVAL, unix.EIO)
		}
		b.Place(next)
	}
}

// die ends a process that nobody listens to any more: with the step's name and
// the error on its standard error.
func (s *Setup) die(what string, errno *program.Slot, known ...unix.Errno) {
	b := s.b
	hint := ""
	if s.Seccomp != nil {
		hint = " (denied by the seccomp filter? config.json: linux.seccomp)"
	}
	end := b.Label()
	say := func(text string) {
		b.Call("write", unix.SYS_WRITE, num(2), b.Text(text), num(len(text))).Ignore(program.Any)
	}
	for _, e := range known {
		next := b.Label()
		b.Test(errno.Addr(), ^uint32(0), negative(e), next)
		text := what + ": " + e.Error()
		if e == unix.EPERM || e == unix.ENOSYS {
			text += hint
		}
		say(text + "\n")
		b.Jump(end)
		b.Place(next)
	}
	say(what + ": failed\n")
	b.Place(end)
	b.Call("exit_group", unix.SYS_EXIT_GROUP, num(exitUntold)).Ignore(program.Any)
	// A filter may deny exit_group. A read from address 0 ends the process.
	b.Call("exit", unix.SYS_EXIT, num(exitUntold)).Ignore(program.Any)
	b.Crash()
}

// exitUntold is the status of a process that could not tell the runtime why it
// ended.
const exitUntold = 255
