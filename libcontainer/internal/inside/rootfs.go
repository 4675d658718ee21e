package inside

import (
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
	"runc/libcontainer/rootfs"
)

// NeedsGo says what of the process's program no list of system calls can do, so
// that it takes `runc init`; "" for nothing.
func (b *Bootstrap) NeedsGo() string {
	switch {
	case len(b.CreateContainer) != 0:
		return "createContainer hooks"
	case len(b.StartContainer) != 0:
		return "startContainer hooks"
	case b.Seccomp != nil && b.Seccomp.Notify:
		return "a seccomp listener"
	case b.Rootfs != nil:
		return b.Rootfs.NeedsGo()
	}
	return ""
}

// rootfs makes the container's file system, and changes the root to it.
func (s *Setup) rootfs() {
	if s.init != nil {
		s.b.Go("root file system", func() error {
			i := s.init
			return s.Rootfs.Setup(rootfs.Env{
				Sources: i.askSources, Mounted: i.sendMounts, Hooks: i.hooksBeforePivot,
				Settled: i.awaitSaved, Terminal: s.HasConsole, Cwd: s.Cwd,
			})
		})
		return
	}
	s.steps = &rootfs.Steps{
		Builder: s.b, Terminal: s.HasConsole, Cwd: s.Cwd,
		Devices: s.askDevices, Sources: s.receiveSources,
	}
	if s.AskHooks {
		s.steps.Hooks = func() {
			s.ask(KindHooks, "wait for the runtime's hooks")
			// They may have run, so nothing can be done once more.
			s.b.Unsure = false
		}
	}
	s.b.Unsure = true
	if err := s.steps.Setup(s.Rootfs); err != nil {
		s.never(err)
	}
	s.b.Unsure = false
}

// askDevices waits for the device rules that the container keeps.
func (s *Setup) askDevices() { s.ask(KindDevices, "wait for the device rules") }

// receiveSources receives the sources that the runtime opens for an operation of
// the root file system's plan: one for each of the words.
func (s *Setup) receiveSources(op int, fds []*program.Slot) {
	b := s.b
	s.send(KindSources, uint64(op))
	const p = program.PointerSize
	iov := b.Space(2 * p)
	iov.Point(0, b.Space(4), 0)
	iov.Put(p, word64(1))
	cmsg := b.Space(unix.CmsgSpace(4 * len(fds)))
	hdr := b.Space(7 * p)
	hdr.Point(2*p, iov, 0)
	hdr.Put(3*p, word64(1))
	hdr.Point(4*p, cmsg, 0)
	hdr.Put(5*p, word64(uint64(unix.CmsgSpace(4*len(fds)))))
	n := b.Slot(0)
	b.Call("receive the sources of mounts", unix.SYS_RECVMSG, num(s.Sock), hdr.Addr(), num(unix.MSG_CMSG_CLOEXEC)).Into(n)
	b.Test(n.Addr(), ^uint32(0), 1, program.Quit())
	for i := range fds {
		fds[i] = cmsg.Slot(unix.CmsgLen(0) + 4*i)
	}
}

// devConsole shows the terminal as /dev/console.
func (s *Setup) devConsole(slave *program.Slot) {
	if s.init == nil {
		s.steps.AttachConsole(slave)
		return
	}
	s.b.Go("/dev/console", func() error {
		fd, err := unix.FcntlInt(uintptr(slave.Int()), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return os.NewSyscallError("fcntl(F_DUPFD_CLOEXEC)", err)
		}
		f := os.NewFile(uintptr(fd), "/dev/pts")
		defer f.Close()
		return s.Rootfs.Console(f)
	})
}

// paths makes paths read-only, and hides paths.
func (s *Setup) paths() {
	if s.init != nil {
		s.b.Go("read-only and masked paths", func() error {
			if err := s.Rootfs.ReadonlyPaths(); err != nil {
				return err
			}
			return s.Rootfs.MaskPaths()
		})
		return
	}
	s.b.Unsure = !s.AskHooks
	s.steps.ReadonlyPaths()
	s.steps.MaskPaths()
	s.b.Unsure = false
}
