package libcontainer

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/opencontainers/selinux/go-selinux"

	"runc/libcontainer/cgroup"
	"runc/libcontainer/configs"
	"runc/libcontainer/nsenter"
	"runc/libcontainer/sched"
)

// join starts a process in a running container.
func (c *Container) join(p *Process) (err error) {
	var undo undoList
	defer func() {
		if err != nil {
			if cause := context.Cause(p.context()); cause != nil {
				err = fmt.Errorf("unable to start container process: %w", cause)
			}
			err = undo.run(err)
		}
	}()
	if err := p.Validate(); err != nil {
		return err
	}
	boot := c.newBootstrap(p)
	l := &launch{c: c, p: p, boot: boot}
	if boot.ProcessLabel != "" && !selinux.GetEnabled() {
		return errors.New("selinux label is specified in config, but selinux is disabled or not supported")
	}
	initFD, err := c.openInit()
	if errors.Is(err, ErrNotRunning) {
		return errNoExec
	} else if err != nil {
		return err
	}
	initFile := os.NewFile(uintptr(initFD), "pidfd")
	defer initFile.Close()

	// One setns(2) on init's pidfd joins them all, in the kernel's order, and
	// cannot meet another process that got the pid meanwhile (Linux 5.8).
	var flags uintptr
	for _, ns := range c.config.Namespaces {
		flags |= ns.Type.CloneFlag()
	}
	if flags != 0 {
		l.plan.Join = []nsenter.Join{{Flag: flags, File: initFile}}
	}
	l.plan.BecomeRoot = c.config.Namespaces.Contains(configs.NEWUSER)

	m, err := c.manager()
	if err != nil {
		return err
	}
	dir, err := m.ExecDir(p.SubCgroupPaths, c.initPid)
	if err != nil {
		return fmt.Errorf("unable to start container process: %w", err)
	}
	if dir != nil {
		defer dir.Close()
	}
	affinity := or(p.CPUAffinity, c.config.ExecCPUAffinity)
	if (affinity == nil || affinity.Initial == nil) && !c.paused {
		// With an initial affinity the process must not enter before it has it;
		// and frozen from its birth on it could not even tell its pid, without
		// which nobody can end it.
		l.plan.Cgroup = dir
	}
	if err := l.compileSeccomp(); err != nil {
		return fmt.Errorf("unable to start container process: %w", err)
	}
	if err := l.enter(); err != nil {
		return fmt.Errorf("unable to start container process: %w", err)
	}
	undo.add("the start of the process", l.kill)
	stop := context.AfterFunc(p.context(), p.abort)
	defer stop()
	if err := l.place(m, affinity); err != nil {
		return fmt.Errorf("unable to start container process: %w", err)
	}
	if err := l.begin(); err != nil {
		return err
	}
	p.meanwhile()
	if err := l.converse(nil, nil); err != nil {
		return fmt.Errorf("unable to start container process: %w%s", err, c.oomNote())
	}
	return nil
}

// place puts the process into its cgroups and onto its CPUs, from outside.
func (l *launch) place(m *cgroup.Manager, affinity *configs.CPUAffinity) error {
	c, p, pid := l.c, l.p, l.run.pid
	if affinity != nil && affinity.Initial != nil {
		if err := sched.SetAffinity(pid, affinity.Initial); err != nil {
			return fmt.Errorf("error setting initial CPU affinity: %w", err)
		}
		if Debug != nil {
			debugf("nsexec[%d]: affinity: %#x", pid, sched.AffinityMask(pid))
		}
	}
	if l.plan.Cgroup == nil {
		if err := m.JoinExec(p.SubCgroupPaths, c.initPid, pid); err != nil && !c.config.RootlessCgroups {
			return fmt.Errorf("error adding pid %d to cgroups: %w", pid, err)
		}
	}
	switch {
	case affinity != nil && affinity.Final != nil:
		if err := sched.SetAffinity(pid, affinity.Final); err != nil {
			return fmt.Errorf("error setting final CPU affinity: %w", err)
		}
	case affinity == nil || affinity.Initial == nil:
		if err := sched.ResetAffinity(pid); err != nil {
			return err
		}
	}
	if c.rdt != nil {
		if err := c.rdt.Join(pid); err != nil {
			return fmt.Errorf("error adding pid %d to Intel RDT: %w", pid, err)
		}
	}
	return l.setOOMScore()
}

// oomNote is added to what went wrong where being out of memory is likely why.
func (c *Container) oomNote() string {
	m, err := c.manager()
	if err != nil {
		return ""
	}
	if n, err := m.OOMKillCount(); err == nil && n > 0 {
		return " (possibly OOM-killed)"
	}
	return ""
}
