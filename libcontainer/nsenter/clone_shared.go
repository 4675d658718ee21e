//go:build amd64 || arm64

package nsenter

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// canShare: cloneVM is there.
const canShare = true

// What the stub needs to know of the architecture.
const (
	sysFstatat = unix.SYS_NEWFSTATAT
	statMode   = int(unsafe.Offsetof(unix.Stat_t{}.Mode))
	statSize   = int(unsafe.Sizeof(unix.Stat_t{}))
)

var at_ = at

// stub and stubEnd are in stub_*.s: the code between them is the stub's.
//
//lint:ignore U1000 stub_*.s has it
func stub()

//lint:ignore U1000 stub_*.s has it
func stubEnd()

// stubPC and stubEndPC are their addresses.
var stubPC, stubEndPC unsafe.Pointer

// stubCode is the stub's text; none where the linker has not kept the two
// together.
func stubCode() []byte {
	begin, end := uintptr(stubPC), uintptr(stubEndPC)
	if end <= begin || end-begin > 1024 {
		return nil
	}
	return unsafe.Slice((*byte)(stubPC), end-begin)
}

// cloneVM is clone3(2) for a child that shares the memory and has a stack of
// its own, on which it calls enter. In clone_*.s.
//
//go:noescape
func cloneVM(args *cloneArgs, s *script, stage uintptr) (pid, errno uintptr)

// enterPC is the address of enter for assembly. In clone_*.s.
var enterPC uintptr //lint:ignore U1000 clone_*.s reads it

// enter is where such a child begins.
//
//go:norace
//go:nosplit
//lint:ignore U1000 clone_*.s calls it
func enter(s *script, stage uintptr) {
	if stage == 1 {
		unblock(s)
		play(s)
	}
	s.pid.step, s.pid.num = stepPid, int64(s.tid)
	syscall.RawSyscall(unix.SYS_WRITE, s.status, uintptr(unsafe.Pointer(&s.pid)), unsafe.Sizeof(s.pid))
	finish(s)
}
