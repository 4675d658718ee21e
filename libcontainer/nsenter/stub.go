package nsenter

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// The stub is a static ELF program of a few pages, made for one child: the code
// of stub_*.s, which is always the same, and the list that it goes through, with
// everything that the list points to. It is what the child is between its place
// in the container and the user's program: /proc/self/exe leads to it, not to
// the runtime's binary, and its memory holds nothing that the program will not
// be given anyway (CVE-2019-5736, CVE-2016-9962).

// Calls is the list.
type Calls struct {
	steps []step

	// Programs are paths, of which the first that can be executed is, with
	// Argv and Env.
	Programs  []string
	Argv, Env []string

	// Last come after the program was found.
	last int
}

// step is a system call and what it means that it fails.
type step struct {
	nr      uintptr
	args    []Arg
	ignored [4]syscall.Errno
	check   *check
}

// check looks at a 32-bit word after a call: *(Args[arg]+offset) & mask must be
// want, and & some must not be 0.
type check struct {
	arg, offset      int
	mask, want, some uint32
}

// Arg is an argument of a call: a number, or memory.
type Arg struct {
	num    uintptr
	data   []byte // its address is passed
	space  int    // that of as many zero bytes is
	filter []byte // that of a struct sock_fprog is
}

// Num is a number.
func Num[T ~int | ~uint | ~uintptr | ~int32 | ~uint32](n T) Arg { return Arg{num: uintptr(n)} }

// Bytes passes the address of b's bytes.
func Bytes(b []byte) Arg { return Arg{data: b} }

// Text passes the address of a C string.
func Text(s string) Arg { return Arg{data: append([]byte(s), 0)} }

// Space passes the address of n bytes, which are 0.
func Space(n int) Arg { return Arg{space: n} }

// Filter passes the address of a struct sock_fprog for the instructions.
func Filter(insns []byte) Arg { return Arg{filter: insns} }

// Add adds a call.
func (c *Calls) Add(nr uintptr, args ...Arg) { c.AddIgnoring(nil, nr, args...) }

// AddIgnoring adds a call that may fail in up to four ways.
func (c *Calls) AddIgnoring(ignored []syscall.Errno, nr uintptr, args ...Arg) {
	s := step{nr: nr, args: args}
	copy(s.ignored[:], ignored)
	c.steps = append(c.steps, s)
	c.last = len(c.steps)
}

// AddLast adds one that is made once the program was found.
func (c *Calls) AddLast(nr uintptr, args ...Arg) {
	c.steps = append(c.steps, step{nr: nr, args: args})
}

// AddInside wants the working directory to be one below the root: of others
// getcwd(2) says "(unreachable)...".
func (c *Calls) AddInside() {
	c.Add(unix.SYS_GETCWD, Space(unix.PathMax), Num(unix.PathMax))
	c.steps[len(c.steps)-1].check = &check{mask: 0xff, want: '/', some: 0xff}
}

// Where the stub is in memory and in its file. Pages have up to 64 KiB.
const (
	stubPage = 0x10000
	stubText = 0x400000
	// stubTable is also a constant of stub_*.s.
	stubTable = 0x500000
)

// One entry of the table that stub_*.s goes through, in words of 8 bytes: the
// number; six arguments; the address of the next entry; that of the one for an
// ignored error; those errors, 16 bits each; the entry for all other errors;
// the address that the check looks at, or 0; mask and want; some.
const (
	entryNext    = 7
	entryIgnored = 8
	entryErrnos  = 9
	entryFail    = 10
	entryLook    = 11
	entryMasks   = 12
	entrySome    = 13
	entryWords   = 14
	entrySize    = entryWords * 8
)

// reportOffset: the first entry of the table is the report's place.
const reportSize = 16

// part is a piece of the stub's file.
type part struct {
	offset int64
	data   []byte
}

// layout collects the data segment.
type layout struct {
	data  []byte
	space int // zero bytes behind all the data
}

// put adds bytes and gives their address.
func (l *layout) put(b []byte) uint64 {
	for len(l.data)%8 != 0 {
		l.data = append(l.data, 0)
	}
	addr := uint64(stubTable + len(l.data))
	l.data = append(l.data, b...)
	return addr
}

func (l *layout) putWords(w ...uint64) uint64 {
	b := make([]byte, 0, 8*len(w))
	for _, x := range w {
		b = binary.NativeEndian.AppendUint64(b, x)
	}
	return l.put(b)
}

// putStrings adds a list as execve(2) wants it.
func (l *layout) putStrings(list []string) uint64 {
	words := make([]uint64, 0, len(list)+1)
	for _, s := range list {
		words = append(words, l.put(append([]byte(s), 0)))
	}
	return l.putWords(append(words, 0)...)
}

