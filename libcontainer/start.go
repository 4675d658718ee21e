package libcontainer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/internal/cmdstart"
	"runc/libcontainer/cgroup"
	"runc/libcontainer/configs"
	"runc/libcontainer/internal/inside"
	"runc/libcontainer/netdev"
	"runc/libcontainer/rootfs"
	"runc/libcontainer/sched"
	"runc/libcontainer/system"
)

// Start starts a process: the container's first when p.Init is set, which then
// waits for [Container.Exec], or one that joins a running container. On error
// no process is left, nor what was made for it; a container whose first
// process failed still has its folder, for Destroy.
func (c *Container) Start(p *Process) error {
	if p.run != nil {
		return errors.New("process was started already")
	}
	defer p.closePipes()
	p.command = cmdstart.Of(p.context())
	start := c.join
	if p.Init {
		start = c.startInit
	}
	if err := start(p); err != nil {
		return err
	}
	p.run.startCopies()
	return nil
}

// Run is Start and, for the first process, Exec.
func (c *Container) Run(p *Process) error {
	if err := c.Start(p); err != nil {
		return err
	}
	if p.Init {
		return c.Exec()
	}
	return nil
}

func (c *Container) startInit(p *Process) (err error) {
	var undo undoList
	defer func() {
		if err != nil {
			if cause := context.Cause(p.context()); cause != nil {
				// What else is wrong then follows from that.
				err = fmt.Errorf("unable to start container process: %w", cause)
			}
			err = undo.run(err)
		}
	}()
	if c.initPid != 0 {
		return errors.New("container already has an init process")
	}
	config := c.config

	// Decide. Nothing is made yet.
	if err := p.Validate(); err != nil {
		return err
	}
	if err := checkFunctions(config.Hooks); err != nil {
		return err
	}
	boot := c.newBootstrap(p)
	l := &launch{c: c, p: p, boot: boot}
	namespaces, err := l.planNamespaces()
	defer inside.CloseAll(namespaces)
	if err != nil {
		return fmt.Errorf("unable to create new parent process: namespace path: %w", err)
	}

	// Do.
	fifo, err := c.makeFifo()
	if err != nil {
		return err
	}
	defer fifo.Close()
	undo.add("exec.fifo", c.ifOurs(func() error {
		err := os.Remove(filepath.Join(c.dir, fifoFilename))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}))
	l.fifo = fifo

	// This entry comes before that of init, though on v1 the cgroup is made
	// later: the undo ends init first, and a cgroup with a process cannot be
	// removed.
	undo.add("the container's cgroup", c.ifOurs(func() error {
		if c.cgroups == nil {
			return nil
		}
		p.attend()
		c.cgroups.GiveUpAfter(p.context(), interruptGrace)
		if err := c.cgroups.Destroy(); err != nil {
			// The note or the state file stays, and names what is left.
			return err
		}
		c.cgroups, c.cgroupPaths = nil, nil
		return c.dropNote()
	}))
	if cgroup.BirthReady(config.Cgroups) {
		// cgroup v2: init is born in it.
		dir, err := l.makeCgroup()
		if err != nil {
			return err
		}
		if dir != nil {
			defer dir.Close()
		}
		l.plan.Cgroup = dir
	}
	if c.mountsOnHost() {
		undo.add("the container's mounts", c.ifOurs(c.unmountHost))
	}
	if l.boot.Rootfs, err = rootfs.NewPlan(config, rootfs.Layout{}); err != nil {
		return fmt.Errorf("unable to start container process: error during container init: %w", err)
	}
	err = l.bringUp(&undo)
	if cause := (unsure{}); errors.As(err, &cause) {
		// The stub knows the short way only. Nothing of the container has run.
		debugf("once more, by runc init: %v", err)
		l.failed = cause
		if err = undo.runLast(); err == nil {
			err = l.againByInit(&undo)
		}
	}
	if err != nil {
		return err
	}
	if c.cgroups.HasLate() {
		return c.whileOurs(c.cgroups.SetLate)
	}
	return nil
}

