package libcontainer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/capabilities"
	"runc/libcontainer/cgroup"
	"runc/libcontainer/consolesocket"
	"runc/libcontainer/internal/inside"
	"runc/libcontainer/internal/program"
	"runc/libcontainer/internal/wire"
	"runc/libcontainer/seccomp"
	"runc/libcontainer/system"
	"runc/libcontainer/userdb"
)

// begin has the process begin: the stub gets the first part of its program,
// `runc init` the bootstrap message.
func (l *launch) begin() error {
	if l.setup != nil {
		debugf("child process in init()")
		return l.send(l.setup.First())
	}
	payload, err := wire.Encode(*l.boot)
	if err != nil {
		return err
	}
	return unlessEnded(l.sock.Send(inside.MsgBootstrap, payload))
}

// unlessEnded drops the error of a message to a process that has ended: converse
// finds out why.
func unlessEnded(err error) error {
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return nil
	}
	return err
}

// send sends a part of the program to the stub.
func (l *launch) send(part *program.Builder) error {
	if what := l.setup.Unable(); what != "" {
		return fmt.Errorf("the stub cannot do this step: %s", what)
	}
	piece, err := part.Piece(l.setup.Sock)
	if err != nil {
		return err
	}
	if Debug != nil {
		debugf("stub: %s", strings.Join(part.Calls(), "; "))
	}
	l.part = part
	return unlessEnded(l.write(piece))
}

