// Package runner brings one process of a container up for the commands create,
// run and exec, and in the foreground waits for it.
package runner

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"runc/internal/cmdstart"
	"runc/internal/foreground"
	"runc/internal/notifysocket"
	"runc/libcontainer"
)

// Runner holds what the command line says about one process.
type Runner struct {
	Container *libcontainer.Container

	Init  bool // the process is the container's first one
	Start bool // let init go on past exec.fifo
	// Restore, where it is not nil, says how the container comes back from a
	// checkpoint, in place of a start.
	Restore   *libcontainer.CriuOpts
	Detach    bool
	Subreaper bool
	Remove    bool // remove the container once the process has ended

	ConsoleSocket, PidfdSocket, PidFile string

	PreserveFDs int
	SubCgroups  map[string]string
	Notify      *notifysocket.Socket

	Signals *foreground.Signals // nil for a detached exec
}

// Prepare makes the process and checks what can be checked before anything is
// made.
func (r *Runner) Prepare(p *specs.Process) (*libcontainer.Process, error) {
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
	process.Init = r.Init
	process.SubCgroupPaths = r.SubCgroups
	if r.Restore != nil {
		// Its files are those that it had.
		return process, nil
	}
	if process.ExtraFiles, err = r.extraFiles(process); err != nil {
		return nil, err
	}
	return process, nil
}

func (r *Runner) checkTerminal(terminal bool) error {
	switch {
	case r.Detach && terminal && r.ConsoleSocket == "":
		return errors.New("cannot allocate tty if runc will detach without setting console socket")
	case (!r.Detach || !terminal) && r.ConsoleSocket != "":
		return errors.New("cannot use console socket if runc will not detach or allocate tty")
	}
	return nil
}

// Run starts the process. In the foreground it also waits for it, and returns
// its exit status.
func (r *Runner) Run(p *libcontainer.Process) (status int, err error) {
	stdio, err := r.bringUp(p)
	if err != nil {
		if i := r.Signals.Interrupted(); i != nil && !errors.Is(err, i) {
			// Whatever else went wrong followed from the signal.
			err = i
		}
		if r.Init {
			if e := r.destroy(); e != nil {
				err = fmt.Errorf("%w; afterwards, unable to remove the container: %w", err, e)
			}
		}
		return -1, err
	}
	defer stdio.Close()
	if r.Detach {
		if r.Start {
			// The container runs. An error of the service manager's socket
			// does not change that.
			if err := r.Signals.Release(); err != nil {
				logrus.Warn(err)
			}
			if err := r.Notify.Forward(r.Container); err != nil {
				logrus.Warn(err)
			}
		}
		return 0, nil
	}
	if r.Start {
		r.Notify.ForwardBeside(r.Container)
	}
	code, err := r.Signals.Wait(p, stdio)
	if err != nil {
		// Nobody would wait for the process any more.
		_ = p.Signal(unix.SIGKILL)
		_, _ = p.Wait()
		if r.Init && r.Remove {
			if e := r.destroy(); e != nil {
				err = fmt.Errorf("%w; afterwards, unable to remove the container: %w", err, e)
			}
		}
		return -1, err
	}
	if r.Init && r.Remove {
		// Another runc may have deleted the container at this moment.
		if err := WarnOfHooks(r.Container.Destroy()); err != nil && !errors.Is(err, libcontainer.ErrNotExist) {
			// The caller asked for the process's own exit status.
			logrus.Warnf("unable to destroy container: %v", err)
		}
	}
	// Draining comes last: processes that a shared pid namespace left running
	// may hold the pipes until Destroy kills them.
	stdio.Drain()
	return code, nil
}

