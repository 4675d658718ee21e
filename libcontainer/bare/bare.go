// Package bare makes a list of system calls, and no other.
//
// A thread that runs Go code makes system calls that nobody wrote down: the
// scheduler wakes threads by futex(2), the heap grows by mmap(2), a goroutine
// that runs for long is made to yield. Under a container's seccomp filter
// (seccomp(2)) any of them may fail, or kill. So what is to be done under one is
// laid out before and then gone through as a single long system call is: the
// scheduler has been told that the thread is away, and nothing of Go's runs on
// it until the list is done.
package bare

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls is the list. The zero value is an empty one.
type Calls struct {
	// Sock is the socket that an error under a filter is told to, in one write(2)
	// behind Mark; standard error is, without it, when Sock is closed or negative.
	Sock int
	Mark byte

	// Filtered: a filter is on this thread already. Until there is one, errors
	// are Run's to return, not to tell.
	Filtered bool

	calls   []*Call
	keep    []unsafe.Pointer
	texts   []string // of the errnos
	denied  string
	newline string
	message []byte
	dfl     [8]uint64 // struct sigaction, all zero: SIG_DFL
}

// Call is a system call of the list.
type Call struct {
	// Words say what it is for: what fails is called "Words: the error".
	Words string

	// Explain has better ones, for when there is no filter. It may be nil.
	Explain func(syscall.Errno) error

	nr       uintptr
	args     [6]uintptr
	optional bool
	once     bool
	filters  bool
	closes   bool
	results  []*uintptr
	result32 *uint32
	word     *uint32 // the call is made again while this is value
	value    uint32
}

// Add adds a call; of what args point to, [Calls.Pointer] has to know.
func (c *Calls) Add(words string, nr uintptr, args ...uintptr) *Call {
	call := &Call{Words: words, nr: nr}
	copy(call.args[:], args)
	c.calls = append(c.calls, call)
	return call
}

// Pointer makes an argument of a pointer, and keeps what it points to.
func (c *Calls) Pointer(p unsafe.Pointer) uintptr {
	c.keep = append(c.keep, p)
	return uintptr(p)
}

// Text makes an argument of a text without NUL.
func (c *Calls) Text(s string) uintptr {
	b := append([]byte(s), 0)
	return c.Pointer(unsafe.Pointer(&b[0]))
}

// Texts makes an argument of a list of texts, as execve(2) takes it.
func (c *Calls) Texts(list []string) (uintptr, error) {
	p, err := syscall.SlicePtrFromStrings(list)
	if err != nil {
		return 0, err
	}
	return c.Pointer(unsafe.Pointer(&p[0])), nil
}

// Optional says that the call may fail.
func (c *Call) Optional() *Call { c.optional = true; return c }

// Close says that the call closes Sock.
func (c *Call) Close() *Call { c.closes = true; return c.Once() }

// Once says that it is not made again when a signal interrupts it.
func (c *Call) Once() *Call { c.once = true; return c }

// Filters says that from this call on there is a filter.
func (c *Call) Filters() *Call { c.filters = true; return c }

// Into makes the result an argument of a later call.
func (c *Call) Into(later *Call, arg int) *Call {
	c.results = append(c.results, &later.args[arg])
	return c
}

// Into32 stores the result, of 32 bits.
func (c *Call) Into32(p *uint32) *Call { c.result32 = p; return c }

// While says that the call is made again as long as a word of memory has a value.
func (c *Call) While(word *uint32, value uint32) *Call {
	c.word, c.value = word, value
	return c
}

// Error is a call that failed when there was no filter.
type Error struct {
	Call  *Call
	Errno syscall.Errno
}

func (e *Error) Error() string { return e.Call.Words + ": " + e.Errno.Error() }

func (e *Error) Unwrap() error { return e.Errno }

// hint is for what a filter denies.
const hint = " (denied by the seccomp filter? config.json: linux.seccomp)"

// lastErrno is EHWPOISON.
const lastErrno = 133

// exitTold and exitUntold are the status of the process when it ends in here:
// with an error for Sock, or for standard error.
const (
	exitTold   = 1
	exitUntold = 255
)

// Run makes the calls, one after the other. Where one fails under a filter, the
// error is told and the process ended.
//
// The goroutine has to be locked to its thread.
func (c *Calls) Run() error {
	c.layOut()
	failed, errno := c.run()
	if failed < 0 {
		return nil
	}
	return &Error{c.calls[failed], errno}
}