// write sends bytes to the stub, with files or without. A stub that is frozen
// takes none, so the write waits for the end of the process's context as well.
func (l *launch) write(b []byte, fds ...int) error {
	fd := int(l.child.Conn.Fd())
	var rights []byte
	if len(fds) != 0 {
		rights = unix.UnixRights(fds...)
	}
	for len(b) > 0 {
		n, err := unix.SendmsgN(fd, b, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		switch err {
		case nil:
			b, rights = b[n:], nil
		case unix.EINTR:
		case unix.EAGAIN:
			if err := l.awaitSocket(fd, unix.POLLOUT, -1); err == io.EOF {
				return unix.EPIPE
			} else if err != nil {
				return err
			}
		default:
			return os.NewSyscallError("sendmsg", err)
		}
	}
	return nil
}

// recorded lets the process do what outlives the runtime: the state file names
// it. The stub gets the last part of its program only then.
func (l *launch) recorded() error {
	if l.setup != nil {
		return nil
	}
	return unlessEnded(l.sock.Send(inside.MsgSaved, nil))
}

// maxHeard bounds the messages of one process: far more than those with --debug
// of a container with thousands of mounts.
const maxHeard = 1 << 20

var (
	errTooMany    = errors.New("too many messages from the process inside the container")
	errUnexpected = errors.New("unexpected message from the process inside the container")
)

// event is one message of the process.
type event struct {
	kind  uint32
	value int32
	addr  uint64
	files []*os.File
}

// next gives the next message of the program; [io.EOF] when the process has
// closed its end.
func (l *launch) next() (event, error) {
	if l.setup != nil {
		return l.nextOfStub()
	}
	for {
		t, payload, files, err := l.sock.Recv()
		if err != nil {
			return event{}, err
		}
		if l.heard++; l.heard > maxHeard {
			inside.CloseAll(files)
			return event{}, errTooMany
		}
		switch {
		case t == inside.MsgDebug:
			debugFromInit(payload)
		case t == inside.MsgMounts && l.p.Init && l.c.mountsOnHost():
			if err := l.c.noteMounts(payload); err != nil {
				return event{}, err
			}
			if err := l.answer(); err != nil {
				return event{}, err
			}
		case t == inside.MsgError:
			return event{}, asExecve(errors.New(string(payload)))
		case t == inside.MsgProgram && len(payload) == program.MessageSize:
			return newEvent(program.ParseMessage(payload), files), nil
		default:
			return event{}, fmt.Errorf("unexpected message %d from init", t)
		}
		inside.CloseAll(files)
	}
}

func newEvent(m program.Message, files []*os.File) event {
	return event{m.Kind, int32(m.Value), m.Addr, files}
}

// nextOfStub reads one message from the stub. The messages that come with a file
// are read whole, for the file comes with the first byte.
func (l *launch) nextOfStub() (event, error) {
	fd := int(l.child.Conn.Fd())
	buf := make([]byte, program.MessageSize)
	oob := make([]byte, unix.CmsgSpace(4))
	var files []*os.File
	for n := 0; n < len(buf); {
		if err := l.await(fd); err != nil {
			inside.CloseAll(files)
			return event{}, err
		}
		k, oobn, _, _, err := unix.Recvmsg(fd, buf[n:], oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ECONNRESET || err == nil && k == 0:
			inside.CloseAll(files)
			return event{}, io.EOF
		case err != nil:
			return event{}, os.NewSyscallError("recvmsg", err)
		}
		got, err := inside.ParseRights(oob[:oobn])
		files = append(files, got...)
		if err != nil {
			inside.CloseAll(files)
			return event{}, err
		}
		n += k
	}
	if l.heard++; l.heard > maxHeard {
		inside.CloseAll(files)
		return event{}, errTooMany
	}
	m := program.ParseMessage(buf)
	if m.Kind == 0 {
		inside.CloseAll(files)
		return event{}, l.stepFailed(m)
	}
	return newEvent(m, files), nil
}

// unsure is an error of a step of the stub that `runc init` may not have.
type unsure struct{ error }

func (u unsure) Unwrap() error { return u.error }

// stepFailed is the error of a step of the stub.
func (l *launch) stepFailed(m program.Message) error {
	_, step := m.Step()
	if l.part == nil || step < 0 {
		return fmt.Errorf("unexpected failure of the process inside the container: %w", unix.Errno(m.Value))
	}
	errno := unix.Errno(m.Value)
	debugf("stub: step %d failed: %v", step, errno)
	err := l.part.Failed(step, errno)
	if l.part.AfterFilter(step) && (errno == unix.EPERM || errno == unix.ENOSYS) {
		err = fmt.Errorf("%w (denied by the seccomp filter? config.json: linux.seccomp)", err)
	}
	err = asExecve(err)
	if l.part.IsUnsure(step) {
		return unsure{err}
	}
	return err
}

// answer lets a process go on that has asked, with files or without.
func (l *launch) answer(files ...*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	defer runtime.KeepAlive(files)
	switch {
	case l.setup == nil:
		return unlessEnded(l.sock.Send(inside.MsgGo, nil, fds...))
	}
	return unlessEnded(l.write([]byte{1}, fds...))
}

// sendSources sends the sources of bind mounts that the process asks for.
func (l *launch) sendSources(op int) error {
	if l.sources == nil {
		return errors.New("unexpected question for sources from the process inside the container")
	}
	files, err := l.sources.OpenOr(op, l.await)
	if err != nil {
		return err
	}
	defer inside.CloseAll(files)
	return l.answer(files...)
}

// converse answers the process until it needs nothing more. hooks is called when
// all is mounted.
func (l *launch) converse(m *cgroup.Manager, hooks func() error) error {
	if err := l.child.Executed(); err != nil {
		return err
	}
	if err := l.sendPidfd(); err != nil {
		return err
	}
	ready, passwd := false, []byte(nil)
	for {
		e, err := l.next()
		if err == io.EOF {
			if ready {
				l.closeSock()
				l.child.Conn.Close()
				return nil
			}
			return l.died(m)
		}
		if err != nil {
			return err
		}
		if !l.expected(e.kind, hooks != nil) {
			e.kind = 0
		}
		switch e.kind {
		case inside.KindReady:
			ready = true
		case inside.KindConsole:
			err = l.sendConsole(e)
		case inside.KindSources:
			err = l.sendSources(int(e.addr))
		case inside.KindDevices:
			err = l.answer()
		case inside.KindHooks:
			if err = hooks(); err == nil {
				err = l.answer()
			}
		case inside.KindRlimits:
			if err = l.setRlimits(); err == nil {
				err = l.answer()
			}
		case inside.KindPasswd:
			passwd, err = l.readPasswd(passwd, int(e.value))
		case inside.KindFirst:
			if err = l.setRlimits(); err == nil {
				debugf("the first part is done; dropping privileges")
				if l.p.Init {
					debugf("init: closing the pipe to signal completion; then waiting for start at exec.fifo")
				} else {
					debugf("setns_init: about to exec %s", l.boot.Args[0])
				}
				err = l.send(l.setup.Last(userdb.HomeIn(passwd, l.boot.UID), int(e.value)))
			}
		case inside.KindAmbient:
			// The runtime's log must not grow by what the process repeats.
			key := maxHeard + uint32(e.addr)
			if e.addr > 63 || l.once[key] {
				err = errUnexpected
				break
			}
			l.mark(key)
			l.p.warn(fmt.Sprintf("can't raise ambient capability %s: %v", capabilities.Name(int(e.addr)), unix.Errno(-e.value)))
		case inside.KindListener:
			if err = l.passListener(int(e.value)); err == nil {
				err = l.answer()
			}
		default:
			err = errUnexpected
		}
		inside.CloseAll(e.files)
		if err != nil {
			return err
		}
	}
}

// expected says whether the process may send this message now. A process that
// may trace it can have it send any.
func (l *launch) expected(kind uint32, hooks bool) bool {
	stub, first := l.setup != nil, true
	switch kind {
	case inside.KindHooks:
		first = hooks && l.boot.AskHooks
	case inside.KindDevices:
		return l.p.Init
	case inside.KindConsole:
		first = l.boot.HasConsole
	case inside.KindFirst:
		first = stub
	case inside.KindListener:
		first = l.boot.Seccomp != nil && l.boot.Seccomp.Notify
	case inside.KindPasswd:
		return stub && !l.once[inside.KindFirst]
	case inside.KindSources, inside.KindRlimits, inside.KindAmbient:
		return true
	}
	if !first || l.once[kind] {
		return false
	}
	l.mark(kind)
	return true
}

func (l *launch) mark(kind uint32) {
	if l.once == nil {
		l.once = make(map[uint32]bool)
	}
	l.once[kind] = true
}

// readPasswd reads n more bytes of the container's /etc/passwd.
func (l *launch) readPasswd(passwd []byte, n int) ([]byte, error) {
	if n < 0 || len(passwd)+n > 2*inside.MaxPasswd {
		return nil, errors.New("the container's /etc/passwd grows while it is read")
	}
	for end := len(passwd) + n; len(passwd) < end; {
		fd := int(l.child.Conn.Fd())
		if err := l.await(fd); err != nil {
			return nil, err
		}
		buf := make([]byte, end-len(passwd))
		k, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, os.NewSyscallError("read", err)
		case k == 0:
			return nil, io.ErrUnexpectedEOF
		default:
			passwd = append(passwd, buf[:k]...)
		}
	}
	return passwd, nil
}

