package program

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// The stub is a static ELF program of a few pages: the executor of stub_*.s,
// which is always the same, and a first program with all that it points to. It
// is executed outside the container, in memory and with an executable of its
// own, and makes the process inside by its own clone(2). So nothing of the
// runtime is ever seen in the container: no memory, no command line, no
// environment, no file but those that the process is meant to have
// (CVE-2016-9962, CVE-2019-5736).
//
// When it is through with its first program, the stub reads further ones, the
// pieces, from a stream socket, and runs each. It ends when the other end of
// the socket is closed.

// Where the stub is in memory and in its file. Pages have up to 64 KiB.
const (
	stubPage = 0x10000
	stubText = 0x400000
	// stubTable begins with the report of a failure, a Message.
	stubTable = 0x500000
	// stubHead has the entries that every stub has.
	stubHead  = stubTable + 0x20
	headSteps = 8
	headIdle  = stubHead + 4*entrySize
	headQuit  = stubHead + 7*entrySize
	// stubFirst is the first program's first entry.
	stubFirst = stubHead + headSteps*entrySize
	// stubPiece is where pieces are read to.
	stubPiece = 0x1000000
	pieceHead = 2 * entrySize

	// maxPiece bounds a program, in bytes. The kernel gives memory only to what
	// is used of it.
	maxPiece = 8 << 20
)

// Exit statuses of the stub.
const (
	// ExitFailed: a step failed, which the stub has reported.
	ExitFailed = 253
	// ExitAlone: the other end of the socket is closed.
	ExitAlone = 254
)

// MessageSize is the size of a Message on the socket, in bytes.
const MessageSize = 16

// Message is what a process says on the socket: 16 bytes in the machine's order.
type Message struct {
	// Kind 0 is a failed step, other kinds are the caller's.
	Kind uint32
	// Value is the errno of a failed step.
	Value uint32
	// Addr is the address of the failed step's entry.
	Addr uint64
}

// ParseMessage decodes MessageSize bytes.
func ParseMessage(b []byte) Message {
	e := binary.NativeEndian
	return Message{e.Uint32(b), e.Uint32(b[4:]), e.Uint64(b[8:])}
}

// Step is the number of the failed step of the stub's first program, and of a
// piece: -1 for the one of the two that it does not belong to.
func (m Message) Step() (first, piece int) {
	if m.Addr >= stubPiece+pieceHead {
		return -1, stepOf(m.Addr, stubPiece+pieceHead)
	}
	return stepOf(m.Addr, stubFirst), -1
}

// Supported says whether this architecture has a stub.
func Supported() bool { return len(stubCode()) != 0 }

// Idle is where the stub waits for a piece.
func Idle() *Label { return &Label{abs: headIdle} }

// Quit is where the stub ends without a report.
func Quit() *Label { return &Label{abs: headQuit} }

// put writes an entry.
func put(b []byte, nr uint64, next, alt uint64, args ...uint64) {
	e := binary.NativeEndian
	e.PutUint64(b[8*entryNr:], nr)
	for i, a := range args {
		e.PutUint64(b[8*(entryArgs+i):], a)
	}
	e.PutUint64(b[8*entryNext:], next)
	e.PutUint64(b[8*entryAlt:], alt)
}

// Write makes f the stub's file, with this first program. sock is the number
// that the socket's end has in the stub.
func (b *Builder) Write(f io.WriterAt, sock int) error {
	if b.NeedsGo() {
		return fmt.Errorf("a program with a step in Go cannot be the stub's")
	}
	size, sent := b.size()
	if size > maxPiece {
		return errTooLong(size)
	}
	data := make([]byte, stubFirst-stubTable+sent)
	head := func(i int) []byte { return data[stubHead-stubTable+i*entrySize:] }
	at := func(i int) uint64 { return stubHead + uint64(i)*entrySize }
	any := uint64(Any)
	expectAny := func(i int) { binary.NativeEndian.PutUint64(head(i)[8*entryErrs:], any) }
	// How a failure is reported. A filter may deny each of the calls; the last
	// entry reads from address 0, which ends the process in any case.
	put(head(0), unix.SYS_WRITE, at(1), at(1), uint64(sock), stubTable, MessageSize)
	put(head(1), unix.SYS_EXIT_GROUP, at(2), at(2), ExitFailed)
	put(head(2), unix.SYS_EXIT, at(3), at(3), ExitFailed)
	put(head(3), kindTest, at(3), at(3), 0)
	for i := range 3 {
		expectAny(i)
	}
	// How a piece is read: its head first, which knows the length of the rest.
	put(head(4), unix.SYS_RECVFROM, at(5), at(7), uint64(sock), stubPiece, pieceHead, unix.MSG_WAITALL)
	binary.NativeEndian.PutUint64(head(4)[8*entryStore:], stubTable+MessageSize)
	expectAny(4)
	put(head(5), kindTest, stubPiece, at(7), stubTable+MessageSize, 0xffffffff, pieceHead)
	put(head(7), unix.SYS_EXIT_GROUP, at(2), at(2), ExitAlone)
	expectAny(7)
	if err := b.encode(data[stubFirst-stubTable:], stubFirst, headIdle); err != nil {
		return err
	}
	if _, err := f.WriteAt(elf(len(data), stubFirst-stubTable+size), 0); err != nil {
		return err
	}
	_, err := f.WriteAt(data, stubPage)
	return err
}

