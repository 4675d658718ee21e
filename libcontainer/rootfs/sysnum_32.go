//go:build 386 || arm

package rootfs

import "golang.org/x/sys/unix"

// sysSetgroups takes 32-bit ids.
const sysSetgroups = unix.SYS_SETGROUPS32
