package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
	"runc/libcontainer/configs/validate"
	"runc/libcontainer/specconv"
)

type action int

const (
	actionCreate action = iota
	actionRun
)

// startContainer makes a container of the bundle and starts its first process:
// up to the point where it waits for `start` (create), or all the way (run).
// It gives the process's exit status when it waited for it.
func startContainer(cmd *cli.Command, act action) (int, error) {
	// Relative paths are the caller's; the bundle becomes our folder.
	pidFile, err := absolute(cmd.String("pid-file"))
	if err != nil {
		return -1, err
	}
	for _, name := range []string{"console-socket", "pidfd-socket"} {
		path, err := absolute(cmd.String(name))
		if err != nil {
			return -1, err
		}
		if path != "" {
			if err := cmd.Set(name, path); err != nil {
				return -1, err
			}
		}
	}
	if bundle := cmd.String("bundle"); bundle != "" {
		if err := os.Chdir(bundle); err != nil {
			return -1, err
		}
	}
	spec, err := loadSpec(specConfig)
	if err != nil {
		return -1, err
	}
	id := cmd.Args().First()
	if id == "" {
		return -1, libcontainer.ErrEmptyID
	}
	notify := newNotifySocket(filepath.Join(cmd.String("root"), id))
	notify.addTo(spec)

	rootless, err := rootlessCgroups(cmd)
	if err != nil {
		return -1, err
	}
	config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{
		CgroupName:       id,
		UseSystemdCgroup: cmd.Bool("systemd-cgroup"),
		NoPivotRoot:      cmd.Bool("no-pivot"),
		NoNewKeyring:     cmd.Bool("no-new-keyring"),
		Spec:             spec,
		RootlessEUID:     os.Geteuid() != 0,
		RootlessCgroups:  rootless,
	})
	if err != nil {
		return -1, err
	}
	if err := validate.Validate(config); err != nil {
		return -1, err
	}
	r := &runner{
		init:          true,
		detach:        act == actionCreate || cmd.Bool("detach"),
		subreaper:     act == actionRun && !cmd.Bool("no-subreaper"),
		remove:        !cmd.Bool("keep"),
		start:         act == actionRun,
		consoleSocket: cmd.String("console-socket"),
		pidfdSocket:   cmd.String("pidfd-socket"),
		pidFile:       pidFile,
		preserveFDs:   cmd.Int("preserve-fds"),
		notify:        notify,
	}
	process, err := r.prepare(spec.Process)
	if err != nil {
		return -1, err
	}
	// From here on there is something to take back.
	if r.signals, err = newForwarder(); err != nil {
		return -1, err
	}
	if r.container, err = libcontainer.Create(cmd.String("root"), id, config); err != nil {
		return -1, err
	}
	if err := notify.makeDir(); err != nil {
		return -1, errors.Join(err, r.container.Destroy())
	}
	return r.run(process)
}

func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// loadSpec reads config.json and checks what concerns its process.
func loadSpec(path string) (*specs.Spec, error) {
	spec, err := specconv.Load(path)
	if err != nil {
		return nil, err
	}
	return spec, checkProcess(spec.Process)
}

func checkProcess(p *specs.Process) error {
	switch {
	case p == nil:
		return errors.New("process property must not be empty")
	case p.Cwd == "":
		//lint:ignore ST1005 callers know these words
		return errors.New("Cwd property must not be empty")
	case !filepath.IsAbs(p.Cwd):
		//lint:ignore ST1005 callers know these words
		return errors.New("Cwd must be an absolute path")
	case len(p.Args) == 0:
		return errors.New("args must not be empty")
	}
	return nil
}

