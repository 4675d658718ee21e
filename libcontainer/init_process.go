package libcontainer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"

	"github.com/opencontainers/selinux/go-selinux"
	"golang.org/x/sys/unix"

	"runc/libcontainer/apparmor"
	"runc/libcontainer/capabilities"
	"runc/libcontainer/console"
	"runc/libcontainer/keys"
	"runc/libcontainer/procfs"
	"runc/libcontainer/rlimit"
	"runc/libcontainer/sched"
	"runc/libcontainer/system"
	"runc/libcontainer/userdb"
)

// joinContainer is what a process does that nsenter put into the namespaces of
// a running container.
func (i *initProcess) joinContainer() error {
	unix.Umask(int(i.Umask))
	if err := i.joinKeyring(); err != nil {
		return err
	}
	if i.HasConsole {
		if err := i.setUpConsole(); err != nil {
			return err
		}
	}
	if err := i.sendPidfd("setns"); err != nil {
		return err
	}
	if err := apparmor.ApplyProfile(i.AppArmorProfile); err != nil {
		return fmt.Errorf("unable to apply apparmor profile: %w (config.json: process.apparmorProfile)", err)
	}
	if err := i.setAttributes(); err != nil {
		return err
	}
	if err := i.askRlimits(); err != nil {
		return err
	}
	program, err := i.dropPrivileges()
	if err != nil {
		return err
	}
	i.debugf("setns_init: about to exec %s", program)
	// The socket closes when exec succeeds, which is what the runtime waits
	// for, and carries the reason when it does not.
	return i.become(program)
}

// joinKeyring joins the session keyring of the container's name, the one that
// its other processes have.
func (i *initProcess) joinKeyring() error {
	if !i.NewKeyring {
		return nil
	}
	return keys.JoinSession(keys.SessionName(i.ID), i.ProcessLabel, i.KeyringShare)
}

// askRlimits has the runtime set the limits, which may be above what we may
// raise them to.
func (i *initProcess) askRlimits() error {
	if !i.AskRlimits {
		return nil
	}
	// Else exec would put back the limit that Go saw when it started.
	if err := rlimit.RestoreNofile(); err != nil {
		return err
	}
	return i.ask(msgRlimits, nil)
}

// setAttributes sets what belongs to the process rather than the container.
func (i *initProcess) setAttributes() error {
	if i.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return &os.SyscallError{Syscall: "prctl(SET_NO_NEW_PRIVS)", Err: err}
		}
	}
	if i.Scheduler != nil {
		if err := sched.SetScheduler(i.Scheduler); err != nil {
			return fmt.Errorf("%w (config.json: process.scheduler)", err)
		}
	}
	if i.IOPriority != nil {
		if err := sched.SetIOPriority(i.IOPriority); err != nil {
			return fmt.Errorf("%w (config.json: process.ioPriority)", err)
		}
	}
	if i.Personality != nil {
		if err := sched.SetPersonality(i.Personality.Domain); err != nil {
			return fmt.Errorf("%w (config.json: linux.personality)", err)
		}
	}
	if i.MemoryPolicy != nil {
		if err := sched.SetMemoryPolicy(i.MemoryPolicy); err != nil {
			return fmt.Errorf("%w (config.json: linux.memoryPolicy)", err)
		}
	}
	return nil
}

// setUpConsole makes the terminal from inside, by the container's own devpts,
// so that /dev/console and /dev/pts show it, and hands its master out.
func (i *initProcess) setUpConsole() error {
	pty, err := console.Open()
	if err != nil {
		return err
	}
	defer pty.Close()
	if i.ConsoleWidth != 0 || i.ConsoleHeight != 0 {
		if err := pty.SetSize(i.ConsoleWidth, i.ConsoleHeight); err != nil {
			return err
		}
	}
	if err := pty.Chown(i.UID); err != nil {
		return err
	}
	if !i.Setns {
		if err := i.Rootfs.Console(pty.Slave); err != nil {
			return err
		}
	}
	if i.Console >= 0 {
		if err := console.SendFD(i.Console, pty.Name, int(pty.Master.Fd())); err != nil {
			return fmt.Errorf("console socket: %w", err)
		}
		unix.Close(i.Console)
	}
	return pty.Attach()
}

// sendPidfd sends a pidfd of this process to whoever asked for it.
func (i *initProcess) sendPidfd(kind string) error {
	if i.PidfdSock < 0 {
		return nil
	}
	pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return fmt.Errorf("pidfd socket: %w", os.NewSyscallError("pidfd_open", err))
	}
	defer unix.Close(pidfd)
	defer unix.Close(i.PidfdSock)
	if err := console.SendFD(i.PidfdSock, kind, pidfd); err != nil {
		return fmt.Errorf("pidfd socket: %w", err)
	}
	return nil
}

