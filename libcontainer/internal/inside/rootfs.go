package inside

import (
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
	"runc/libcontainer/rootfs"
)

// rootfs makes the container's file system, and changes the root to it.
func (s *Setup) rootfs() {
	s.inGo("root file system", func() error {
		i := s.init
		return s.Rootfs.Setup(rootfs.Env{
			Sources: i.askSources, Mounted: i.sendMounts, Hooks: i.hooksBeforePivot, Settled: i.awaitSaved, Terminal: s.HasConsole, Cwd: s.Cwd,
		})
	})
}

// devConsole shows the terminal as /dev/console.
func (s *Setup) devConsole(slave *program.Slot) {
	s.inGo("/dev/console", func() error {
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
	s.inGo("read-only and masked paths", func() error {
		if err := s.Rootfs.ReadonlyPaths(); err != nil {
			return err
		}
		return s.Rootfs.MaskPaths()
	})
}
