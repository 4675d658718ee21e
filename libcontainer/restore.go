package libcontainer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"runc/internal/cmdstart"
	"runc/libcontainer/cgroup"
	"runc/libcontainer/configs"
	"runc/libcontainer/internal/criu"
	"runc/libcontainer/internal/inside"
	"runc/libcontainer/netdev"
	"runc/libcontainer/rootfs"
)

// criuRoot is the folder in the container's own on which CRIU finds the root.
const criuRoot = "criu-root"

// Restore has CRIU make the processes of a checkpointed container, which then
// run. It is to a container that was just made by [Create] what Start and Exec
// are. p says what the first process gets from outside: stdio, a console. On
// error no process is left, nor what was made for it; the container still has
// its folder, for Destroy.
func (c *Container) Restore(p *Process, opts *CriuOpts) (err error) {
	if err := criuUsable(c.config.RootlessEUID, "restored"); err != nil {
		return err
	}
	switch {
	case p.run != nil:
		return errors.New("process was started already")
	case c.initPid != 0:
		return errors.New("container already has an init process")
	case opts.ImagesDirectory == "":
		return errors.New("invalid directory to restore checkpoint")
	}
	r := &restoration{c: c, p: p, strict: criu.Strict(opts)}
	defer func() {
		if err != nil {
			err = r.undo.run(err)
		}
	}()
	run := new(running)
	defer p.closePipes()
	p.command = cmdstart.Of(p.context())
	files, theirs, err := p.stdio(run)
	if err != nil {
		return err
	}
	defer inside.CloseAll(theirs)
	r.undo.add("the stdio", func() error { run.dropCopies(); return nil })
	if err := rootfs.MakeMountpoints(c.config); err != nil {
		return err
	}
	root := filepath.Join(c.dir, criuRoot)
	if err := os.Mkdir(root, 0o700); err != nil {
		return err
	}
	// Nothing is mounted there but in CRIU's own mount namespace.
	defer os.Remove(root)

	p.attend()
	job := &criu.Restore{
		Config: c.config, Options: opts, Root: root,
		Stdio: [3]*os.File(files), Console: p.ConsoleSocket,
		Join: r.join, Namespaces: r.inNamespaces, Restored: r.restored,
	}
	r.run = run
	debugf("restoring %s from %s", c.id, opts.ImagesDirectory)
	if err := job.Run(p.context()); err != nil {
		if cause := context.Cause(p.context()); cause != nil {
			return cause
		}
		return err
	}
	if p.run == nil {
		return errors.New("CRIU restored no process")
	}
	if c.cgroups.HasLate() {
		if err := c.whileOurs(c.cgroups.SetLate); err != nil {
			return err
		}
	}
	run.startCopies()
	return nil
}

// restoration is a container on its way back.
type restoration struct {
	c    *Container
	p    *Process
	run  *running
	undo undoList

	strict bool // refuse a cgroup that exists
}

// join makes the container's cgroup with CRIU in it: all processes that CRIU
// makes are born there.
func (r *restoration) join(pid int) (map[string]string, error) {
	c := r.c
	l := &launch{c: c, p: r.p}
	r.undo.add("the container's cgroup", c.ifOurs(func() error {
		if c.cgroups == nil {
			return nil
		}
		// Whatever CRIU has left; a killed CRIU leaves all that it has made.
		if err := c.cgroups.Kill(unix.SIGKILL); err != nil {
			return err
		}
		r.reap()
		if err := c.cgroups.Destroy(); err != nil {
			return err
		}
		c.cgroups, c.cgroupPaths = nil, nil
		return c.dropNote()
	}))
	if r.strict {
		if err := c.noCgroup(); err != nil {
			return nil, err
		}
	}
	dir, err := l.makeCgroup()
	if err != nil {
		return nil, err
	}
	if dir != nil {
		dir.Close()
	}
	if err := c.cgroups.Join(pid); err != nil {
		return nil, fmt.Errorf("unable to apply cgroup configuration: %w", err)
	}
	if err := l.limit(); err != nil {
		return nil, err
	}
	if c.config.IntelRdt != nil {
		if err := c.planRDT(); err != nil {
			return nil, err
		}
		// CRIU's children, which become the container's processes, inherit it.
		if err := c.rdt.Apply(pid); err != nil {
			c.rdt = nil
			return nil, fmt.Errorf("unable to apply Intel RDT configuration: %w", err)
		}
		r.undo.add("the Intel RDT group", c.removeRDT)
	}
	return c.cgroups.Paths(), nil
}

// noCgroup refuses a cgroup that exists, even an empty one.
func (c *Container) noCgroup() error {
	m, err := cgroup.New(c.config.Cgroups)
	if err != nil {
		return err
	}
	for _, path := range m.Paths() {
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("cgroup %s exists already (--manage-cgroups-mode strict)", path)
		}
	}
	return nil
}

// inNamespaces is called when there is a first process, in its namespaces.
func (r *restoration) inNamespaces(pid int) error {
	c := r.c
	if err := r.child(pid); err != nil {
		return err
	}
	if err := r.moveDevices(pid); err != nil {
		return err
	}
	c.initPid = pid // for the hooks
	defer func() { c.initPid = 0 }()
	if len(c.config.Hooks[configs.Prestart])+len(c.config.Hooks[configs.CreateRuntime]) != 0 {
		// From now on there is something for poststop hooks to undo.
		c.created = time.Now().UTC()
	}
	return c.runtimeHooks()
}

// child takes the first process over: it is our own child, not CRIU's.
func (r *restoration) child(pid int) error {
	if r.p.run != nil {
		return nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("the restored process %d: %w", pid, os.NewSyscallError("pidfd_open", err))
	}
	r.run.pid, r.run.pidfd = pid, os.NewFile(uintptr(fd), "pidfd")
	r.p.run = r.run
	r.c.init = r.p
	r.undo.add("the restore of init", func() error {
		r.p.abort()
		r.reap()
		c := r.c
		c.init, c.initPid, c.initStart = nil, 0, 0
		r.p.run = nil
		return nil
	})
	return nil
}

func (r *restoration) reap() {
	if r.p.run != nil {
		r.p.run.reap()
	}
}

// moveDevices gives the container its network devices. In a namespace that the
// container joins they may be already.
func (r *restoration) moveDevices(pid int) error {
	devices := r.c.config.NetDevices
	if !r.c.config.Namespaces.IsPrivate(configs.NEWNET) {
		devices = make(map[string]*configs.LinuxNetDevice)
		for name, d := range r.c.config.NetDevices {
			if _, err := os.Stat("/sys/class/net/" + name); err == nil {
				devices[name] = d
			}
		}
	}
	if len(devices) == 0 {
		return nil
	}
	back, err := netdev.Move(devices, fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return fmt.Errorf("error creating network interfaces: %w", err)
	}
	r.undo.add("the move of network devices", back)
	return nil
}

// restored is called when all processes are there and none runs yet.
func (r *restoration) restored(pid int, created time.Time) error {
	c := r.c
	if err := r.child(pid); err != nil {
		return err
	}
	// The resctrl group exists by now, and was not there before.
	group, config := c.rdt, c.config
	if err := c.adopt(pid); err != nil {
		return err
	}
	c.rdt, c.config = group, config
	if !created.IsZero() {
		c.created = created
	}
	if err := c.save(); err != nil {
		return err
	}
	c.made()
	r.p.meanwhile()
	return nil
}
