#include "textflag.h"

// The stub's executor; encode.go has the table that it goes through, stub.go
// the addresses. It is copied out of the runtime to be a program of its own, so
// it knows no symbol. It uses no stack.
TEXT ·stub(SB),NOSPLIT|NOFRAME,$0-0
	MOVL	$0x500320, R12	// stubFirst
loop:
	MOVQ	56(R12), R13	// loads
	MOVQ	8(R12), DI
	BTQ	$0, R13
	JCC	arg1
	MOVLQSX	(DI), DI
arg1:
	MOVQ	16(R12), SI
	BTQ	$1, R13
	JCC	arg2
	MOVLQSX	(SI), SI
arg2:
	MOVQ	24(R12), DX
	BTQ	$2, R13
	JCC	arg3
	MOVLQSX	(DX), DX
arg3:
	MOVQ	32(R12), R10
	BTQ	$3, R13
	JCC	arg4
	MOVLQSX	(R10), R10
arg4:
	MOVQ	40(R12), R8
	BTQ	$4, R13
	JCC	arg5
	MOVLQSX	(R8), R8
arg5:
	MOVQ	48(R12), R9
	BTQ	$5, R13
	JCC	call
	MOVLQSX	(R9), R9
call:
	MOVQ	0(R12), AX
	CMPQ	AX, $-1
	JEQ	test
	CMPQ	AX, $-3
	JEQ	set
	SYSCALL
	CMPQ	AX, $-4095
	JCC	error
result:
	MOVQ	64(R12), BX
	TESTQ	BX, BX
	JEQ	next
	MOVL	AX, (BX)
next:
	MOVQ	72(R12), R12
	JMP	loop
set:
	MOVQ	DI, AX
	JMP	result
test:
	MOVL	(DI), CX
	ANDL	SI, CX
	CMPL	CX, DX
	JEQ	next
alt:
	MOVQ	80(R12), R12
	JMP	loop
expected:
	MOVQ	64(R12), BX
	TESTQ	BX, BX
	JEQ	alt
	NEGL	AX
	MOVL	AX, (BX)
	JMP	alt
error:
	NEGQ	AX
	MOVQ	88(R12), BX
again:
	TESTQ	BX, BX
	JEQ	fail
	MOVWQZX	BX, CX
	CMPQ	CX, AX
	JEQ	expected
	CMPQ	CX, $0xffff
	JEQ	expected
	SHRQ	$16, BX
	JMP	again
fail:
	// The report keeps the first failure, not one that follows from it.
	MOVL	$0x500000, BX	// stubTable
	CMPL	4(BX), $0
	JNE	report
	MOVL	AX, 4(BX)
	MOVQ	R12, 8(BX)
report:
	MOVL	$0x500020, R12	// stubHead
	JMP	loop

TEXT ·stubEnd(SB),NOSPLIT|NOFRAME,$0-0
	RET

DATA ·stubPC(SB)/8, $·stub(SB)
GLOBL ·stubPC(SB), NOPTR, $8
DATA ·stubEndPC(SB)/8, $·stubEnd(SB)
GLOBL ·stubEndPC(SB), NOPTR, $8
