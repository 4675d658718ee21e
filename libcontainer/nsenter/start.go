package nsenter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"runc/libcontainer/exeseal"
	"runc/libcontainer/internal/program"
	"runc/libcontainer/system"
)

var errClosed = errors.New("the process has closed its socket")

// Start makes the process. On error no process is left, and the error says
// which step failed.
func (p *Plan) Start() (*Child, error) {
	// The list is one of numbers, which differ when the caller has changed the plan.
	p.others = nil
	c, err := p.start()
	if errors.Is(err, errCloseRange) {
		if p.others, err = p.inheritable(); err != nil {
			return nil, err
		}
		c, err = p.start()
	}
	return c, err
}

func (p *Plan) start() (_ *Child, err error) {
	if p.New&unix.CLONE_NEWUSER != 0 && p.MapIDs == nil {
		return nil, errors.New("a new user namespace needs maps")
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	conn, theirs := os.NewFile(uintptr(pair[0]), "process"), os.NewFile(uintptr(pair[1]), "runtime")
	defer theirs.Close()
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	// Each message comes with the pid of its sender, see chain.
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt(SO_PASSCRED)", err)
	}
	stub, err := p.chooseCarrier()
	if err != nil {
		return nil, err
	}
	if stub != nil {
		defer stub.Close()
	}
	s := &start{p: p, conn: conn, enter: p.program(), chain: chain{maker: -1}}
	defer s.forgetMaker()
	if err := s.carrier(stub, theirs); err != nil {
		return nil, err
	}
	// With a copy of it in this process, the end of the other process would not
	// end a read.
	if err := theirs.Close(); err != nil {
		s.kill()
		return nil, err
	}
	if err := s.converse(); err != nil {
		s.kill()
		return nil, err
	}
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 0); err != nil {
		s.kill()
		return nil, os.NewSyscallError("setsockopt(SO_PASSCRED)", err)
	}
	// The kernel has the process's number reserved until it is waited for.
	fd, err := unix.PidfdOpen(s.pid, 0)
	if err != nil {
		s.kill()
		return nil, system.Refused(unix.SYS_PIDFD_OPEN, os.NewSyscallError("pidfd_open", err))
	}
	s.reapFormer()
	return &Child{
		Pid: s.pid, PidFD: os.NewFile(uintptr(fd), "pidfd"), Conn: conn, Sock: s.enter.n.sock,
		plan: p, failures: &failures{s.enter},
	}, nil
}

// start is a Start at work.
type start struct {
	p     *Plan
	enter *enter
	conn  *os.File
	chain
}

// chooseCarrier gives the stub's file in memory, or nil for the relay, or for a
// stub that cannot be in memory.
func (p *Plan) chooseCarrier() (*os.File, error) {
	p.relay = false
	canRelay := p.Sealed != nil && p.Exec != nil
	if !p.NoStub && program.Supported() {
		f, err := program.NewFile()
		if err == nil {
			return f, nil
		}
		// vm.memfd_noexec=2 denies executables in memory.
		if !canRelay {
			return nil, nil
		}
	}
	if !canRelay {
		return nil, fmt.Errorf("%w: this architecture has none", ErrNoStub)
	}
	p.relay = true
	return nil, nil
}

// carrier executes the stub, or the relay, in the runtime's own namespaces.
func (s *start) carrier(stub, sock *os.File) (err error) {
	p := s.p
	files := append(append([]*os.File(nil), p.Files...), sock)
	if p.Exec != nil {
		files = append(files, p.Exec.File)
	}
	for _, j := range p.Join {
		files = append(files, j.File)
	}
	if p.Cgroup != nil {
		files = append(files, p.Cgroup)
	}
	exe, argv, env := stub, []string{"runc", "init"}, []string(nil)
	if p.relay {
		exe, env = p.Sealed, []string{relayEnv(s.enter.n.sock)}
	} else if stub != nil {
		if err := s.enter.Write(stub, s.enter.n.sock); err != nil {
			return err
		}
	} else {
		if exe, err = s.unlinkedStub(); err != nil {
			return fmt.Errorf("%w: %w", ErrNoStub, err)
		}
		defer exe.Close()
	}
	// Go's fork numbers the child's files from 0 on; it may use any number above
	// all that it knows. So the executable is among them, behind the others.
	up, err := unix.FcntlInt(exe.Fd(), unix.F_DUPFD_CLOEXEC, len(files)+1)
	if err != nil {
		return os.NewSyscallError("fcntl(F_DUPFD_CLOEXEC)", err)
	}
	defer unix.Close(up)
	attr := &syscall.ProcAttr{Env: env}
	if !p.relay {
		// A relay's child sends its pid by itself.
		attr.Sys = &syscall.SysProcAttr{PidFD: &s.maker}
	}
	for _, f := range files {
		fd := ^uintptr(0)
		if f != nil {
			fd = f.Fd()
		}
		attr.Files = append(attr.Files, fd)
	}
	attr.Files = append(attr.Files, uintptr(up))
	// ForkExec holds syscall.ForkLock, gives the child the limit on open files
	// that this process was started with, and the signal mask that it had then.
	s.pid, err = syscall.ForkExec("/proc/self/fd/"+strconv.Itoa(up), argv, attr)
	runtime.KeepAlive(files)
	if err != nil {
		err = fmt.Errorf("unable to execute the process that enters the container: %w", err)
		if !p.relay && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)) {
			// A security module of the host may let nobody execute memory.
			return fmt.Errorf("%w: %w", ErrNoStub, err)
		}
		return err
	}
	if p.relay {
		return s.sendRelay()
	}
	return nil
}