// layOut makes what is needed to tell of an error.
func (c *Calls) layOut() {
	longest := 0
	filter := c.Filtered
	for _, call := range c.calls {
		filter = filter || call.filters
		longest = max(longest, len(call.Words))
	}
	if !filter {
		return
	}
	c.texts = make([]string, lastErrno+1)
	for n := range c.texts {
		text := syscall.Errno(n).Error()
		c.texts[n] = text
		longest = max(longest, len(text))
	}
	c.denied, c.newline = hint, "\n"
	c.message = make([]byte, 2*longest+len(hint)+16)
}

// The scheduler's own way to be told that a thread will be away. The second
// gives up the right to run Go code at once rather than leave it to be taken.
//
//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

// run gives the index of the call that failed, -1 for none.
//
// From entersyscallblock to exitsyscall this thread has no right to run Go code:
// no allocation, no growth of the stack (go:nosplit all the way down), no write
// barriers (only integers are stored), no race detector, no locks.
//
//go:noinline
//go:norace
//go:nosplit
func (c *Calls) run() (int, syscall.Errno) {
	entersyscallblock()
	failed := -1
	var errno syscall.Errno
	for i := 0; i < len(c.calls); i++ {
		call := c.calls[i]
		if call.filters {
			c.resetSignals()
		}
		errno = call.do()
		if errno == 0 {
			if call.filters {
				c.Filtered = true
			}
			if call.closes {
				c.Sock = -1
			}
			continue
		}
		if call.optional {
			continue
		}
		if c.Filtered {
			c.die(call, errno)
		}
		failed = i
		break
	}
	exitsyscall()
	return failed, errno
}

//go:norace
//go:nosplit
func (call *Call) do() syscall.Errno {
	for {
		r, _, errno := syscall.RawSyscall6(call.nr, call.args[0], call.args[1], call.args[2], call.args[3], call.args[4], call.args[5])
		if errno == syscall.EINTR && !call.once || call.word != nil && atomic.LoadUint32(call.word) == call.value {
			continue
		}
		for i := 0; errno == 0 && i < len(call.results); i++ {
			*call.results[i] = r
		}
		if errno == 0 && call.result32 != nil {
			*call.result32 = uint32(r)
		}
		return errno
	}
}

// sigsetSize is that of the kernel's sigset_t, where Go has no mips to mind.
const sigsetSize = 8

// resetSignals takes the Go runtime's handlers from the two signals that end a
// process here: SIGSYS for SCMP_ACT_TRAP, and SIGSEGV for die.
//
//go:norace
//go:nosplit
func (c *Calls) resetSignals() {
	p := uintptr(unsafe.Pointer(&c.dfl))
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGSYS), p, 0, sigsetSize, 0, 0)
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGSEGV), p, 0, sigsetSize, 0, 0)
}

// die tells of an error and ends the process.
//
//go:norace
//go:nosplit
func (c *Calls) die(call *Call, errno syscall.Errno) {
	n := c.put(0, call.Words)
	n = c.put(n, ": ")
	if int(errno) < len(c.texts) {
		n = c.put(n, c.texts[errno])
	} else {
		n = c.put(n, "unknown error")
	}
	if errno == syscall.EPERM || errno == syscall.ENOSYS {
		n = c.put(n, c.denied)
	}
	n = c.put(n, c.newline)
	// message[0] is left for Mark; the newline is for people.
	if c.Sock >= 0 {
		c.message[0] = c.Mark
		if c.write(uintptr(c.Sock), 0, n) {
			exit(exitTold)
		}
	}
	c.write(2, 1, n+1)
	exit(exitUntold)
}

// put adds text behind n bytes of the message.
//
//go:norace
//go:nosplit
func (c *Calls) put(n int, text string) int {
	for i := 0; i < len(text) && 1+n < len(c.message); i++ {
		c.message[1+n] = text[i]
		n++
	}
	return n
}

//go:norace
//go:nosplit
func (c *Calls) write(fd uintptr, from, to int) bool {
	for {
		_, _, errno := syscall.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(&c.message[from])), uintptr(to-from))
		if errno != syscall.EINTR {
			return errno == 0
		}
	}
}

//go:norace
//go:nosplit
func exit(status uintptr) {
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, status, 0, 0)
		// A filter may deny that; SIGSEGV has no handler now.
		*(*byte)(nil) = 0
	}
}
