//go:build !(amd64 || arm64)

package nsenter

const canShare = false

//go:nosplit
func cloneVM(*cloneArgs, *script, uintptr) (pid, errno uintptr) { return 0, 38 }
