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

// names by number, which is the same on all architectures that Go has but
// mips and sparc.
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

// Set sets a limit of a process, 0 being the caller. Raising a hard limit needs
// CAP_SYS_RESOURCE in the initial user namespace, which is why the runtime does
// it for a container from outside.
func Set(pid int, l configs.Rlimit) error {
	if err := unix.Prlimit(pid, l.Type, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}, nil); err != nil {
		return fmt.Errorf("error setting rlimit type %d: %w", l.Type, err)
	}
	return nil
}

// RestoreNofile takes back what Go did to the calling process's RLIMIT_NOFILE:
// at its start, Go raises the soft limit to the hard one, remembers what it
// was, and restores it in syscall.Exec and in the children of os/exec. A child
// made by a bare clone(2) would be left with the raised limit; and in a process
// whose limit another one sets by prlimit(2), syscall.Exec would undo that.
//
// The memory has no accessor. But syscall.Exec restores and forgets before it
// execs, and execve(2) of an empty path fails with ENOENT, always.
func RestoreNofile() error {
	if err := syscall.Exec("", []string{""}, nil); !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("restore RLIMIT_NOFILE: %w", err)
	}
	return nil
}
