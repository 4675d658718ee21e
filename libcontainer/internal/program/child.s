// This file lets Go files of the package declare functions without a body, which
// the linker finds in the Go runtime.