// image is the stub's file. Reports go to the fd status.
func (c *Calls) image(status int) ([]part, error) {
	for _, list := range [][]string{c.Programs, c.Argv, c.Env} {
		for _, s := range list {
			if _, err := unix.BytePtrFromString(s); err != nil {
				return nil, fmt.Errorf("%q: %w", s, err)
			}
		}
	}
	// Report and "ready" come first, then the entries, then what they point to.
	nprog := len(c.Programs)
	const exits = 3
	n := c.last + nprog*(len(c.steps)-c.last+4) + exits
	head := 2 * reportSize
	l := &layout{data: make([]byte, head+n*entrySize, 4*stubPage)}
	copy(l.data[reportSize:], encodeReport(stepReady))
	copy(l.data, encodeReport(stepCall))
	at := func(i int) uint64 { return uint64(stubTable + head + i*entrySize) }
	fail := n - exits
	i := 0
	var spaces []int // words to be moved behind the data
	set := func(word int, v uint64) {
		binary.NativeEndian.PutUint64(l.data[head+i*entrySize+8*word:], v)
	}
	entry := func(s *step, next, ignored, failed int) {
		set(0, uint64(s.nr))
		for k := range s.args {
			a := &s.args[k]
			v := uint64(a.num)
			switch {
			case a.filter != nil:
				p := l.put(a.filter)
				// struct sock_fprog: a short, and a pointer at its own alignment.
				v = l.putWords(0, p)
				binary.NativeEndian.PutUint16(l.data[v-stubTable:], uint16(len(a.filter)/8))
			case a.data != nil:
				v = l.put(a.data)
			case a.space != 0:
				v = uint64(l.space)
				l.space += (a.space + 7) &^ 7
				spaces = append(spaces, head+i*entrySize+8*(1+k))
			}
			set(1+k, v)
			if s.check != nil && s.check.arg == k {
				set(entryLook, v+uint64(s.check.offset))
				if a.space != 0 {
					spaces = append(spaces, head+i*entrySize+8*entryLook)
				}
			}
		}
		set(entryNext, at(next))
		set(entryIgnored, at(ignored))
		set(entryFail, at(failed))
		for k, e := range s.ignored {
			binary.NativeEndian.PutUint16(l.data[head+i*entrySize+8*entryErrnos+2*k:], uint16(e))
		}
		if s.check != nil {
			off := head + i*entrySize + 8*entryMasks
			binary.NativeEndian.PutUint32(l.data[off:], s.check.mask)
			binary.NativeEndian.PutUint32(l.data[off+4:], s.check.want)
			binary.NativeEndian.PutUint32(l.data[off+8:], s.check.some)
		}
		i++
	}
	for k := range c.last {
		entry(&c.steps[k], i+1, i+1, fail)
	}
	// For each program: is it there, may it be executed; and then what is last.
	tail := len(c.steps) - c.last + 2
	argv, env := l.putStrings(c.Argv), l.putStrings(c.Env)
	for k, p := range c.Programs {
		path := l.put(append([]byte(p), 0))
		next := i + 2 + tail
		if k == nprog-1 {
			next = fail
		}
		entry(&step{
			nr: sysFstatat, args: []Arg{Num(at_), Num(uintptr(path)), Space(statSize), Num(0)},
			ignored: [4]syscall.Errno{unix.ENOENT, unix.ENOTDIR, unix.EACCES},
			// A regular file with some x bit; of others the long way knows.
			check: &check{arg: 2, offset: statMode, mask: unix.S_IFMT, want: unix.S_IFREG, some: 0o111},
		}, i+1, next, fail)
		entry(&step{
			nr: unix.SYS_FACCESSAT2, args: []Arg{Num(at_), Num(uintptr(path)), Num(unix.X_OK), Num(unix.AT_EACCESS)},
			ignored: [4]syscall.Errno{unix.EACCES, unix.EPERM},
		}, i+1, next, fail)
		for m := c.last; m < len(c.steps); m++ {
			entry(&c.steps[m], i+1, i+1, fail)
		}
		entry(&step{nr: unix.SYS_WRITE, args: []Arg{Num(status), Num(uintptr(stubTable + reportSize)), Num(reportSize)}}, i+1, i+1, i+1)
		entry(&step{nr: unix.SYS_EXECVE, args: []Arg{Num(uintptr(path)), Num(uintptr(argv)), Num(uintptr(env))}}, fail, fail, fail)
	}
	if i != fail {
		return nil, fmt.Errorf("the stub's table has %d entries, not %d", i, fail)
	}
	entry(&step{nr: unix.SYS_WRITE, args: []Arg{Num(status), Num(uintptr(stubTable)), Num(reportSize)}}, i+1, i+1, i+1)
	// A filter may deny the first, and even the second; the address ends it then.
	entry(&step{nr: unix.SYS_EXIT_GROUP, args: []Arg{Num(253)}}, i+1, i+1, i+1)
	entry(&step{nr: unix.SYS_EXIT, args: []Arg{Num(253)}}, i, i, i)
	i--
	set(entryNext, 0)
	set(entryFail, 0)
	l.put(nil)
	for _, off := range spaces {
		v := binary.NativeEndian.Uint64(l.data[off:])
		binary.NativeEndian.PutUint64(l.data[off:], v+uint64(stubTable+len(l.data)))
	}
	return []part{
		{0, elf(len(stubCode()), len(l.data), len(l.data)+l.space)},
		{stubPage, l.data},
	}, nil
}

func encodeReport(step int) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(step))
	b = binary.NativeEndian.AppendUint32(b, 0)
	return binary.NativeEndian.AppendUint64(b, 0)
}

// elf is the first page: the headers of a static program (elf(5)), and its text.
func elf(text, data, mem int) []byte {
	const ehdr, phdr = 64, 56
	const headers = ehdr + 3*phdr
	e := binary.NativeEndian
	b := make([]byte, 0, headers+text)
	b = append(b, "\x7fELF\x02\x01\x01"...) // 64 bits, little endian, version 1
	b = append(b, make([]byte, 9)...)
	b = e.AppendUint16(b, 2) // ET_EXEC
	b = e.AppendUint16(b, elfMachine)
	b = e.AppendUint32(b, 1)
	b = e.AppendUint64(b, stubText+headers) // entry
	b = e.AppendUint64(b, ehdr)             // program headers
	b = e.AppendUint64(b, 0)
	b = e.AppendUint32(b, 0)
	for _, v := range []uint16{ehdr, phdr, 3, 0, 0, 0} {
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
	segment(load, r|x, 0, stubText, uint64(headers+text), uint64(headers+text))
	segment(load, r|w, stubPage, stubTable, uint64(data), uint64(mem))
	segment(stack, r|w, 0, 0, 0, 0)
	return append(b, stubCode()...)
}