// Piece encodes the program for a stub that waits for one.
func (b *Builder) Piece(sock int) ([]byte, error) {
	if b.NeedsGo() {
		return nil, fmt.Errorf("a program with a step in Go cannot be the stub's")
	}
	size, sent := b.size()
	if size > maxPiece-pieceHead {
		return nil, errTooLong(size)
	}
	out := make([]byte, pieceHead+sent)
	const first = stubPiece + pieceHead
	put(out, unix.SYS_RECVFROM, stubPiece+entrySize, headQuit, uint64(sock), first, uint64(sent), unix.MSG_WAITALL)
	binary.NativeEndian.PutUint64(out[8*entryStore:], stubTable+MessageSize)
	binary.NativeEndian.PutUint64(out[8*entryErrs:], uint64(Any))
	put(out[entrySize:], kindTest, first, headQuit, stubTable+MessageSize, 0xffffffff, uint64(sent))
	if err := b.encode(out[pieceHead:], first, headIdle); err != nil {
		return nil, err
	}
	return out, nil
}

func errTooLong(size int) error {
	return fmt.Errorf("a program of %d bytes is too long, the limit is %d", size, maxPiece)
}

// elf is the stub's first page: the headers of a static program (elf(5)), and
// its text. data and mem are the lengths of the data segment in the file and in
// memory.
func elf(data, mem int) []byte {
	text := stubCode()
	const ehdr, phdr = 64, 56
	const headers = ehdr + 4*phdr
	e := binary.NativeEndian
	b := make([]byte, 0, headers+len(text))
	b = append(b, "\x7fELF\x02\x01\x01"...) // 64 bits, little endian, version 1
	b = append(b, make([]byte, 9)...)
	b = e.AppendUint16(b, 2) // ET_EXEC
	b = e.AppendUint16(b, elfMachine)
	b = e.AppendUint32(b, 1)
	b = e.AppendUint64(b, stubText+headers) // entry
	b = e.AppendUint64(b, ehdr)             // program headers
	b = e.AppendUint64(b, 0)
	b = e.AppendUint32(b, 0)
	for _, v := range []uint16{ehdr, phdr, 4, 0, 0, 0} {
		b = e.AppendUint16(b, v)
	}
	segment := func(kind, flags uint32, off, addr, size, mem uint64) {
		b = e.AppendUint32(b, kind)
		b = e.AppendUint32(b, flags)
		for _, v := range []uint64{off, addr, addr, size, mem, stubPage} {
			b = e.AppendUint64(b, v)
		}
	}
	const load, stack, r, w, x = 1, 0x6474e551, 4, 2, 1
	segment(load, r|x, 0, stubText, uint64(headers+len(text)), uint64(headers+len(text)))
	segment(load, r|w, stubPage, stubTable, uint64(data), uint64(mem))
	segment(load, r|w, 0, stubPiece, 0, maxPiece)
	segment(stack, r|w, 0, 0, 0, 0)
	return append(b, text...)
}

// NewFile makes the file for a stub, in memory. Each stub has its own, with
// nothing of the host in it, so nobody gains anything by writing to it.
func NewFile() (*os.File, error) {
	// MFD_EXEC has to be asked for since Linux 6.3, and is unknown before.
	fd, err := unix.MemfdCreate("runc", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate("runc", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "memfd:runc"), nil
}
