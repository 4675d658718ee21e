#include "textflag.h"

// Signal handlers: called by the kernel on the thread's signal stack with the
// number in R0, siginfo in R1, the context in R2, and the vDSO's sigreturn in
// LR. That gives all registers back, so none has to be kept; nothing of Go may
// be touched.

TEXT ·fault(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	// si_code is above 0 when the kernel raised it for what the thread did,
	// not when somebody sent it: then it is the Go runtime's.
	MOVW	8(R1), R3
	CMPW	$0, R3
	BLE	sent
	MOVD	·goHandler(SB), R3
	B	(R3)
sent:
	B	·handler(SB)

TEXT ·handler(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	SUB	$16, RSP
	MOVB	R0, 8(RSP)
	MOVD	·pipeFD(SB), R0
	ADD	$8, RSP, R1
	MOVD	$1, R2
	MOVD	$64, R8	// write
	SVC
	ADD	$16, RSP
	RET

DATA ·handlerPC(SB)/8, $·handler(SB)
GLOBL ·handlerPC(SB), NOPTR, $8
DATA ·faultPC(SB)/8, $·fault(SB)
GLOBL ·faultPC(SB), NOPTR, $8
DATA ·restorerPC(SB)/8, $0
GLOBL ·restorerPC(SB), NOPTR, $8