// againByInit is bringUp after the stub has failed.
func (l *launch) againByInit(undo *undoList) error {
	c := l.c
	ours, err := c.retake()
	if err != nil {
		return err
	}
	if !ours {
		return errors.New("the container was deleted while it was being created")
	}
	if c.config.Cgroups.Systemd {
		// The unit ends with its first process.
		if err := c.cgroups.Destroy(); err != nil {
			return err
		}
		c.cgroups, c.cgroupPaths = nil, nil
		if err := c.dropNote(); err != nil {
			return err
		}
	}
	return l.bringUp(undo)
}

// bringUp makes init, and leads it to where it waits for exec.fifo. After an
// error the newest step of undo ends init.
func (l *launch) bringUp(undo *undoList) error {
	c, p := l.c, l.p
	if err := l.enter(); err != nil {
		return fmt.Errorf("unable to start container process: %w", err)
	}
	undo.add("the start of init", func() error {
		if err := l.kill(); err != nil {
			return err
		}
		c.init, c.initPid, c.initStart = nil, 0, 0
		return nil
	})
	c.init = p
	stop := context.AfterFunc(p.context(), p.abort)
	defer stop()

	// The process waits for its program, and ends by itself should the runtime
	// die. So it gets its program first, and what can be done while it works is
	// done then.
	if err := l.equip(undo); err != nil {
		return err
	}
	defer l.sources.Close()
	if err := l.begin(); err != nil {
		return err
	}
	if err := l.record(undo); err != nil {
		if cause := l.ended(); cause != nil {
			// Its end took the cgroup along (systemd).
			err = fmt.Errorf("unable to start container process: error during container init: %w", cause)
		}
		return err
	}
	p.meanwhile()
	if err := l.converse(c.cgroups, l.mounted); err != nil {
		return fmt.Errorf("unable to start container process: error during container init: %w", err)
	}
	return nil
}

// makeCgroup makes the container's cgroup, and opens it where a process can be
// born in it.
func (l *launch) makeCgroup() (*os.File, error) {
	m, err := cgroup.New(l.c.config.Cgroups)
	if err != nil {
		return nil, err
	}
	if err := l.c.note(m.Paths()); err != nil {
		return nil, err
	}
	if err := m.Create(); err != nil {
		return nil, errors.Join(err, l.c.dropNote())
	}
	l.c.cgroups = m
	return m.Dir()
}

