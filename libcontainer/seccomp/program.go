package seccomp

import (
	"runc/libcontainer/configs"
)

// Program is a compiled filter. It is made before init starts and loaded by
// init, so that a profile that cannot be compiled stops the start early.
type Program struct {
	// Filter is an array of struct sock_filter (linux/filter.h), 8 bytes each,
	// in the machine's byte order.
	Filter []byte
	// Flags are the SECCOMP_FILTER_FLAG_ bits that the profile names.
	Flags uint32
	// DefaultFlags is set when the profile names no flags at all, which leaves
	// them to the runtime.
	DefaultFlags bool
	// Notify tells that some rule has the action SCMP_ACT_NOTIFY, so that
	// loading gives a listener.
	Notify bool
}

// Compile makes a program of a profile.
func Compile(*configs.Seccomp) (*Program, error) { return nil, ErrNotBuilt }