// newProcess is config.json's process as libcontainer has it.
func newProcess(p *specs.Process) (*libcontainer.Process, error) {
	lp := &libcontainer.Process{
		Args:            p.Args,
		Env:             p.Env,
		UID:             int(p.User.UID),
		GID:             int(p.User.GID),
		Cwd:             p.Cwd,
		Terminal:        p.Terminal,
		Label:           p.SelinuxLabel,
		AppArmorProfile: p.ApparmorProfile,
		NoNewPrivileges: &p.NoNewPrivileges,
		Scheduler:       p.Scheduler,
		IOPriority:      p.IOPriority,
		Warn:            func(msg string) { logrus.Warn(msg) },
	}
	if p.ConsoleSize != nil {
		lp.ConsoleWidth, lp.ConsoleHeight = uint16(p.ConsoleSize.Width), uint16(p.ConsoleSize.Height)
	}
	if p.Capabilities != nil {
		lp.Capabilities = specconv.ToCapabilities(p.Capabilities)
	}
	for _, g := range p.User.AdditionalGids {
		lp.AdditionalGroups = append(lp.AdditionalGroups, int(g))
	}
	for _, l := range p.Rlimits {
		r, err := specconv.ToRlimit(l)
		if err != nil {
			return nil, err
		}
		lp.Rlimits = append(lp.Rlimits, r)
	}
	if p.ExecCPUAffinity != nil {
		a, err := specconv.ToAffinity(p.ExecCPUAffinity)
		if err != nil {
			return nil, err
		}
		lp.CPUAffinity = a
	}
	return lp, nil
}

// runner brings one process up and, in the foreground, through its life.
type runner struct {
	container *libcontainer.Container

	init      bool // the container's first process
	start     bool // go on past the fifo
	detach    bool
	subreaper bool
	remove    bool // the container, once the process has ended

	consoleSocket, pidfdSocket, pidFile string

	preserveFDs int
	subCgroups  map[string]string
	notify      *notifySocket

	signals *forwarder // nil for a detached exec
}

// prepare makes the process and checks what can be checked beforehand.
func (r *runner) prepare(p *specs.Process) (*libcontainer.Process, error) {
	if err := r.checkTerminal(p.Terminal); err != nil {
		return nil, err
	}
	process, err := newProcess(p)
	if err != nil {
		return nil, err
	}
	if err := process.Validate(); err != nil {
		return nil, err
	}
	process.Init = r.init
	process.SubCgroupPaths = r.subCgroups
	if process.ExtraFiles, err = r.extraFiles(process); err != nil {
		return nil, err
	}
	return process, nil
}

func (r *runner) checkTerminal(terminal bool) error {
	switch {
	case r.detach && terminal && r.consoleSocket == "":
		return errors.New("cannot allocate tty if runc will detach without setting console socket")
	case (!r.detach || !terminal) && r.consoleSocket != "":
		return errors.New("cannot use console socket if runc will not detach or allocate tty")
	}
	return nil
}

// extraFiles are those of socket activation, then those of --preserve-fds.
func (r *runner) extraFiles(p *libcontainer.Process) ([]*os.File, error) {
	var files []*os.File
	listen := 0
	if r.init {
		listen = listenFDs()
		if listen > 0 {
			// The process is pid 1 of its container; with a shared pid
			// namespace nobody can know before.
			p.Env = append(p.Env, "LISTEN_FDS="+strconv.Itoa(listen), "LISTEN_PID=1")
		}
	}
	const base = 3
	for fd := base; fd < base+listen; fd++ {
		if err := inherited(fd); err != nil {
			return nil, fmt.Errorf("LISTEN_FDS=%d: %w", listen, err)
		}
		files = append(files, os.NewFile(uintptr(fd), "listen-fd"))
	}
	for i := range r.preserveFDs {
		fd := base + listen + i
		if err := inherited(fd); err != nil {
			return nil, fmt.Errorf("unable to stat preserved-fd %d (of %d): %w", i, r.preserveFDs, err)
		}
		files = append(files, os.NewFile(uintptr(fd), "preserved-fd"))
	}
	return files, nil
}

// inherited checks that an fd is one that our caller left open for us: where
// it left none, we may have opened one of our own by now, a log file or what
// the Go runtime polls with. Ours close on exec, the caller's cannot, or they
// would not be here.
func inherited(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err == nil && flags&unix.FD_CLOEXEC != 0 {
		err = unix.EBADF
	}
	if err != nil {
		// In the words that callers know.
		return &os.PathError{Op: "stat", Path: "/proc/self/fd/" + strconv.Itoa(fd), Err: unix.ENOENT}
	}
	return nil
}