// sendConsole gives the terminal's master to the console socket.
func (l *launch) sendConsole(e event) error {
	if len(e.files) != 1 || l.p.ConsoleSocket == nil {
		return errors.New("unexpected terminal from the process inside the container")
	}
	name := "/dev/pts/" + strconv.Itoa(int(e.value))
	if err := consolesocket.Send(int(l.p.ConsoleSocket.Fd()), name, int(e.files[0].Fd())); err != nil {
		return fmt.Errorf("console socket: %w", err)
	}
	return nil
}

// sendPidfd gives a pidfd of the process to the pidfd socket.
func (l *launch) sendPidfd() error {
	if l.p.PidfdSocket == nil {
		return nil
	}
	kind := "setns"
	if l.p.Init {
		kind = "standard"
	}
	if err := consolesocket.Send(int(l.p.PidfdSocket.Fd()), kind, int(l.run.pidfd.Fd())); err != nil {
		return fmt.Errorf("pidfd socket: %w", err)
	}
	return nil
}

// ended says why init has ended, or nil while it lives.
func (l *launch) ended() error {
	if fd := int(l.run.pidfd.Fd()); fd >= 0 {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(p, 0); n == 0 || err != nil {
			return nil
		}
	}
	for {
		e, err := l.next()
		inside.CloseAll(e.files)
		switch {
		case err == io.EOF:
			return l.died(l.c.cgroups)
		case err != nil:
			return err
		}
	}
}

// passListener takes the seccomp notify fd, of this number there, out of init,
// and gives it to the agent (inside/listener.go).
func (l *launch) passListener(n int) error {
	fd, err := unix.PidfdGetfd(int(l.run.pidfd.Fd()), n, 0)
	if err != nil {
		return fmt.Errorf("unable to get the seccomp listener from init: %w", system.Refused(unix.SYS_PIDFD_GETFD, os.NewSyscallError("pidfd_getfd", err)))
	}
	defer unix.Close(fd)
	config := l.c.config.Seccomp
	state, err := l.c.ociState(specs.StateCreating)
	if err != nil {
		return err
	}
	if !l.p.Init {
		state.Status = specs.StateRunning
	}
	return seccomp.SendListener(config.ListenerPath, &specs.ContainerProcessState{
		Version:  specs.Version,
		Fds:      []string{specs.SeccompFdName},
		Pid:      l.run.pid,
		Metadata: config.ListenerMetadata,
		State:    *state,
	}, fd)
}