// bringUp is the part of Run that a signal ends: up to the user's program. On
// error, a process that joined the container has been killed; a container that
// was made is left for destroy.
func (r *Runner) bringUp(p *libcontainer.Process) (_ *foreground.Stdio, err error) {
	if r.Subreaper {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			logrus.Warn(os.NewSyscallError("prctl(PR_SET_CHILD_SUBREAPER)", err))
		}
	}
	if r.PidfdSocket != "" {
		if p.PidfdSocket, err = dial("pidfd-socket", r.PidfdSocket); err != nil {
			return nil, err
		}
		defer p.PidfdSocket.Close()
	}
	if r.Signals == nil && !r.Detach {
		if r.Signals, err = foreground.Catch(); err != nil {
			return nil, err
		}
	}
	var notCaught error
	if r.Signals != nil {
		p.Context = cmdstart.With(r.Signals.Context(), &cmdstart.Start{
			// It runs while the process is being set up: to catch signals takes a
			// while.
			Meanwhile: func() {
				if !r.Detach {
					notCaught = r.Signals.CatchAll()
				}
			},
			Interrupt: r.Signals.Fd(), Interrupted: r.Signals.Listen,
		})
	}
	stdio, err := r.stdio(p)
	if err != nil {
		return nil, err
	}
	if r.Detach && p.ConsoleSocket != nil {
		defer p.ConsoleSocket.Close()
	}
	defer func() {
		if err != nil {
			stdio.Close()
		}
	}()
	if r.Restore != nil {
		err = r.Container.Restore(p, r.Restore)
	} else {
		err = r.Container.Start(p)
	}
	if err != nil {
		return nil, r.nameSocket(err)
	}
	defer func() {
		if err != nil && !r.Init {
			_ = p.Signal(unix.SIGKILL)
			_, _ = p.Wait()
		}
	}()
	if notCaught != nil {
		return nil, notCaught
	}
	if err := stdio.Started(); err != nil {
		return nil, err
	}
	if r.PidFile != "" {
		pid, err := p.Pid()
		if err != nil {
			return nil, err
		}
		if err := writePidFile(r.PidFile, pid); err != nil {
			return nil, err
		}
	}
	if r.Detach && r.Init {
		// In the foreground the process gets the signal instead.
		if err := r.Signals.Interrupted(); err != nil {
			return nil, err
		}
	}
	if r.Start {
		if err := r.Notify.Bind(); err != nil {
			return nil, err
		}
		if err := r.Container.Exec(); err != nil {
			return nil, err
		}
	}
	return stdio, nil
}

// stdio gives the process its stdio.
func (r *Runner) stdio(p *libcontainer.Process) (*foreground.Stdio, error) {
	switch {
	case p.Terminal && r.Detach:
		sock, err := dial("console-socket", r.ConsoleSocket)
		if err != nil {
			return nil, err
		}
		p.ConsoleSocket = sock
		return new(foreground.Stdio), nil
	case p.Terminal:
		return foreground.Terminal(p)
	case r.Detach:
		p.Stdin, p.Stdout, p.Stderr = os.Stdin, os.Stdout, os.Stderr
		return new(foreground.Stdio), nil
	}
	config := r.Container.Config()
	uid, err := config.HostRootUID()
	if err != nil {
		return nil, err
	}
	gid, err := config.HostRootGID()
	if err != nil {
		return nil, err
	}
	return foreground.Pipes(p, uid, gid)
}

// destroy removes a container that did not come up.
func (r *Runner) destroy() error {
	err := r.Container.Signal(unix.SIGKILL)
	if err != nil && !errors.Is(err, libcontainer.ErrNotRunning) {
		return err
	}
	r.Container.Reap()
	// A delete --force, which may be what has ended the start, removes the
	// container as well.
	if err := WarnOfHooks(r.Container.Destroy()); !errors.Is(err, libcontainer.ErrNotExist) {
		return err
	}
	return nil
}

// WarnOfHooks takes the failures of poststop hooks out of what Destroy returns,
// and logs each as a warning: the container has been removed.
func WarnOfHooks(err error) error {
	hooks := (*libcontainer.PoststopError)(nil)
	if !errors.As(err, &hooks) {
		return err
	}
	for _, e := range hooks.Errs {
		logrus.Warn(e)
	}
	return nil
}

// nameSocket adds the path of the socket that an error of the start is about.
func (r *Runner) nameSocket(err error) error {
	for flag, path := range map[string]string{"console-socket": r.ConsoleSocket, "pidfd-socket": r.PidfdSocket} {
		// Init reports its errors as text.
		if path != "" && strings.Contains(err.Error(), strings.Replace(flag, "-", " ", 1)+": ") {
			return fmt.Errorf("%w (--%s %s)", err, flag, path)
		}
	}
	return err
}

// dial connects to the socket that a flag names, on which the caller waits for
// an fd.
func dial(flag, path string) (*os.File, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	defer conn.Close()
	return conn.(*net.UnixConn).File()
}
