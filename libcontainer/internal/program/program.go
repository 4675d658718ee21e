// Package program is the language in which the runtime says what a process
// does inside a container: a list of steps, each of which is one system call.
//
// A program is laid out completely before its first step runs. Two executors
// run the same bytes. One is the stub, a static program of a few pages that the
// runtime makes for each process, and that holds nothing but the program
// (stub.go). The other one is [Builder.Run], which is used inside `runc init`.
// Neither executor allocates, takes locks or runs Go code between two steps, so
// a seccomp filter that a step loads sees the listed system calls alone.
package program

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// Builder collects steps. The zero value is an empty program.
type Builder struct {
	steps []*Step
	mems  []*Mem
	strs  map[string]*Mem
	// pin keeps Go memory that Run passes to the kernel.
	pin []any

	// Unsure marks the steps that are added while it is true: when one of them
	// fails, `runc init` may know another way.
	Unsure bool
}

// Step is one system call of a program.
type Step struct {
	// What names the step, for errors and for --debug.
	What string

	nr    uintptr
	args  [6]Arg
	store *Slot
	next  *Label // nil: the step that follows
	alt   *Label // nil: the step that follows
	errs  [4]uint16
	test  bool
	set   bool
	code  func() error

	explain func(syscall.Errno) error
	unsure  bool
}

// Label is a place in a program.
type Label struct {
	at  int
	abs uint64 // or an address in the stub
}

// Mem is memory that a program's steps pass to the kernel. Without data it is
// zero.
type Mem struct {
	data []byte
	size int
	ptrs []pointer
	addr uint64
	base []byte // the bytes of the encoded program

	buffer bool
}

type pointer struct {
	at int
	to *Mem
	// off is an offset into to.
	off int
}

// Slot is a 32-bit word that a step's result is stored in, and that later
// steps take as an argument.
type Slot struct {
	mem *Mem
	off int
}

// Arg is an argument of a system call.
type Arg struct {
	num  uintptr
	mem  *Mem
	off  int
	load bool // the word at mem+off, not its address
}

// Num is a number.
func Num[T ~int | ~uint | ~uintptr | ~int32 | ~uint32 | ~uint64](n T) Arg {
	return Arg{num: uintptr(n)}
}

// None is -1, as an argument of 64 bits.
var None = Arg{num: ^uintptr(0)}

// Bytes are the memory's content once the program has run in this process.
func (m *Mem) Bytes() []byte { return m.base }

// Int is the word's value once the program has run in this process.
func (s *Slot) Int() int32 { return int32(binary.NativeEndian.Uint32(s.mem.base[s.off:])) }

// Addr passes the address of m.
func (m *Mem) Addr() Arg { return Arg{mem: m} }

// At passes the address of m's byte off.
func (m *Mem) At(off int) Arg { return Arg{mem: m, off: off} }

// Slot is the word at m's byte off, a multiple of 4.
func (m *Mem) Slot(off int) *Slot { return &Slot{m, off} }

// Value passes the word.
func (s *Slot) Value() Arg { return Arg{mem: s.mem, off: s.off, load: true} }

// Addr passes the address of the word.
func (s *Slot) Addr() Arg { return Arg{mem: s.mem, off: s.off} }

// Mem adds memory with this content.
func (b *Builder) Mem(content []byte) *Mem {
	m := &Mem{data: content, size: len(content)}
	b.mems = append(b.mems, m)
	return m
}

// Space adds n zero bytes.
func (b *Builder) Space(n int) *Mem {
	m := &Mem{size: n}
	b.mems = append(b.mems, m)
	return m
}

// Buffer adds n bytes for a call to write to. What they hold before is not
// known: unlike other memory they are not sent to the stub.
func (b *Builder) Buffer(n int) *Mem {
	m := &Mem{size: n, buffer: true}
	b.mems = append(b.mems, m)
	return m
}

// Point puts the address of to's byte off at m's byte at.
func (m *Mem) Point(at int, to *Mem, off int) { m.ptrs = append(m.ptrs, pointer{at, to, off}) }

// Slot adds a word with a value.
func (b *Builder) Slot(value int32) *Slot {
	m := b.Mem(appendInt32(nil, value))
	return m.Slot(0)
}

// Text passes the address of a C string. It must not contain a NUL byte.
func (b *Builder) Text(s string) Arg { return b.Str(s).Addr() }

// Str adds a C string; equal ones are stored once.
func (b *Builder) Str(s string) *Mem {
	if m := b.strs[s]; m != nil {
		return m
	}
	if b.strs == nil {
		b.strs = make(map[string]*Mem)
	}
	m := b.Mem(append(append(make([]byte, 0, len(s)+1), s...), 0))
	b.strs[s] = m
	return m
}

// Strings adds an array of C strings, as execve(2) takes it.
func (b *Builder) Strings(list []string) *Mem {
	m := b.Space(PointerSize * (len(list) + 1))
	for i, s := range list {
		m.Point(PointerSize*i, b.Str(s), 0)
	}
	return m
}

// PointerSize is the size of a pointer in memory, in bytes.
const PointerSize = int(unsafe.Sizeof(uintptr(0)))

// Call adds a system call.
func (b *Builder) Call(what string, nr uintptr, args ...Arg) *Step {
	s := &Step{What: what, nr: nr}
	copy(s.args[:], args)
	b.add(s)
	return s
}