// unlinkedStub gives the stub as a file without a name on a disk.
func (s *start) unlinkedStub() (*os.File, error) {
	var text buffer
	if err := s.enter.Write(&text, s.enter.n.sock); err != nil {
		return nil, err
	}
	return exeseal.Unlinked(bytes.NewReader(text))
}

// buffer is a file in the caller's memory.
type buffer []byte

func (b *buffer) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(*b) {
		*b = append(*b, make([]byte, need-len(*b))...)
	}
	return copy((*b)[off:], p), nil
}

// converse answers the carrier until the process is there.
func (s *start) converse() error {
	fail := &failures{s.enter}
	s.left = 1
	if s.p.relay {
		s.left++
	}
	if s.p.Cgroup != nil {
		s.left++
	}
	asks, mapped := 0, false
	for {
		m, from, err := receive(s.conn, s.maker, s.p.Await)
		if err == errClosed {
			return errors.New("the child ended before it could make the process")
		}
		if err != nil {
			return err
		}
		switch m.Kind {
		case msgPid:
			if err := s.note(from, m); err != nil {
				return err
			}
		case msgMaps:
			asks = from
		default:
			return s.failed(fail.explain(m), from)
		}
		// Only the maker of the last process makes the user namespace.
		if !mapped && s.left == 1 && asks == s.pid {
			mapped = true
			if err := s.p.MapIDs(s.pid); err != nil {
				return err
			}
			if _, err := s.conn.Write([]byte{1}); err != nil {
				return err
			}
		}
		if s.left == 0 {
			return nil
		}
	}
}

// failed waits until the process that has sent an error is a known one, so that
// kill ends it and those before it.
func (s *start) failed(why error, pid int) error {
	// A stub that waits for a part of its program ends, too.
	_ = unix.Shutdown(int(s.conn.Fd()), unix.SHUT_WR)
	for s.pid != pid && s.left > 0 {
		m, from, err := receive(s.conn, s.maker, s.p.Await)
		if err != nil || m.Kind == msgPid && s.note(from, m) != nil {
			return why
		}
	}
	return why
}

// kill ends all processes of the start. One that cannot be killed ends when the
// socket is closed.
func (s *start) kill() {
	s.conn.Close()
	s.chain.kill()
}

// readMessage reads the next message.
func readMessage(conn *os.File, await func(fd, maker int) error) (program.Message, error) {
	m, _, err := receive(conn, -1, await)
	return m, err
}

// receive reads the next message, and tells the pid of its sender where the
// socket has SO_PASSCRED. Every sender writes its 16 bytes at once, and the
// kernel never splits so little.
func receive(conn *os.File, maker int, await func(fd, maker int) error) (m program.Message, from int, err error) {
	buf := make([]byte, program.MessageSize)
	// There is no room for files, which the kernel therefore drops.
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	for {
		if await != nil {
			if err := await(int(conn.Fd()), maker); err == io.EOF {
				return m, 0, errClosed
			} else if err != nil {
				return m, 0, err
			}
		}
		n, oobn, _, _, err := unix.Recvmsg(int(conn.Fd()), buf, oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
			continue
		case err == unix.ECONNRESET || err == nil && n == 0:
			return m, 0, errClosed
		case err != nil:
			return m, 0, os.NewSyscallError("recvmsg", err)
		case n != len(buf):
			return m, 0, fmt.Errorf("unexpected message of %d bytes from the process that enters the container", n)
		}
		return program.ParseMessage(buf), sender(oob[:oobn]), nil
	}
}

// sender is the pid of a control message, 0 where there is none.
func sender(oob []byte) int {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for i := range messages {
		if cred, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			return int(cred.Pid)
		}
	}
	return 0
}

// failures explains the failed steps of a carrier.
type failures struct{ enter *enter }

func (f *failures) explain(m program.Message) error {
	first, _ := m.Step()
	if m.Kind != 0 || first < 0 {
		return fmt.Errorf("unexpected message %d from the process that enters the container", m.Kind)
	}
	return f.enter.Failed(first, syscall.Errno(m.Value))
}
