#include "textflag.h"

// Signal handlers: called by the kernel on the thread's signal stack with the
// number in DI, siginfo in SI, the context in DX. sigreturn gives all
// registers back, so none has to be kept; nothing of Go may be touched.

TEXT ·fault(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	// si_code is above 0 when the kernel raised it for what the thread did,
	// not when somebody sent it: then it is the Go runtime's.
	MOVL	8(SI), AX
	TESTL	AX, AX
	JLE	sent
	MOVQ	·goHandler(SB), AX
	JMP	AX
sent:
	JMP	·handler(SB)

TEXT ·handler(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	SUBQ	$24, SP
	MOVB	DI, 8(SP)
	MOVQ	·pipeFD(SB), DI
	LEAQ	8(SP), SI
	MOVL	$1, DX
	MOVL	$1, AX	// write
	SYSCALL
	ADDQ	$24, SP
	RET	// to restorer

TEXT ·restorer(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVL	$15, AX	// rt_sigreturn
	SYSCALL
	INT	$3

DATA ·handlerPC(SB)/8, $·handler(SB)
GLOBL ·handlerPC(SB), NOPTR, $8
DATA ·faultPC(SB)/8, $·fault(SB)
GLOBL ·faultPC(SB), NOPTR, $8
DATA ·restorerPC(SB)/8, $·restorer(SB)
GLOBL ·restorerPC(SB), NOPTR, $8
