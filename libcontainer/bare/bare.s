// The presence of this file lets bare.go declare functions without a body,
// which the linker finds in the Go runtime.
