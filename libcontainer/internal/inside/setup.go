package inside

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
	"runc/libcontainer/rootfs"
)

// Messages that the program sends to the runtime, in program.Message. With a
// runtime that is asked, the program waits for a byte ([Setup.ask]).
const (
	// KindConsole: the terminal's master comes along. Value is the number of
	// its slave in /dev/pts.
	KindConsole = 1 + iota
	// KindSources asks: the sources that the operation Addr of the root file
	// system's plan needs come with the answer.
	KindSources
	// KindDevices asks: the device rules have to be those that the container
	// keeps.
	KindDevices
	// KindHooks asks: all is mounted, and the root is about to change.
	KindHooks
	// KindRlimits asks for the limits of the process.
	KindRlimits
	// KindFirst: the first part of the program is done. Value is the number of
	// the fd by which exec.fifo is opened.
	KindFirst
	// KindPasswd: Value bytes of the container's /etc/passwd follow.
	KindPasswd
	// KindAmbient: the ambient capability Addr could not be raised. Value is
	// the negative errno.
	KindAmbient
	// KindListener: Value is the number of the seccomp notify fd in the process.
	KindListener
	// KindReady: nothing is left that can fail.
	KindReady
)

// Setup builds the program of one process.
type Setup struct {
	*Bootstrap
	// Sock is the number of the socket to the runtime in the process.
	Sock int
	// ChownFDs are the fds of the process's stdio that the user does not own.
	ChownFDs []int
	// MayDrop: the process has CAP_SETPCAP, so it need not look whether a
	// capability that it may not drop is missing already.
	MayDrop bool
	// NullFDs are the fds of the first process's stdio that are the null device
	// of the host.
	NullFDs []int

	b *program.Builder
	// init carries the program out by itself; nil for the stub.
	init *initProcess
	// steps are those of the root file system, for the stub.
	steps *rootfs.Steps
	// proc is a handle of procfs, of which only the process folders are used.
	proc program.Arg
	// unable says what the stub cannot do.
	unable string
}

// NewStub is a Setup for the stub.
func NewStub(boot *Bootstrap, sock int) *Setup { return &Setup{Bootstrap: boot, Sock: sock} }

// Unable says which step the stub cannot carry out, once the program was
// built; "" for none.
func (s *Setup) Unable() string { return s.unable }

func num[T ~int | ~uint | ~uintptr | ~int32 | ~uint32 | ~uint64](n T) program.Arg {
	return program.Num(n)
}

// inGo adds a step that is a Go function.
func (s *Setup) inGo(what string, f func() error) {
	if s.init == nil {
		if s.unable == "" {
			s.unable = what
		}
		return
	}
	s.b.Go(what, f)
}

// prctl adds a prctl(2).
func (s *Setup) prctl(what string, args ...uintptr) *program.Step {
	list := make([]program.Arg, 5)
	for i, a := range args {
		list[i] = num(a)
	}
	return s.b.Call("prctl("+what+")", unix.SYS_PRCTL, list...)
}

// never adds a step that fails with an error of its own.
func (s *Setup) never(err error) {
	s.b.Call(err.Error(), unix.SYS_CLOSE, program.None).Explain(func(unix.Errno) error { return err })
}

// message lays a message out as the channel of `runc init` and the stub's
// socket have it. Its value is the word at value.
func (s *Setup) message(kind uint32, addr uint64) (m *program.Mem, from, size int, value *program.Slot) {
	e := binary.NativeEndian
	// The type of the channel's message is the byte before the message.
	b := []byte{0, 0, 0, byte(MsgProgram)}
	b = e.AppendUint64(e.AppendUint32(e.AppendUint32(b, kind), 0), addr)
	m = s.b.Mem(b)
	if s.init != nil {
		return m, 3, 1 + program.MessageSize, m.Slot(8)
	}
	return m, 4, program.MessageSize, m.Slot(8)
}

