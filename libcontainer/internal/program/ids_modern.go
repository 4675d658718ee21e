//go:build !386 && !arm

package program

import "golang.org/x/sys/unix"

// System calls that have other names on 386 and arm.
const (
	SysSetresuid = unix.SYS_SETRESUID
	SysSetresgid = unix.SYS_SETRESGID
	SysSetgroups = unix.SYS_SETGROUPS
	SysFchown    = unix.SYS_FCHOWN
	SysFcntl     = unix.SYS_FCNTL
)
