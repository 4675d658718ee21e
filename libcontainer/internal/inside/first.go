package inside

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
	"runc/libcontainer/keyring"
	"runc/libcontainer/sched"
	"runc/libcontainer/userdb"
)

// First builds the first part of the program: all that comes before the process
// drops its privileges. For a container's first process the order is part of the
// contract with existing callers: hooks, LSM profiles and seccomp rules were
// written against it.
func (s *Setup) First() *program.Builder {
	s.b = new(program.Builder)
	b := s.b
	s.prctl("PR_SET_NAME", unix.PR_SET_NAME, 0)
	b.Last().Arg(1, b.Text("runc:[2:INIT]"))
	// Until execve no process of the container may look into this one.
	s.prctl("PR_SET_DUMPABLE", unix.PR_SET_DUMPABLE, 0)
	// Away from the caller's terminal and its signals.
	b.Call("setsid", unix.SYS_SETSID)
	s.proc = program.Arg{}
	if s.Setns {
		b.Call("umask", unix.SYS_UMASK, num(s.Umask))
		s.keyring()
		s.console()
		s.appArmor()
	} else {
		s.standard()
	}
	s.attributes()
	if s.init == nil {
		s.passwd()
		proc := program.None
		if s.proc != (program.Arg{}) {
			proc = s.proc
		}
		s.send(KindFirst, 0, proc)
	}
	return b
}

// standard sets the container up.
func (s *Setup) standard() {
	b := s.b
	proc := b.Slot(-1)
	// Before the root file system: in a user namespace the kernel makes a procfs
	// only where a full one is to be seen.
	s.newProc(proc, true)
	s.proc = proc.Value()
	s.keyring()
	if s.CgroupNS {
		// Not by the clone: the namespace's root is the cgroup that its maker is
		// in, and the process is there only now.
		b.Call("unable to unshare the cgroup namespace", unix.SYS_UNSHARE, num(unix.CLONE_NEWCGROUP))
	}
	if s.LoopbackUp {
		s.loopback()
	}
	s.rootfs()
	s.visibleProc(proc)
	s.console()
	s.reopenNull()
	if s.Hostname != "" {
		b.Call("sethostname", unix.SYS_SETHOSTNAME, b.Text(s.Hostname), num(len(s.Hostname))).Hint("config.json: hostname")
	}
	if s.Domainname != "" {
		b.Call("setdomainname", unix.SYS_SETDOMAINNAME, b.Text(s.Domainname), num(len(s.Domainname))).Hint("config.json: domainname")
	}
	s.appArmor()
	s.sysctls()
	s.paths()
}

// reopenNull takes the container's own null device for stdio that is the host's,
// as runc does: a file of the host's /dev is then not open in the container, and
// a checkpoint finds the device by its path.
func (s *Setup) reopenNull() {
	if len(s.NullFDs) == 0 || s.HasConsole {
		return
	}
	b := s.b
	fd, none, other := b.Slot(-1), b.Label(), b.Label()
	b.Call("open /dev/null", unix.SYS_OPENAT, cwdFD, b.Text("/dev/null"), num(unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK), num(0)).
		Into(fd).Else(none, program.Any)
	st := s.statx("statx /dev/null", fd.Value(), "", unix.AT_EMPTY_PATH)
	b.Test(st.At(statxMode), half(unix.S_IFMT), half(unix.S_IFCHR), other)
	b.Test(st.At(statxRdevMajor), ^uint32(0), 1, other)
	b.Test(st.At(statxRdevMinor), ^uint32(0), 3, other)
	b.Call("fcntl(F_SETFL)", program.SysFcntl, fd.Value(), num(unix.F_SETFL), num(0))
	for _, std := range s.NullFDs {
		b.Call("dup3 of /dev/null", unix.SYS_DUP3, fd.Value(), num(std), num(0))
	}
	b.Place(other)
	s.close(fd.Value())
	b.Place(none)
}

// keyring joins the session keyring of the container's name, so that none of
// the caller's keys is found in it (session-keyring(7)).
func (s *Setup) keyring() {
	if !s.NewKeyring {
		return
	}
	b := s.b
	if s.ProcessLabel != "" {
		s.needProc()
		open, write := s.writeProc(s.proc, "thread-self/attr/keycreate", s.ProcessLabel)
		explain := func(errno unix.Errno) error {
			return fmt.Errorf("unable to join session keyring: set its label: %w", errno)
		}
		open.Explain(explain)
		write.Explain(explain)
	}
	ring := b.Slot(0)
	none := b.Label()
	b.Call("unable to join session keyring: unable to create session key", unix.SYS_KEYCTL,
		num(unix.KEYCTL_JOIN_SESSION_KEYRING), b.Text(keyring.SessionName(s.ID))).Into(ring).Else(none, unix.ENOSYS)
	if s.KeyringShare != keyring.ShareNone {
		// A keyring of that name that is there already may be another user's, who
		// has set its rights.
		b.Call("unable to join session keyring: set its permissions", unix.SYS_KEYCTL,
			num(unix.KEYCTL_SETPERM), ring.Value(), num(keyring.DefaultRights|uint32(s.KeyringShare))).Ignore(unix.EACCES)
	}
	b.Place(none)
	if s.ProcessLabel != "" {
		// Keys that the container's process makes later are its own affair.
		open, write := s.writeProc(s.proc, "thread-self/attr/keycreate", "")
		open.Ignore(program.Any)
		write.Ignore(program.Any)
	}
}