// send adds the sending of a message, with a value or with 0.
func (s *Setup) send(kind uint32, addr uint64, value ...program.Arg) *program.Step {
	m, from, size, word := s.message(kind, addr)
	for _, v := range value {
		s.b.Set(word, v)
	}
	return s.b.Call("write", unix.SYS_WRITE, num(s.Sock), m.At(from), num(size))
}

// sendFD adds the sending of a message with a file.
func (s *Setup) sendFD(kind uint32, fd, value program.Arg, what string) {
	m, from, size, word := s.message(kind, 0)
	s.b.Set(word, value)
	// struct msghdr, struct iovec and struct cmsghdr with one fd, each of its
	// fields as wide as a pointer but the lengths of the name and the flags.
	const p = program.PointerSize
	iov := s.b.Space(2 * p)
	iov.Point(0, m, from)
	iov.Put(p, word64(uint64(size)))
	cmsg := s.b.Space(unix.CmsgSpace(4))
	cmsg.Put(0, word64(uint64(unix.CmsgLen(4))))
	cmsg.Put(p, binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, unix.SOL_SOCKET), unix.SCM_RIGHTS))
	s.b.Set(cmsg.Slot(unix.CmsgLen(0)), fd)
	hdr := s.b.Space(7 * p)
	hdr.Point(2*p, iov, 0)
	hdr.Put(3*p, word64(1))
	hdr.Point(4*p, cmsg, 0)
	hdr.Put(5*p, word64(uint64(unix.CmsgSpace(4))))
	s.b.Call(what, unix.SYS_SENDMSG, num(s.Sock), hdr.Addr(), num(unix.MSG_NOSIGNAL))
}

// word64 is a number as wide as a pointer.
func word64(n uint64) []byte {
	if program.PointerSize == 4 {
		return binary.NativeEndian.AppendUint32(nil, uint32(n))
	}
	return binary.NativeEndian.AppendUint64(nil, n)
}

// ask adds a message and the wait for the runtime's byte.
func (s *Setup) ask(kind uint32, what string) {
	if s.init != nil {
		s.b.Go(what, func() error { return s.init.askProgram(kind) })
		return
	}
	s.send(kind, 0)
	answer, n := s.b.Space(4), s.b.Slot(0)
	s.b.Call(what, unix.SYS_RECVFROM, num(s.Sock), answer.Addr(), num(1), num(0), num(0), num(0)).Into(n)
	s.b.Test(n.Addr(), ^uint32(0), 1, program.Quit())
}

// bigEndian says whether the more significant half of a number comes first.
var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// low is the offset of the lower 32 bits of a 64-bit field.
func low(off int) int {
	if bigEndian {
		return off + 4
	}
	return off
}

// high is the offset of the upper 32 bits of a 64-bit field.
func high(off int) int { return 2*off + 4 - low(off) }

// half is a 16-bit value at the lower address of a 32-bit word.
func half(v uint32) uint32 {
	if bigEndian {
		return v << 16
	}
	return v
}

// how is struct open_how (openat2(2)).
func (s *Setup) how(flags, resolve uint64) program.Arg {
	e := binary.NativeEndian
	return s.b.Mem(e.AppendUint64(e.AppendUint64(e.AppendUint64(nil, flags), 0), resolve)).Addr()
}

const sizeofHow = 24

func (s *Setup) openat2(what string, dir program.Arg, path string, flags, resolve uint64) *program.Step {
	return s.b.Call(what, unix.SYS_OPENAT2, dir, s.b.Text(path), s.how(flags|unix.O_CLOEXEC, resolve), num(sizeofHow))
}

func (s *Setup) close(fd program.Arg) {
	s.b.Call("close", unix.SYS_CLOSE, fd).Ignore(program.Any)
}

// place puts words that say where in config.json the step's value is.
func place(what, field string) func(unix.Errno) error {
	return func(errno unix.Errno) error { return fmt.Errorf("%s: %w (config.json: %s)", what, errno, field) }
}

var cwdFD = num(unix.AT_FDCWD)
