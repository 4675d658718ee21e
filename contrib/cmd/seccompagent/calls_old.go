//go:build !arm64 && !riscv64 && !loong64

package main

import "golang.org/x/sys/unix"

func kind(nr int32) int {
	switch nr {
	case unix.SYS_MKDIR:
		return callMkdir
	case unix.SYS_MKDIRAT:
		return callMkdirat
	case unix.SYS_CHMOD, unix.SYS_FCHMOD, unix.SYS_FCHMODAT:
		return callChmod
	}
	return callOther
}
