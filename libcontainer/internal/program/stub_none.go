//go:build !amd64 && !arm64

package program

const elfMachine = 0

// stubCode is empty: this architecture has no stub.
func stubCode() []byte { return nil }
