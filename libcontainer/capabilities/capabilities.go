// Package capabilities turns the capability sets of config.json into masks and
// puts them onto the calling thread.
//
// It wraps capset(2), and prctl(2) for the bounding set and the ambient set
// (Linux 4.3). See capabilities(7).
package capabilities

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// Mask is a set of capabilities, bit N being capability number N.
type Mask uint64

// Has says whether capability number n is in the set.
func (m Mask) Has(n int) bool { return n >= 0 && n < 64 && m&(1<<uint(n)) != 0 }

// Caps are the five sets of a thread. The zero value drops everything.
type Caps struct {
	Bounding    Mask
	Effective   Mask
	Permitted   Mask
	Inheritable Mask
	Ambient     Mask
}

// New makes masks of names. It leaves out names that it does not know, and
// ambient capabilities that are not both permitted and inheritable, because the
// kernel would refuse to raise them (capabilities(7)). Each warning is one line
// for the log. nil gives no capabilities at all.
func New(c *configs.Capabilities) (caps Caps, warnings []string) {
	if c == nil {
		return Caps{}, nil
	}
	var unknown []string
	mask := func(list []string) (m Mask) {
		for _, name := range list {
			if n, ok := number(name); ok {
				m |= 1 << uint(n)
			} else if !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
			}
		}
		return m
	}
	caps = Caps{
		Bounding:    mask(c.Bounding),
		Effective:   mask(c.Effective),
		Permitted:   mask(c.Permitted),
		Inheritable: mask(c.Inheritable),
		Ambient:     mask(c.Ambient),
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		warnings = append(warnings, fmt.Sprintf("ignoring unknown or unavailable capabilities: %v", unknown))
	}
	if refused := caps.Ambient &^ (caps.Permitted & caps.Inheritable); refused != 0 {
		caps.Ambient &^= refused
		for n := range names {
			if refused.Has(n) {
				// In the kernel's words, which callers know.
				warnings = append(warnings, fmt.Sprintf("can't raise ambient capability %s: %s", names[n], unix.EPERM))
			}
		}
	}
	return caps, warnings
}

// Holding is c with capabilities effective that a step before the last needs.
func (c Caps) Holding(m Mask) Caps {
	c.Permitted |= m
	c.Effective |= m
	return c
}

// Capset gives the arguments of capset(2) for a thread to set its own sets.
func (c Caps) Capset() (*unix.CapUserHeader, *[2]unix.CapUserData) {
	var data [2]unix.CapUserData
	for i := range data {
		shift := uint(i) * 32
		data[i] = unix.CapUserData{
			Effective:   uint32(c.Effective >> shift),
			Permitted:   uint32(c.Permitted >> shift),
			Inheritable: uint32(c.Inheritable >> shift),
		}
	}
	return &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data
}

// Unbound are the capabilities that this kernel has and the bounding set is not
// to have.
func (c Caps) Unbound() []uintptr {
	var list []uintptr
	for n := range 64 {
		if n > lastNamed {
			if _, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n), 0, 0, 0); err != nil {
				break
			}
		}
		if !c.Bounding.Has(n) {
			list = append(list, uintptr(n))
		}
	}
	return list
}

// Admin is CAP_SYS_ADMIN. A process that has it may load a filter without no_new_privs.
const Admin Mask = 1 << unix.CAP_SYS_ADMIN

// Trace is CAP_SYS_PTRACE. A process that has it may read the memory of every process that is
// visible.
const Trace Mask = 1 << unix.CAP_SYS_PTRACE

// Effective is the effective set of the calling thread; none where that cannot
// be asked for.
func Effective() Mask {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return 0
	}
	return Mask(data[0].Effective) | Mask(data[1].Effective)<<32
}
