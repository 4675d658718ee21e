//go:build 386 || arm

package program

import "golang.org/x/sys/unix"

// The plain calls of these two architectures take ids of 16 bits.
const (
	SysSetresuid = unix.SYS_SETRESUID32
	SysSetresgid = unix.SYS_SETRESGID32
	SysSetgroups = unix.SYS_SETGROUPS32
	SysFchown    = unix.SYS_FCHOWN32
	SysFcntl     = unix.SYS_FCNTL64
)