// listenFDs is how many sockets systemd, or whoever does as it does, passed us
// (sd_listen_fds(3)).
func listenFDs() int {
	if pid := os.Getenv("LISTEN_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// run starts the process; in the foreground it also waits for it.
func (r *runner) run(p *libcontainer.Process) (status int, err error) {
	tty, err := r.bringUp(p)
	if err != nil {
		if r.init {
			if i := r.signals.interrupted(); i != nil {
				err = i
			}
			if e := r.destroy(); e != nil {
				err = fmt.Errorf("%w; afterwards, unable to remove the container: %w", err, e)
			}
		}
		return -1, err
	}
	defer tty.close()
	if r.detach {
		if r.start {
			// It runs: what the service manager gets to know of it changes
			// nothing about that.
			if err := r.signals.release(); err != nil {
				logrus.Warn(err)
			}
			if err := r.notify.forward(r.container); err != nil {
				logrus.Warn(err)
			}
		}
		return 0, nil
	}
	if r.start {
		r.notify.forwardBeside(r.container)
	}
	code, err := r.signals.wait(p, tty)
	if err != nil {
		return -1, err
	}
	if r.init && r.remove {
		// It may be that somebody has deleted it just now.
		if err := r.container.Destroy(); err != nil && !errors.Is(err, libcontainer.ErrNotExist) {
			// The process's own status is what the caller asked for.
			logrus.Warnf("unable to destroy container: %v", err)
		}
	}
	// Only now: what a shared pid namespace left running may hold the pipes.
	tty.drain()
	return code, nil
}

// bringUp is the part of run that a signal ends: up to the user's program. On
// error a process that joined is gone; a container is left to destroy.
func (r *runner) bringUp(p *libcontainer.Process) (_ *tty, err error) {
	if r.subreaper {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			logrus.Warn(os.NewSyscallError("prctl(PR_SET_CHILD_SUBREAPER)", err))
		}
	}
	if r.pidfdSocket != "" {
		if p.PidfdSocket, err = dial(r.pidfdSocket); err != nil {
			return nil, err
		}
		defer p.PidfdSocket.Close()
	}
	if r.signals == nil && !r.detach {
		if r.signals, err = newForwarder(); err != nil {
			return nil, err
		}
	}
	var notCaught error
	if r.signals != nil {
		p.Context = r.signals.starting
		// While the process is being set up: threads take a while to come up.
		p.Meanwhile = func() {
			if !r.detach {
				notCaught = r.signals.all()
			}
		}
		p.Interrupt, p.Interrupted = r.signals.pipe.Fd(), r.signals.listen
	}
	t, err := r.setUpIO(p)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if err := r.container.Start(p); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && !r.init {
			_ = p.Signal(unix.SIGKILL)
			_, _ = p.Wait()
		}
	}()
	if notCaught != nil {
		return nil, notCaught
	}
	if err := t.started(p); err != nil {
		return nil, err
	}
	if r.pidFile != "" {
		pid, err := p.Pid()
		if err != nil {
			return nil, err
		}
		if err := writePidFile(r.pidFile, pid); err != nil {
			return nil, err
		}
	}
	if r.detach && r.init {
		// In the foreground the process gets it instead.
		if err := r.signals.interrupted(); err != nil {
			return nil, err
		}
	}
	if r.start {
		if err := r.notify.bind(); err != nil {
			return nil, err
		}
		if err := r.container.Exec(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// destroy removes a container that did not come up.
func (r *runner) destroy() error {
	err := r.container.Signal(unix.SIGKILL)
	if err != nil && !errors.Is(err, libcontainer.ErrNotRunning) {
		return err
	}
	r.container.Reap()
	if err := r.container.Destroy(); !errors.Is(err, libcontainer.ErrNotExist) {
		return err
	}
	// By a delete --force, which may be what has ended the start.
	return nil
}

// dial connects to a socket of the caller's that is to get an fd.
func dial(path string) (*os.File, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*net.UnixConn).File()
}

// writePidFile writes beside the target and renames, so that whoever waits for
// the file never reads half a number.
func writePidFile(path string, pid int) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(strconv.Itoa(pid))
	if err == nil {
		// As a plain create would have made it.
		err = tmp.Chmod(0o644)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
