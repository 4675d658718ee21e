package nsenter

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Being dumpable is a property of memory. A child that shares ours has to give
// it up before it enters a container, and we get it back once the last such
// child has executed something, or is gone.
var dumpable struct {
	sync.Mutex
	children int
	before   int // as PR_GET_DUMPABLE has it
}

func holdDumpable() {
	dumpable.Lock()
	defer dumpable.Unlock()
	if dumpable.children == 0 {
		dumpable.before, _ = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	}
	dumpable.children++
}

func releaseDumpable() {
	dumpable.Lock()
	defer dumpable.Unlock()
	dumpable.children--
	if dumpable.children == 0 && dumpable.before == 1 {
		// 2 ("readable by root only") cannot be set, nor has it to be.
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
}
