//go:build 386 || arm

package nsenter

import "golang.org/x/sys/unix"

const (
	fcntl        = unix.SYS_FCNTL64
	sysSetresuid = unix.SYS_SETRESUID32
	sysSetresgid = unix.SYS_SETRESGID32
	sysSetgroups = unix.SYS_SETGROUPS32
)
