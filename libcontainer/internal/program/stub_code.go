//go:build amd64 || arm64

package program

import "unsafe"

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
