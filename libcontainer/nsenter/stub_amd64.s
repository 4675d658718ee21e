#include "textflag.h"

// The stub: see stub.go for the table that it goes through. It is copied out of
// here to be a program of its own, so it knows no symbol and has no stack.
TEXT ·stub(SB),NOSPLIT|NOFRAME,$0-0
	MOVL	$0x500020, R12	// stubTable behind the two reports
loop:
	MOVQ	0(R12), AX
	MOVQ	8(R12), DI
	MOVQ	16(R12), SI
	MOVQ	24(R12), DX
	MOVQ	32(R12), R10
	MOVQ	40(R12), R8
	MOVQ	48(R12), R9
	SYSCALL
	CMPQ	AX, $-4095
	JCC	error
	MOVQ	88(R12), BX
	TESTQ	BX, BX
	JEQ	next
	MOVL	(BX), CX
	MOVL	CX, DX
	XORL	AX, AX
	ANDL	96(R12), CX
	CMPL	CX, 100(R12)
	JNE	fail
	ANDL	104(R12), DX
	JEQ	fail
next:
	MOVQ	56(R12), R12
	JMP	loop
error:
	NEGQ	AX
	MOVQ	72(R12), BX
again:
	TESTQ	BX, BX
	JEQ	fail
	MOVWQZX	BX, CX
	CMPQ	CX, AX
	JEQ	ignored
	SHRQ	$16, BX
	JMP	again
ignored:
	MOVQ	64(R12), R12
	JMP	loop
fail:
	// The first failure is told, not what follows from it.
	MOVL	$0x500000, BX
	CMPL	4(BX), $0
	JNE	told
	MOVL	R12, 4(BX)
	MOVQ	AX, 8(BX)
told:
	MOVQ	80(R12), R12
	JMP	loop

TEXT ·stubEnd(SB),NOSPLIT|NOFRAME,$0-0
	RET

DATA ·stubPC(SB)/8, $·stub(SB)
GLOBL ·stubPC(SB), NOPTR, $8
DATA ·stubEndPC(SB)/8, $·stubEnd(SB)
GLOBL ·stubEndPC(SB), NOPTR, $8