// Test adds a branch: where the 32-bit word at the address, masked, is want, the
// program goes on with the next step, else at the label.
func (b *Builder) Test(word Arg, mask, want uint32, els *Label) *Step {
	s := &Step{What: "test", test: true, alt: els}
	word.load = false
	s.args[0], s.args[1], s.args[2] = word, Num(mask), Num(want)
	b.add(s)
	return s
}

// Go adds a step that is a Go function. Only [Builder.Run] can carry it out.
func (b *Builder) Go(what string, code func() error) *Step {
	s := &Step{What: what, code: code}
	b.add(s)
	return s
}

// NeedsGo says whether a step is a Go function.
func (b *Builder) NeedsGo() bool {
	for _, s := range b.steps {
		if s.code != nil {
			return true
		}
	}
	return false
}

// Label makes a label, which [Builder.Place] has to be called with.
func (b *Builder) Label() *Label { return &Label{at: -1} }

// Place puts the label before the step that is added next.
func (b *Builder) Place(l *Label) { l.at = len(b.steps) }

// Here is a placed label.
func (b *Builder) Here() *Label { return &Label{at: len(b.steps)} }

// Jump adds a jump.
func (b *Builder) Jump(l *Label) {
	// A test that never holds.
	b.Test(b.Slot(0).Addr(), 1, 1, l)
}

// Any stands for every errno.
const Any = syscall.Errno(0xffff)

// Else has the program go on at a label when the call fails with one of these
// errnos, of which there may be four.
func (s *Step) Else(l *Label, errnos ...syscall.Errno) *Step {
	if len(errnos) > len(s.errs) {
		panic("program: too many errnos")
	}
	s.alt = l
	for i, e := range errnos {
		s.errs[i] = uint16(e)
	}
	return s
}

// Ignore has the program go on when the call fails with one of these errnos.
func (s *Step) Ignore(errnos ...syscall.Errno) *Step { return s.Else(nil, errnos...) }

// Then has the program go on at a label when the call succeeds.
func (s *Step) Then(l *Label) *Step { s.next = l; return s }

// Into stores the result, or the negative errno where the step goes on in spite
// of an error.
func (s *Step) Into(slot *Slot) *Step { s.store = slot; return s }

// Explain sets the words for a failure.
func (s *Step) Explain(f func(syscall.Errno) error) *Step { s.explain = f; return s }

// Hint adds words behind the error, such as the place in config.json.
func (s *Step) Hint(hint string) *Step {
	return s.Explain(func(e syscall.Errno) error { return fmt.Errorf("%s: %w (%s)", s.What, e, hint) })
}

// Failed is the error of the step with this number.
func (b *Builder) Failed(step int, errno syscall.Errno) error {
	if step < 0 || step >= len(b.steps) {
		return fmt.Errorf("step %d of the process inside the container: %w", step, errno)
	}
	s := b.steps[step]
	err := fmt.Errorf("%s: %w", s.What, errno)
	if s.explain != nil {
		err = s.explain(errno)
	}
	if s.isCall() && !b.AfterFilter(step) {
		err = system.Refused(s.nr, err)
	}
	return err
}

// Names are the steps' names, in order.
func (b *Builder) Names() []string {
	var names []string
	for _, s := range b.steps {
		names = append(names, s.What)
	}
	return names
}

// Keep has Go memory live as long as the program.
func (b *Builder) Keep(v any) { b.pin = append(b.pin, v) }

func (b *Builder) keepAlive() { runtime.KeepAlive(b) }

// Put changes m's bytes from at on.
func (m *Mem) Put(at int, content []byte) {
	if len(m.data) < m.size {
		m.data = append(m.data, make([]byte, m.size-len(m.data))...)
	}
	copy(m.data[at:], content)
}

// Set adds a step that stores a value in a word.
func (b *Builder) Set(to *Slot, value Arg) *Step {
	s := &Step{What: "set", set: true, store: to}
	s.args[0] = value
	b.add(s)
	return s
}

// Last is the step that was added last.
func (b *Builder) Last() *Step { return b.steps[len(b.steps)-1] }

// Arg replaces an argument.
func (s *Step) Arg(i int, a Arg) *Step { s.args[i] = a; return s }

// Crash adds a step that reads from address 0, which ends the process.
func (b *Builder) Crash() {
	s := &Step{What: "crash", test: true}
	b.add(s)
}

// Int is the value of an argument that is a word, once the program has run in
// this process.
func (a Arg) Int() (int32, bool) {
	if !a.load {
		return 0, false
	}
	return (&Slot{a.mem, a.off}).Int(), true
}

// AfterFilter says whether the step comes after one that loads a seccomp filter.
func (b *Builder) AfterFilter(step int) bool {
	for _, s := range b.steps[:min(step, len(b.steps))] {
		if s.isFilter() {
			return true
		}
	}
	return false
}

func (s *Step) isFilter() bool {
	return s.isCall() && s.nr == unix.SYS_SECCOMP
}

func (s *Step) isCall() bool { return s.code == nil && !s.test && !s.set }

// Calls are the names of the steps that do something outside the program.
func (b *Builder) Calls() []string {
	var names []string
	for _, s := range b.steps {
		if !s.test && !s.set {
			names = append(names, s.What)
		}
	}
	return names
}

func (b *Builder) add(s *Step) {
	s.unsure = b.Unsure
	b.steps = append(b.steps, s)
}

// IsUnsure says whether the step was added while Unsure was true.
func (b *Builder) IsUnsure(step int) bool {
	return step >= 0 && step < len(b.steps) && b.steps[step].unsure
}
