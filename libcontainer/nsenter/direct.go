package nsenter

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// CanDirect says whether a plan may have Direct here: the child then runs in
// our memory, for which there has to be code (clone_shared.go).
const CanDirect = canShare

// Direct has the child execute its program by itself, without an init of ours
// in between: it makes a list of system calls, laid out beforehand, and then
// executes. Of what can go wrong it knows little: whoever asks for it has a
// slower way for when it fails.
type Direct struct {
	// Read names a file that the child reads once it is in place, in what is
	// its root then: a regular one, reached through no magic link of procfs.
	// [Child.Placed] gives the first MaxRead bytes of it. Empty for none.
	Read string

	// Calls come first; then the program is looked for; Last come then.
	Calls, Last []Call

	// Programs are paths, of which the first that can be executed is.
	Programs []string
}

// MaxRead is how much of Direct.Read is read, in bytes.
const MaxRead = 32 << 10

// Call is one system call.
type Call struct {
	Nr   uintptr
	Args [6]uintptr
	// Keep holds what Args point to.
	Keep any
	// Ignore are errors that are none.
	Ignore [3]syscall.Errno
	// Unless: it is left out if the call of that index in the same list has
	// succeeded. 0 for none: an index of 1 is the first call.
	Unless int
	// Inside, if not nil, is where the call has put a path by then (getcwd(2)),
	// which must be one below the root.
	Inside *byte
}

// ErrDied: the child ended before it could execute the program.
var ErrDied = errors.New("the process ended before it could execute its program")

// directScript is a Direct as the child needs it; see script.
type directScript struct {
	file     *byte
	how      unix.OpenHow
	stat     unix.Stat_t
	content  []byte
	n        int // of content; -1 if there is more
	calls    []rawCall
	last     []rawCall
	programs []*byte
	ready    bool // all that is left is the exec
	keep     *Direct
}

type rawCall struct {
	nr     uintptr
	args   [6]uintptr
	ignore [3]syscall.Errno
	unless int
	inside *byte
	ok     bool
}

func (d *Direct) script() (*directScript, error) {
	s := &directScript{keep: d, calls: rawCalls(d.Calls), last: rawCalls(d.Last)}
	var err error
	if d.Read != "" {
		if s.file, err = unix.BytePtrFromString(d.Read); err != nil {
			return nil, err
		}
		s.how.Flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
		s.how.Resolve = unix.RESOLVE_NO_MAGICLINKS
		s.content = make([]byte, MaxRead+1)
	}
	for _, p := range d.Programs {
		b, err := unix.BytePtrFromString(p)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", p, err)
		}
		s.programs = append(s.programs, b)
	}
	return s, nil
}

func rawCalls(list []Call) []rawCall {
	raw := make([]rawCall, len(list))
	for i := range list {
		c := &list[i]
		raw[i] = rawCall{nr: c.Nr, args: c.Args, ignore: c.Ignore, unless: c.Unless, inside: c.Inside}
	}
	return raw
}

// Placed waits until a direct child is where it is to be, and gives what it
// has read; more says that this is not all. It then waits for [Child.Go].
func (c *Child) Placed() (content []byte, more bool, err error) {
	r, err := readReport(c.status)
	switch {
	case err != nil:
		return nil, false, err
	case r == nil:
		return nil, false, ErrDied
	case r.step != stepPlaced:
		return nil, false, c.plan.explain(r)
	}
	d := c.script.direct
	if d.n < 0 {
		return nil, true, nil
	}
	return d.content[:d.n], false, nil
}

// Go lets a direct child go on, with env added to its environment if it is not
// empty.
func (c *Child) Go(env string) error {
	if env != "" {
		p, err := unix.BytePtrFromString(env)
		if err != nil {
			return err
		}
		// The last but one is nil too, for this.
		c.script.envv[len(c.script.envv)-2] = p
	}
	if _, err := unix.Write(c.gate, []byte{1}); err != nil {
		return err
	}
	unix.Close(c.gate)
	c.gate = -1
	runtime.KeepAlive(c)
	return nil
}

