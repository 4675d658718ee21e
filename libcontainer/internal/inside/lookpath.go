package inside

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// candidate is where the program may be.
type candidate struct {
	path string
	// dot: the element of PATH is not absolute. The program is not executed by
	// it, as in os/exec.
	dot bool
}

// candidates are the places of the program Args[0] in the order of the PATH of
// Env.
func (s *Setup) candidates() []candidate {
	name := s.Args[0]
	if name == "" {
		return nil
	}
	if strings.Contains(name, "/") {
		return []candidate{{path: name}}
	}
	path := ""
	for _, kv := range s.Env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	var list []candidate
	for _, dir := range filepath.SplitList(path) {
		full := filepath.Join(dir, name)
		list = append(list, candidate{full, !filepath.IsAbs(full)})
	}
	return list
}

// lookUp finds the program as a shell would, in the root and with the rights
// that the process has. The word that it gives is the number of the candidate.
// Its errors are those of os/exec, which callers know: `exec: "x": executable
// file not found in $PATH`.
func (s *Setup) lookUp() *program.Slot {
	b := s.b
	found := b.Slot(-1)
	name := s.Args[0]
	wrap := func(err error) error { return &exec.Error{Name: name, Err: err} }
	single := strings.Contains(name, "/")
	end := b.Label()
	for i, c := range s.candidates() {
		next, folder, noX := b.Label(), b.Label(), b.Label()
		st := s.statx("stat "+c.path, cwdFD, c.path, 0)
		stat := b.Last()
		if single {
			stat.Explain(func(errno unix.Errno) error {
				return wrap(&os.PathError{Op: "stat", Path: c.path, Err: errno})
			})
		} else {
			stat.Else(next, program.Any)
			folder, noX = next, next
		}
		// Not a folder: the test holds for a folder, which the next step leaves.
		other := b.Label()
		b.Test(st.At(statxMode), half(unix.S_IFMT), half(unix.S_IFDIR), other)
		b.Jump(folder)
		b.Place(other)
		// The kernel's own answer for the effective ids, with ACLs and mount
		// options (faccessat2, Linux 5.8). A filter around the runtime may deny
		// the call; execve(2) will tell then.
		access, after := b.Slot(0), b.Label()
		b.Call("faccessat2 "+c.path, unix.SYS_FACCESSAT2, cwdFD, b.Text(c.path), num(unix.X_OK), num(unix.AT_EACCESS)).Into(access).Then(after).Ignore(program.Any)
		b.Test(access.Addr(), ^uint32(0), negative(unix.EACCES), after)
		b.Jump(noX)
		b.Place(after)
		// Root may pass the check for a file that has no x bit at all. execve
		// would not.
		hasX := b.Label()
		b.Test(st.At(statxMode), half(0o111), 0, hasX)
		b.Jump(noX)
		b.Place(hasX)
		if c.dot {
			s.never(wrap(exec.ErrDot))
		}
		b.Set(found, num(i))
		b.Jump(end)
		if single {
			b.Place(folder)
			s.never(wrap(unix.EISDIR))
			b.Place(noX)
			s.never(wrap(fs.ErrPermission))
		}
		b.Place(next)
	}
	s.never(wrap(exec.ErrNotFound))
	b.Place(end)
	return found
}

// negative is an errno as a slot has it.
func negative(e unix.Errno) uint32 { return uint32(-int32(e)) }