// makeFifo makes exec.fifo, for anybody in the container to write, and opens
// it by O_PATH for init to find.
func (c *Container) makeFifo() (*os.File, error) {
	path := filepath.Join(c.dir, fifoFilename)
	uid, err := c.config.HostRootUID()
	if err != nil {
		return nil, err
	}
	gid, err := c.config.HostRootGID()
	if err != nil {
		return nil, err
	}
	if err := unix.Mkfifo(path, 0o622); err != nil {
		return nil, &fs.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	fail := func(err error) (*os.File, error) { os.Remove(path); return nil, err }
	// Not by umask 0, which other threads would share.
	if err := os.Chmod(path, 0o622); err != nil {
		return fail(err)
	}
	if uid != os.Geteuid() || gid != os.Getegid() {
		if err := os.Lchown(path, uid, gid); err != nil {
			return fail(fmt.Errorf("%w (config.json: linux.uidMappings, linux.gidMappings: the container's root is %d:%d on the host)", err, uid, gid))
		}
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fail(&fs.PathError{Op: "open", Path: path, Err: err})
	}
	return os.NewFile(uintptr(fd), path), nil
}

// adopt records the new init.
func (c *Container) adopt(pid int) error {
	st, err := system.ProcStat(pid)
	if err != nil {
		return err
	}
	c.initPid, c.initStart = pid, st.StartTime
	c.created = time.Now().UTC()
	c.cgroupPaths = c.cgroups.Paths()
	c.nsPaths = make(map[configs.NamespaceType]string)
	for _, t := range configs.NamespaceTypes() {
		if configs.IsNamespaceSupported(t) {
			ns := configs.Namespace{Type: t}
			c.nsPaths[t] = ns.GetPath(c.initPid)
		}
	}
	c.descriptors = stdioNames(c.init)
	return c.planRDT()
}

// stdioNames says what the stdio of init is. A checkpoint names by that what
// init shares with the outside.
func stdioNames(p *Process) []string {
	names := make([]string, 3)
	for i, f := range []any{p.Stdin, p.Stdout, p.Stderr} {
		switch f := f.(type) {
		case *os.File:
			names[i], _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
		case nil:
			if names[i] = os.DevNull; p.Terminal {
				names[i], _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", i))
			}
		}
	}
	return names
}

// equip does what has to be done before init goes on, and decides the rest of
// what init is told.
func (l *launch) equip(undo *undoList) error {
	config := l.c.config
	pid := l.run.pid
	fail := func(err error) error {
		return fmt.Errorf("unable to start container process: %w", err)
	}
	if l.c.cgroups == nil {
		if _, err := l.makeCgroup(); err != nil {
			return err
		}
	}
	m := l.c.cgroups
	debugf("cgroup: %v", m.Paths())
	if l.plan.Cgroup == nil {
		if err := m.Join(pid); err != nil {
			return fail(fmt.Errorf("unable to apply cgroup configuration: %w", err))
		}
	}
	if err := l.c.adopt(pid); err != nil {
		return fail(err)
	}
	// The affinity of whoever called us must not become the container's.
	if err := sched.ResetAffinity(pid); err != nil {
		return fail(err)
	}
	var err error
	if l.boot.Rootfs, err = rootfs.NewPlan(config, rootfs.Layout{Unified: m.Unified(), Paths: m.Shown()}); err != nil {
		return fail(fmt.Errorf("error during container init: %w", err))
	}
	if l.boot.Rootfs.NeedsDevices() {
		// The device rules may deny what is to be mounted.
		l.limitLater, l.boot.AskHooks = true, true
	}
	if err := l.setOOMScore(); err != nil {
		return fail(err)
	}
	if len(config.NetDevices) != 0 {
		back, err := netdev.Move(config.NetDevices, fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			return fail(fmt.Errorf("error creating network interfaces: %w", err))
		}
		undo.add("the move of network devices", back)
	}
	if len(l.boot.CreateContainer)+len(l.boot.StartContainer) != 0 {
		if l.boot.State, err = l.c.ociState(specs.StateCreating); err != nil {
			return err
		}
	}
	if err := l.compileSeccomp(); err != nil {
		return fail(err)
	}
	plan := l.boot.Rootfs
	if err := plan.CheckTargets(); err != nil {
		return fail(fmt.Errorf("error during container init: %w", err))
	}
	plan.Arrange()
	l.sources = plan.NewSources(
		func() error {
			return os.NewSyscallError("setns", unix.Setns(int(l.run.pidfd.Fd()), unix.CLONE_NEWNS))
		},
		func() (*os.File, error) { return os.Open(fmt.Sprintf("/proc/%d/ns/user", pid)) })
	return nil
}

// runtimeHooks runs those hooks that belong into the runtime's namespaces.
func (c *Container) runtimeHooks() error {
	state, err := c.ociState(specs.StateCreating)
	if err != nil {
		return err
	}
	for _, kind := range []configs.HookName{configs.Prestart, configs.CreateRuntime} {
		if len(c.config.Hooks[kind]) != 0 {
			c.init.attend()
		}
		if err := runHooks(c.init.context(), c.config.Hooks, kind, state); err != nil {
			return err
		}
	}
	return nil
}

// Exec lets a created container's init go on to the user's process: init waits
// to open exec.fifo for writing, so that is opened for reading here. Then it
// runs the poststart hooks; should one fail, the container is killed.
func (c *Container) Exec() error {
	path := filepath.Join(c.dir, fifoFilename)
	dir, name := unix.AT_FDCWD, path
	if c.folder != nil {
		// A container of the same name that was made meanwhile is not for us to
		// start.
		dir, name = int(c.folder.Fd()), fifoFilename
	}
	// The pidfd comes first: once the fifo is open for reading, init may have
	// executed the user's program, and that may have ended.
	err := c.withInit(func(pidfd int) error {
		// Non-blocking, so that the end of an init, before this or now, is
		// noticed by its pidfd.
		fifo, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if err == unix.ENOENT {
			return errStarted
		} else if err != nil {
			return &fs.PathError{Op: "open", Path: path, Err: err}
		}
		defer unix.Close(fifo)
		return c.init.awaitFifo(fifo, pidfd)
	})
	switch {
	case errors.Is(err, ErrNotRunning):
		return errStopped
	case errors.Is(err, errNoByte):
		return c.whyNoByte()
	case err != nil:
		return err
	}
	if err := unix.Unlinkat(dir, name, 0); err == unix.ENOENT {
		// Another start was faster by a hair.
		return errStarted
	} else if err != nil {
		return &fs.PathError{Op: "unlink", Path: path, Err: err}
	}
	debugf("init %d has been started", c.initPid)
	c.leave()
	if len(c.config.Hooks[configs.Poststart]) == 0 {
		return nil
	}
	state, err := c.ociState(specs.StateRunning)
	if err != nil {
		return err
	}
	c.init.attend()
	if err := runHooks(c.init.context(), c.config.Hooks, configs.Poststart, state); err != nil {
		if e := c.Signal(unix.SIGKILL); e != nil && !errors.Is(e, ErrNotRunning) {
			err = fmt.Errorf("%w; afterwards, unable to kill the container: %w", err, e)
		}
		return err
	}
	return nil
}

// errNoByte: init has opened the fifo, or not even that, and then closed it
// without its byte.
var errNoByte = errors.New("nothing from init")

// whyNoByte tells an init that has ended from one that somebody else started.
func (c *Container) whyNoByte() error {
	// A process on its way out says so before it closes its files.
	st, err := system.ProcStat(c.initPid)
	if err == nil && st.StartTime == c.initStart && !st.Exiting {
		return errStarted
	}
	if c.init != nil && c.init.run != nil {
		c.init.reap()
		if st := c.init.run.status; c.config.Seccomp != nil &&
			(st.Signaled() && st.Signal() == unix.SIGSYS || st.ExitStatus() == 128+int(unix.SIGSYS)) {
			return fmt.Errorf("%w: %w", errEnded, errKilledByFilter)
		}
	}
	if c.config.Seccomp != nil {
		// Nobody but its parent can know.
		return fmt.Errorf("%w: its seccomp filter may allow too little (config.json: linux.seccomp)", errEnded)
	}
	return errEnded
}

// awaitFifo waits for init's byte, or its end. p is nil for an init that another
// runtime made. A reader's poll(2) sees no hang-up before there has been a
// writer.
func (p *Process) awaitFifo(fifo, pidfd int) error {
	var b [1]byte
	for {
		now, err := p.await(unix.PollFd{Fd: int32(fifo), Events: unix.POLLIN}, unix.PollFd{Fd: int32(pidfd), Events: unix.POLLIN})
		if err != nil {
			return err
		}
		var n int
		err = system.Retry(func() (err error) { n, err = unix.Read(fifo, b[:]); return err })
		switch {
		case err == nil && n > 0:
			return nil
		case err == nil && now[0].Revents != 0:
			// A writer has opened the fifo and closed it.
			return errNoByte
		case err != nil && err != unix.EAGAIN:
			return os.NewSyscallError("read exec.fifo", err)
		case now[1].Revents != 0:
			return errNoByte
		}
	}
}
