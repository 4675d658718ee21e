//go:build !(amd64 || arm64)

package nsenter

const canShare = false

// Not used: there is no direct child here.
const (
	sysFstatat = 0
	statMode   = 0
	statSize   = 8
	elfMachine = 0
)

var at_ = at

func stubCode() []byte { return nil }

//go:nosplit
func cloneVM(*cloneArgs, *script, uintptr) (pid, errno uintptr) { return 0, 38 }
