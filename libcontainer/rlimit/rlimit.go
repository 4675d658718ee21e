// Package rlimit names and sets resource limits of processes.
//
// It wraps prlimit(2); see getrlimit(2).
package rlimit

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// names are indexed by the kernel's numbers, which are the same on all of Go's
// architectures but mips and sparc.
var names = [...]string{
	unix.RLIMIT_CPU:        "RLIMIT_CPU",
	unix.RLIMIT_FSIZE:      "RLIMIT_FSIZE",
	unix.RLIMIT_DATA:       "RLIMIT_DATA",
	unix.RLIMIT_STACK:      "RLIMIT_STACK",
	unix.RLIMIT_CORE:       "RLIMIT_CORE",
	unix.RLIMIT_RSS:        "RLIMIT_RSS",
	unix.RLIMIT_NPROC:      "RLIMIT_NPROC",
	unix.RLIMIT_NOFILE:     "RLIMIT_NOFILE",
	unix.RLIMIT_MEMLOCK:    "RLIMIT_MEMLOCK",
	unix.RLIMIT_AS:         "RLIMIT_AS",
	unix.RLIMIT_LOCKS:      "RLIMIT_LOCKS",
	unix.RLIMIT_SIGPENDING: "RLIMIT_SIGPENDING",
	unix.RLIMIT_MSGQUEUE:   "RLIMIT_MSGQUEUE",
	unix.RLIMIT_NICE:       "RLIMIT_NICE",
	unix.RLIMIT_RTPRIO:     "RLIMIT_RTPRIO",
	unix.RLIMIT_RTTIME:     "RLIMIT_RTTIME",
}

// Number of a RLIMIT_ name.
func Number(name string) (int, error) {
	for n := range names {
		if names[n] == name {
			return n, nil
		}
	}
	return 0, fmt.Errorf("wrong rlimit value: %s", name)
}

// Set sets a limit of a process; pid 0 is the caller. Only CAP_SYS_RESOURCE in the
// initial user namespace may raise a hard limit, so the runtime sets the limits of
// a container's process from outside.
func Set(pid int, l configs.Rlimit) error {
	if err := unix.Prlimit(pid, l.Type, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}, nil); err != nil {
		return fmt.Errorf("error setting rlimit type %d: %w", l.Type, err)
	}
	return nil
}

// RestoreNofile undoes what Go has done to this process's RLIMIT_NOFILE, for good:
// it is for a process that is about to become another program, not for one that
// embeds the library.
//
// A Go program raises its soft limit to the hard one when it starts, keeps the
// former value, and sets that again in syscall.Exec and in the children of os/exec.
// A process that executes its program by a bare execve(2) would pass the raised
// limit on. Where the runtime sets the limit by prlimit(2), syscall.Exec would undo
// that.
//
// Go gives no access to the value. But syscall.Exec sets the limit and forgets the
// value before it calls execve(2), which always fails with ENOENT for an empty path.
func RestoreNofile() error {
	if err := syscall.Exec("", []string{""}, nil); !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("restore RLIMIT_NOFILE: %w", err)
	}
	return nil
}
