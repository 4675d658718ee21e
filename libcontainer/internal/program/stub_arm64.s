#include "textflag.h"

// The stub's executor; encode.go has the table that it goes through, stub.go
// the addresses. It is copied out of the runtime to be a program of its own, so
// it knows no symbol. It uses no stack.
TEXT ·stub(SB),NOSPLIT|NOFRAME,$0-0
	MOVD	$0x500320, R19	// stubFirst
loop:
	MOVD	56(R19), R20	// loads
	MOVD	8(R19), R0
	TBZ	$0, R20, arg1
	MOVW	(R0), R0
arg1:
	MOVD	16(R19), R1
	TBZ	$1, R20, arg2
	MOVW	(R1), R1
arg2:
	MOVD	24(R19), R2
	TBZ	$2, R20, arg3
	MOVW	(R2), R2
arg3:
	MOVD	32(R19), R3
	TBZ	$3, R20, arg4
	MOVW	(R3), R3
arg4:
	MOVD	40(R19), R4
	TBZ	$4, R20, arg5
	MOVW	(R4), R4
arg5:
	MOVD	48(R19), R5
	TBZ	$5, R20, call
	MOVW	(R5), R5
call:
	MOVD	0(R19), R8
	CMN	$1, R8
	BEQ	test
	CMN	$3, R8
	BEQ	result
	SVC
	CMN	$4095, R0
	BCS	error
result:
	MOVD	64(R19), R21
	CBZ	R21, next
	MOVW	R0, (R21)
next:
	MOVD	72(R19), R19
	B	loop
test:
	MOVWU	(R0), R21
	AND	R1, R21, R21
	CMPW	R2, R21
	BEQ	next
alt:
	MOVD	80(R19), R19
	B	loop
expected:
	MOVD	64(R19), R21
	CBZ	R21, alt
	NEG	R0, R0
	MOVW	R0, (R21)
	B	alt
error:
	NEG	R0, R0
	MOVD	88(R19), R21
again:
	CBZ	R21, fail
	AND	$0xffff, R21, R22
	CMP	R0, R22
	BEQ	expected
	MOVD	$0xffff, R23
	CMP	R23, R22
	BEQ	expected
	LSR	$16, R21, R21
	B	again
fail:
	// The report keeps the first failure, not one that follows from it.
	MOVD	$0x500000, R21	// stubTable
	MOVWU	4(R21), R22
	CBNZ	R22, report
	MOVW	R0, 4(R21)
	MOVD	R19, 8(R21)
report:
	MOVD	$0x500020, R19	// stubHead
	B	loop

TEXT ·stubEnd(SB),NOSPLIT|NOFRAME,$0-0
	RET

DATA ·stubPC(SB)/8, $·stub(SB)
GLOBL ·stubPC(SB), NOPTR, $8
DATA ·stubEndPC(SB)/8, $·stubEnd(SB)
GLOBL ·stubEndPC(SB), NOPTR, $8
