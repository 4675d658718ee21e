//go:build !386 && !arm

package rootfs

import "golang.org/x/sys/unix"

const sysSetgroups = unix.SYS_SETGROUPS
