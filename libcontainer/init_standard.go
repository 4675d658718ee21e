package libcontainer

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/apparmor"
	"runc/libcontainer/configs"
	"runc/libcontainer/netdev"
	"runc/libcontainer/rootfs"
	"runc/libcontainer/sysctl"
)

// setUpContainer makes a container out of the namespaces that this process was
// born into, and becomes its first process. The order is part of the contract
// with existing callers: hooks, LSM profiles and seccomp rules were written
// against it.
func (i *initProcess) setUpContainer() error {
	// The container gets a session keyring of its own, so that it cannot read
	// the caller's keys (session-keyring(7)).
	if err := i.joinKeyring(); err != nil {
		return err
	}
	if err := i.openProcFDs(); err != nil {
		return err
	}
	if i.CgroupNS {
		// Only now: the namespace's root is the cgroup that we are in.
		if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
			return fmt.Errorf("unable to unshare the cgroup namespace: %w", err)
		}
	}
	if i.LoopbackUp {
		if err := netdev.LoUp(); err != nil {
			return err
		}
	}
	if err := i.Rootfs.Setup(rootfs.Env{
		Sources: i.askSources, Mounted: i.tellMounts, Hooks: i.hooksBeforePivot, Settled: i.awaitSaved, Terminal: i.HasConsole, Cwd: i.Cwd,
	}); err != nil {
		return err
	}
	i.debugf("standard init: root file system is set up")
	if i.HasConsole {
		// The device rules come with the limits, meanwhile they may deny all.
		if err := i.awaitSaved(); err != nil {
			return err
		}
		if err := i.setUpConsole(); err != nil {
			return err
		}
	}
	if err := i.sendPidfd("standard"); err != nil {
		return err
	}
	if i.Hostname != "" {
		if err := unix.Sethostname([]byte(i.Hostname)); err != nil {
			return fmt.Errorf("%w (config.json: hostname)", os.NewSyscallError("sethostname", err))
		}
	}
	if i.Domainname != "" {
		if err := unix.Setdomainname([]byte(i.Domainname)); err != nil {
			return fmt.Errorf("%w (config.json: domainname)", os.NewSyscallError("setdomainname", err))
		}
	}
	if err := apparmor.ApplyProfile(i.AppArmorProfile); err != nil {
		return fmt.Errorf("unable to apply apparmor profile: %w (config.json: process.apparmorProfile)", err)
	}
	if err := sysctl.Apply(i.Sysctl); err != nil {
		return err
	}
	if err := i.Rootfs.ReadonlyPaths(); err != nil {
		return err
	}
	if err := i.Rootfs.MaskPaths(); err != nil {
		return err
	}
	if err := i.setAttributes(); err != nil {
		return err
	}
	if err := i.askRlimits(); err != nil {
		return err
	}
	i.debugf("standard init: host name, labels, sysctl and paths are set; dropping privileges")
	program, err := i.dropPrivileges()
	if err != nil {
		return err
	}
	i.debugf("init: closing the socket to signal completion; then waiting for start at exec.fifo")
	return i.become(program)
}

// openProcFDs keeps a handle by which the O_PATH fd of exec.fifo can be opened
// after the root has changed. No path of the container's is ever trusted for
// that: it may be anything.
func (i *initProcess) openProcFDs() error {
	fd, err := unix.Open("/proc/self/fd", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/proc/self/fd", Err: err}
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || st.Type != unix.PROC_SUPER_MAGIC {
		return errors.New("/proc is not a proc file system")
	}
	i.procFDs = fd
	return nil
}

func (i *initProcess) hooksBeforePivot() error {
	if i.AskHooks {
		if err := i.ask(msgHooks, nil); err != nil {
			return err
		}
	}
	if len(i.CreateContainer) != 0 {
		// They find the limits set, and devices that can be opened.
		if err := i.awaitSaved(); err != nil {
			return err
		}
	}
	return i.runOwnHooks(configs.CreateContainer, i.CreateContainer, specs.StateCreating)
}

// runOwnHooks runs hooks that belong inside. The pid they are told is the one
// that this process has there.
func (i *initProcess) runOwnHooks(kind configs.HookName, list []configs.Hook, status specs.ContainerState) error {
	if len(list) == 0 {
		return nil
	}
	if kind == configs.StartContainer {
		for n := range list {
			if len(list[n].Env) == 0 {
				list[n].Env = i.Env
			}
		}
	}
	i.debugf("running %d %s hooks", len(list), kind)
	s := *i.State
	s.Pid, s.Status = os.Getpid(), status
	return runHooks(context.Background(), configs.Hooks{kind: list}, kind, &s)
}