// loopback brings lo up.
func (s *Setup) loopback() {
	b := s.b
	fd := b.Slot(-1)
	// Device ioctls are answered by a socket of any family (netdevice(7)), and
	// AF_UNIX is the one that every kernel has.
	b.Call("bring up lo: socket", unix.SYS_SOCKET, num(unix.AF_UNIX), num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), num(0)).Into(fd)
	// A new lo has no other flag that this ioctl could clear.
	ifreq := b.Space(40)
	ifreq.Put(0, []byte("lo"))
	ifreq.Put(unix.IFNAMSIZ, u16(unix.IFF_UP))
	b.Call("bring up lo: ioctl SIOCSIFFLAGS", unix.SYS_IOCTL, fd.Value(), num(unix.SIOCSIFFLAGS), ifreq.Addr())
	s.close(fd.Value())
}

// attributes sets what belongs to the process rather than to the container.
func (s *Setup) attributes() {
	b := s.b
	if s.NoNewPrivileges {
		s.prctl("SET_NO_NEW_PRIVS", unix.PR_SET_NO_NEW_PRIVS, 1)
	}
	if s.Scheduler != nil {
		const what = "error setting scheduler: sched_setattr"
		attr, err := sched.Attr(s.Scheduler)
		if err != nil {
			s.never(fmt.Errorf("%w (config.json: process.scheduler)", err))
			return
		}
		b.Call(what, unix.SYS_SCHED_SETATTR, num(0), b.Mem(bytesOf(attr)).Addr(), num(0)).Explain(place(what, "process.scheduler"))
	}
	if s.IOPriority != nil {
		const what = "failed to set io priority: ioprio_set"
		value, err := sched.IOPriorityValue(s.IOPriority)
		if err != nil {
			s.never(fmt.Errorf("%w (config.json: process.ioPriority)", err))
			return
		}
		b.Call(what, unix.SYS_IOPRIO_SET, num(sched.IOPrioWhoProcess), num(0), num(value)).Explain(place(what, "process.ioPriority"))
	}
	if s.Personality != nil {
		const what = "unable to set personality: personality"
		b.Call(what, unix.SYS_PERSONALITY, num(s.Personality.Domain)).Explain(place(what, "linux.personality"))
	}
	if p := s.MemoryPolicy; p != nil {
		mask, bits := program.Arg{}, 0
		if len(p.Nodes) != 0 {
			m := unsafe.Slice((*byte)(unsafe.Pointer(&p.Nodes[0])), len(p.Nodes)*int(unsafe.Sizeof(p.Nodes[0])))
			// The kernel takes one bit less than it is told (get_nodes in
			// mm/mempolicy.c).
			mask, bits = b.Mem(m).Addr(), 8*len(m)+1
		}
		b.Call("set_mempolicy", unix.SYS_SET_MEMPOLICY, num(p.Mode|p.Flags), mask, num(bits)).Explain(func(errno unix.Errno) error {
			return fmt.Errorf("unable to set memory policy: mode %s with %d nodes: set_mempolicy: %w (config.json: linux.memoryPolicy)",
				sched.MemoryModeName(p.Mode), p.Nodes.Count(), errno)
		})
	}
}

// passwd sends the container's /etc/passwd when the environment has no HOME.
// The file is the image's: only a regular one is read, reached through no magic
// link of procfs. O_NONBLOCK keeps a FIFO from holding the process up.
func (s *Setup) passwd() {
	if _, missing := Homeless(s.Env); !missing {
		return
	}
	b := s.b
	fd, n := b.Slot(-1), b.Slot(0)
	none, closeIt := b.Label(), b.Label()
	have, old, otherwise := b.Label(), b.Label(), b.Label()
	s.openat2("open "+userdb.Path, cwdFD, userdb.Path, unix.O_NONBLOCK|unix.O_NOCTTY, unix.RESOLVE_NO_MAGICLINKS).Into(fd).
		Then(have).Ignore(program.Any)
	b.Test(fd.Addr(), ^uint32(0), negative(unix.ENOSYS), otherwise)
	b.Jump(old)
	b.Place(otherwise)
	b.Test(fd.Addr(), ^uint32(0), negative(unix.EPERM), none)
	b.Place(old)
	// Where openat2(2) is refused, the file must not be a link at all.
	b.Call("open "+userdb.Path, unix.SYS_OPENAT, cwdFD, b.Text(userdb.Path),
		num(unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_NOFOLLOW)).Into(fd).Else(none, program.Any)
	b.Place(have)
	st := s.statx("statx "+userdb.Path, fd.Value(), "", unix.AT_EMPTY_PATH)
	b.Last().Else(closeIt, program.Any)
	b.Test(st.At(statxMode), half(unix.S_IFMT), half(unix.S_IFREG), closeIt)
	// The runtime counts the bytes and ends a process that sends more than the
	// file had.
	b.Test(st.At(high(statxSize)), ^uint32(0), 0, closeIt)
	b.Test(st.At(low(statxSize)), ^uint32(MaxPasswd-1), 0, closeIt)
	const piece = 32 << 10
	buf := b.Buffer(piece)
	again, more := b.Here(), b.Label()
	b.Call("read "+userdb.Path, unix.SYS_READ, fd.Value(), buf.Addr(), num(piece)).Into(n).Else(closeIt, program.Any)
	b.Test(n.Addr(), ^uint32(0), 0, more)
	b.Jump(closeIt)
	b.Place(more)
	s.send(KindPasswd, 0, n.Value())
	b.Call("write", unix.SYS_WRITE, num(s.Sock), buf.Addr(), n.Value())
	b.Jump(again)
	b.Place(closeIt)
	s.close(fd.Value())
	b.Place(none)
}

// MaxPasswd bounds the size of an /etc/passwd that is read, in bytes. It is a
// power of 2.
const MaxPasswd = 16 << 20

func bytesOf[T any](p *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)) }

func u16(v uint16) []byte { return bytesOf(&v) }
