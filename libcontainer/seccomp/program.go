package seccomp

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// Program is a compiled filter, ready for [Program.Load].
type Program struct {
	// Filter is an array of struct sock_filter (linux/filter.h), in the
	// machine's byte order.
	Filter []byte

	// Flags are those of seccomp(2), as the profile names them.
	Flags uint32

	// FlagNames are their names, in the order of the profile.
	FlagNames []string

	// NoFlags: it names none.
	NoFlags bool

	// KillsThread: some syscall kills the thread that makes it, not the process.
	KillsThread bool

	// Notify: some syscall is for a listener to decide.
	Notify bool
}

// maxInstructions is BPF_MAXINSNS of linux/bpf_common.h.
const maxInstructions = 4096

// ErrTooLarge is for a profile whose program the kernel would not take.
var ErrTooLarge = errors.New("the filter is too large")

// Compile makes a program of a profile: for the architectures that it names,
// and for that of this program in any case.
func Compile(s *configs.Seccomp) (*Program, error) {
	p := &Program{NoFlags: len(s.Flags) == 0, FlagNames: s.Flags}
	for i, f := range s.Flags {
		bit, ok := flagBit(f)
		if !ok {
			return nil, fmt.Errorf("seccomp flag %q not known to runc (config.json: linux.seccomp.flags[%d])", f, i)
		}
		p.Flags |= bit
	}
	names := []string{native()}
	for _, n := range s.Architectures {
		if n != names[0] {
			names = append(names, n)
		}
	}
	code, err := compile(s, names, bigEndian)
	if err != nil {
		return nil, err
	}
	if len(code) > maxInstructions {
		return nil, fmt.Errorf("config.json: linux.seccomp: %w: %d instructions, the kernel takes %d", ErrTooLarge, len(code), maxInstructions)
	}
	p.Filter = encode(code)
	kills := func(a configs.Action) bool { return a == configs.Kill || a == configs.KillThread }
	p.KillsThread = kills(s.DefaultAction)
	for _, r := range s.Syscalls {
		p.Notify = p.Notify || r.Action == configs.Notify
		p.KillsThread = p.KillsThread || kills(r.Action)
	}
	return p, nil
}

func flagBit(name string) (uint32, bool) {
	switch name {
	case "SECCOMP_FILTER_FLAG_TSYNC":
		return unix.SECCOMP_FILTER_FLAG_TSYNC, true
	case "SECCOMP_FILTER_FLAG_LOG":
		return unix.SECCOMP_FILTER_FLAG_LOG, true
	case "SECCOMP_FILTER_FLAG_SPEC_ALLOW":
		return unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, true
	case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
		return waitKillableRecv, true
	}
	return 0, false
}

// waitKillableRecv is SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (Linux 5.19).
const waitKillableRecv = 0x20