// playDirect never returns. See fork for the rules it lives by.
//
//go:norace
//go:nosplit
func playDirect(s *script) {
	d := s.direct
	var errno syscall.Errno
	var n uintptr
	if d.file != nil {
		readFile(d)
	}
	s.report.step, s.report.num = stepPlaced, 0
	syscall.RawSyscall(unix.SYS_WRITE, s.status, uintptr(unsafe.Pointer(&s.report)), unsafe.Sizeof(s.report))
	for {
		n, _, errno = syscall.RawSyscall(unix.SYS_READ, s.gate, uintptr(unsafe.Pointer(&s.buf)), 1)
		if errno != syscall.EINTR {
			break
		}
	}
	if errno != 0 || n != 1 {
		// The runtime gave up, or died.
		fail(s, stepCall, -1, errno)
	}
	playCalls(s, d.calls)
	program := -1
	for i := 0; i < len(d.programs); i++ {
		if executable(d, d.programs[i]) {
			program = i
			break
		}
	}
	if program < 0 {
		fail(s, stepLook, 0, 0)
	}
	playCalls(s, d.last)
	d.ready = true
	_, _, errno = syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(d.programs[program])),
		uintptr(unsafe.Pointer(&s.argv[0])), uintptr(unsafe.Pointer(&s.envv[0])))
	fail(s, stepExec, program, errno)
}

//go:norace
//go:nosplit
func playCalls(s *script, calls []rawCall) {
	for i := 0; i < len(calls); i++ {
		c := &calls[i]
		if c.unless > 0 && calls[c.unless-1].ok {
			continue
		}
		n, _, errno := syscall.RawSyscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
		c.ok = errno == 0
		if !c.ok && errno != c.ignore[0] && errno != c.ignore[1] && errno != c.ignore[2] {
			fail(s, stepCall, i, errno)
		}
		// "(unreachable)..." is what the kernel says of a path outside.
		if c.inside != nil && (n < 2 || *c.inside != '/') {
			fail(s, stepCall, i, syscall.ENOENT)
		}
	}
}

// readFile reads what there is to be read; on any fault there is nothing.
//
//go:norace
//go:nosplit
func readFile(d *directScript) {
	fd, _, errno := syscall.RawSyscall6(unix.SYS_OPENAT2, at, uintptr(unsafe.Pointer(d.file)),
		uintptr(unsafe.Pointer(&d.how)), unsafe.Sizeof(d.how), 0, 0)
	if errno != 0 {
		return
	}
	_, _, errno = syscall.RawSyscall(unix.SYS_FSTAT, fd, uintptr(unsafe.Pointer(&d.stat)), 0)
	for errno == 0 && d.stat.Mode&unix.S_IFMT == unix.S_IFREG {
		var n uintptr
		n, _, errno = syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&d.content[0]))+uintptr(d.n), uintptr(len(d.content)-d.n))
		if errno == syscall.EINTR {
			errno = 0
			continue
		}
		if errno != 0 || n == 0 {
			break
		}
		d.n += int(n)
		if d.n >= len(d.content) {
			d.n = -1
			break
		}
	}
	syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
}

// executable: as lookPath of the package above has it.
//
//go:norace
//go:nosplit
func executable(d *directScript, path *byte) bool {
	_, _, errno := syscall.RawSyscall6(sysFstatat, at, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&d.stat)), 0, 0, 0)
	if errno != 0 || d.stat.Mode&unix.S_IFMT == unix.S_IFDIR || d.stat.Mode&0o111 == 0 {
		return false
	}
	_, _, errno = syscall.RawSyscall6(unix.SYS_FACCESSAT2, at, uintptr(unsafe.Pointer(path)), unix.X_OK, unix.AT_EACCESS, 0, 0)
	return errno == 0 || errno == syscall.ENOSYS
}
