package program

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Runner carries programs out in this process.
type Runner struct {
	// Sock is the socket that an error under a filter is sent to, in one
	// write(2) behind the byte Mark.
	Sock int
	Mark byte

	// Filtered: a seccomp filter is on this thread. From then on errors are not
	// returned by Run but sent, and the process ends: the calls that Go code
	// makes on its own may be denied.
	Filtered bool

	// Step is called before each step, where it is not nil and there is no
	// filter.
	Step func(what string)

	words   []string // of the steps
	texts   []string // of the errnos
	denied  string
	message []byte
	dfl     [8]uint64 // struct sigaction, all zero: SIG_DFL
}

// Run carries the program out on the calling thread, which has to be locked.
func (b *Builder) Run(r *Runner) error {
	size, _ := b.size()
	arena := make([]uint64, size/8)
	start := unsafe.Pointer(&arena[0])
	out := unsafe.Slice((*byte)(start), size)
	base := uint64(uintptr(start))
	if err := b.encode(out, base, 0); err != nil {
		return err
	}
	b.Keep(arena)
	r.layOut(b)
	at := 0
	for {
		stopped, errno := r.run(start, at)
		i := stopped / entrySize
		if errno != 0 {
			b.keepAlive()
			return b.Failed(i, errno)
		}
		if i >= len(b.steps) {
			b.keepAlive()
			return nil
		}
		if r.Step != nil && !r.Filtered {
			r.Step(b.steps[i].What)
		}
		if err := b.steps[i].code(); err != nil {
			return err
		}
		at = int(binary.NativeEndian.Uint64(out[i*entrySize+8*entryNext:]) - base)
	}
}

// hint is for what a filter denies.
const hint = " (denied by the seccomp filter? config.json: linux.seccomp)"

// lastErrno is EHWPOISON.
const lastErrno = 133

// layOut makes what is needed to send an error.
func (r *Runner) layOut(b *Builder) {
	filter := r.Filtered
	for _, s := range b.steps {
		filter = filter || s.isFilter()
	}
	if !filter {
		return
	}
	longest := 0
	r.words = b.Names()
	for _, w := range r.words {
		longest = max(longest, len(w))
	}
	r.texts = make([]string, lastErrno+1)
	for n := range r.texts {
		r.texts[n] = syscall.Errno(n).Error()
		longest = max(longest, len(r.texts[n]))
	}
	r.denied = hint
	r.message = make([]byte, 2*longest+len(hint)+16)
}

// The scheduler's own way to be told that a thread will be away. The second
// gives up the right to run Go code at once rather than leave it to be taken.
//
//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

// entry is one entry of the table.
type entry struct {
	nr    uint64
	args  [6]uint64
	loads uint64
	store uint64
	next  uint64
	alt   uint64
	errs  uint64
}

// run is loop for a thread of the Go runtime. From entersyscallblock to
// exitsyscall this thread has no right to run Go code: no allocation, no growth
// of the stack (go:nosplit all the way down), no write barriers (only integers
// are stored), no race detector, no locks.
//
//go:noinline
//go:norace
//go:nosplit
func (r *Runner) run(base unsafe.Pointer, at int) (int, syscall.Errno) {
	entersyscallblock()
	at, errno := r.loop(base, at)
	exitsyscall()
	return at, errno
}

// loop goes through the table at base from the entry at the offset at. It gives
// the offset of the entry that stopped it, and an errno where that failed.
//
//go:norace
//go:nosplit
func (r *Runner) loop(base unsafe.Pointer, at int) (int, syscall.Errno) {
	var failed syscall.Errno
	var a [6]uintptr
	for {
		e := (*entry)(unsafe.Add(base, at))
		if e.nr == kindStop {
			break
		}
		for i := range a {
			a[i] = uintptr(e.args[i])
			if e.loads&(1<<i) != 0 {
				a[i] = uintptr(*word(base, e.args[i]))
			}
		}
		next := e.next
		if e.nr == kindTest {
			if uint32(*word(base, e.args[0]))&uint32(a[1]) != uint32(a[2]) {
				next = e.alt
			}
			at = int(uintptr(next) - uintptr(base))
			continue
		}
		if e.nr == kindSet {
			*word(base, e.store) = int32(a[0])
			at = int(uintptr(next) - uintptr(base))
			continue
		}
		if e.nr == unix.SYS_SECCOMP {
			r.resetSignals()
		}
		n, _, errno := syscall.RawSyscall6(uintptr(e.nr), a[0], a[1], a[2], a[3], a[4], a[5])
		switch {
		case errno == 0:
			if e.nr == unix.SYS_SECCOMP {
				r.Filtered = true
			}
			if e.store != 0 {
				*word(base, e.store) = int32(n)
			}
		case expected(e.errs, errno):
			if e.store != 0 {
				*word(base, e.store) = -int32(errno)
			}
			next = e.alt
		default:
			if r.Filtered {
				r.die(at/entrySize, errno)
			}
			failed = errno
		}
		if failed != 0 {
			break
		}
		at = int(uintptr(next) - uintptr(base))
	}
	return at, failed
}

// word is the word at an address behind base.
//
//go:norace
//go:nosplit
func word(base unsafe.Pointer, addr uint64) *int32 {
	return (*int32)(unsafe.Add(base, int(uintptr(addr)-uintptr(base))))
}

//go:norace
//go:nosplit
func expected(errs uint64, errno syscall.Errno) bool {
	for errs != 0 {
		if e := errs & 0xffff; e == uint64(errno) || e == uint64(Any) {
			return true
		}
		errs >>= 16
	}
	return false
}

// sigsetSize is that of the kernel's sigset_t.
const sigsetSize = 8

// resetSignals takes the Go runtime's handlers from the two signals that end a
// process here: SIGSYS for SCMP_ACT_TRAP, and SIGSEGV for die.
//
//go:norace
//go:nosplit
func (r *Runner) resetSignals() {
	p := uintptr(unsafe.Pointer(&r.dfl))
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGSYS), p, 0, sigsetSize, 0, 0)
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGSEGV), p, 0, sigsetSize, 0, 0)
}

// die sends the error of a step and ends the process.
//
//go:norace
//go:nosplit
func (r *Runner) die(step int, errno syscall.Errno) {
	n := 1
	if step < len(r.words) {
		n = r.put(n, r.words[step])
	}
	n = r.put(n, ": ")
	if int(errno) < len(r.texts) {
		n = r.put(n, r.texts[errno])
	} else {
		n = r.put(n, "unknown error")
	}
	if errno == syscall.EPERM || errno == syscall.ENOSYS {
		n = r.put(n, r.denied)
	}
	r.message[0] = r.Mark
	for {
		_, _, e := syscall.RawSyscall(unix.SYS_WRITE, uintptr(r.Sock), uintptr(unsafe.Pointer(&r.message[0])), uintptr(n))
		if e != syscall.EINTR {
			break
		}
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
		// A filter may deny that; SIGSEGV has no handler now.
		*(*byte)(nil) = 0
	}
}

// put adds text behind n bytes of the message.
//
//go:norace
//go:nosplit
func (r *Runner) put(n int, text string) int {
	for i := 0; i < len(text) && n < len(r.message); i++ {
		r.message[n] = text[i]
		n++
	}
	return n
}