// dropPrivileges makes this process what the user's is to be, all but the
// program, which it looks up and gives back.
func (i *initProcess) dropPrivileges() (program string, err error) {
	if i.ProcessLabel != "" {
		if err := selinux.SetExecLabel(i.ProcessLabel); err != nil {
			return "", fmt.Errorf("can't set process label: %w (config.json: process.selinuxLabel)", err)
		}
	}
	i.fillHome()
	// All along they are close-on-exec; this is for those that came by fork
	// from a caller who was less careful.
	if err := system.CloseExecFrom(3 + i.Extra); err != nil {
		return "", fmt.Errorf("unable to set close-on-exec: %w", err)
	}
	// As root first: the user may not be able to search the way there. Else
	// as the user: root may not, on NFS or in a user namespace.
	doneCwd := false
	switch err := unix.Chdir(i.Cwd); err {
	case nil:
		doneCwd = true
	case unix.EPERM, unix.EACCES:
	default:
		return "", i.cwdError(err)
	}
	if err := i.Caps.ApplyBounding(); err != nil {
		return "", fmt.Errorf("unable to apply bounding set: %w", err)
	}
	if err := capabilities.KeepOnSetuid(true); err != nil {
		return "", err
	}
	if err := i.setUser(); err != nil {
		return "", err
	}
	if !doneCwd {
		if err := unix.Chdir(i.Cwd); err != nil {
			return "", i.cwdError(err)
		}
	}
	if err := verifyCwd(); err != nil {
		return "", err
	}
	if err := capabilities.KeepOnSetuid(false); err != nil {
		return "", err
	}
	caps := i.Caps
	if i.holdsAdmin() {
		caps = caps.Holding(capabilities.Admin)
	}
	if err := caps.Apply(); err != nil {
		return "", fmt.Errorf("unable to apply caps: %w", err)
	}
	// Changing ids has cleared it.
	if i.ParentDeathSignal != 0 {
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(i.ParentDeathSignal), 0, 0, 0); err != nil {
			return "", &os.SyscallError{Syscall: "prctl(SET_PDEATHSIG)", Err: err}
		}
	}
	return lookPath(i.Args[0], i.Env)
}

func (i *initProcess) cwdError(err error) error {
	return fmt.Errorf("chdir to cwd (%q) set in config.json failed: %w", i.Cwd, err)
}

// verifyCwd refuses a working directory outside the container's root, which
// the kernel shows by a path that does not start with / (CVE-2024-21626: a cwd
// of /proc/self/fd/N on a leaked fd of the host's).
func verifyCwd() error {
	var buf [unix.PathMax]byte
	n, err := unix.Getcwd(buf[:])
	if errors.Is(err, unix.ENOENT) || err == nil && (n < 2 || buf[0] != '/') {
		return errors.New("current working directory is outside of container mount namespace root -- possible container breakout detected")
	}
	if err != nil {
		return fmt.Errorf("failed to verify if current working directory is safe: %w", os.NewSyscallError("getcwd", err))
	}
	return nil
}

// fillHome sets HOME for programs that rely on it, as a login would.
func (i *initProcess) fillHome() {
	for n, kv := range i.Env {
		if v, ok := strings.CutPrefix(kv, "HOME="); ok {
			if v != "" {
				return
			}
			i.Env = append(i.Env[:n], i.Env[n+1:]...)
			break
		}
	}
	i.Env = append(i.Env, "HOME="+userdb.Home(i.UID))
}

func (i *initProcess) setUser() error {
	if err := console.ChownStdio(i.UID); err != nil {
		return err
	}
	if i.SetGroups {
		if err := setgroups(i.Groups); err != nil && !(err == unix.EPERM && setgroupsDenied()) {
			return fmt.Errorf("%w (config.json: process.user.additionalGids)", os.NewSyscallError("setgroups", err))
		}
	} else if len(i.Groups) != 0 {
		return errors.New("cannot set any additional groups in a rootless container (config.json: process.user.additionalGids)")
	}
	if err := setID("gid", i.GID, sysSetresgid); err != nil {
		return err
	}
	return setID("uid", i.UID, sysSetresuid)
}

// setgroupsDenied says whether nobody in this user namespace may change groups,
// since whoever mapped its ids could not otherwise (user_namespaces(7)). Nothing
// was gained by the caller's groups then, and nothing can be done about them.
func setgroupsDenied() bool {
	proc, err := procfs.Open()
	if err != nil {
		return false
	}
	defer proc.Close()
	f, err := proc.OpenFile("self/setgroups", unix.O_RDONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return err == nil && strings.TrimSpace(string(text)) == "deny"
}

// setID sets all three ids of a kind. Raw calls: the library's go to all
// threads, of which there are others that nobody needs to convince, exec ends
// them.
func setID(kind string, id int, call uintptr) error {
	_, _, e := unix.RawSyscall(call, uintptr(id), uintptr(id), uintptr(id))
	switch e {
	case 0:
		return nil
	case unix.EINVAL:
		return fmt.Errorf("cannot set %s to unmapped user in user namespace (config.json: process.user.%s)", kind, kind)
	}
	return os.NewSyscallError("setres"+kind, e)
}

// setgroups is the raw call for this thread alone.
func setgroups(groups []int) error {
	list := make([]uint32, len(groups))
	for n, g := range groups {
		list[n] = uint32(g)
	}
	_, _, e := unix.RawSyscall(sysSetgroups, uintptr(len(list)), uintptr(unsafe.Pointer(unsafe.SliceData(list))), 0)
	if e != 0 {
		return e
	}
	return nil
}
