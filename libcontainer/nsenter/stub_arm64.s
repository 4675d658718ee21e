#include "textflag.h"

// As stub_amd64.s.
TEXT ·stub(SB),NOSPLIT|NOFRAME,$0-0
	MOVD	$0x500000, R20
	ADD	$0x20, R20, R19
loop:
	MOVD	0(R19), R8
	MOVD	8(R19), R0
	MOVD	16(R19), R1
	MOVD	24(R19), R2
	MOVD	32(R19), R3
	MOVD	40(R19), R4
	MOVD	48(R19), R5
	SVC
	CMN	$4095, R0
	BCS	error
	MOVD	88(R19), R9
	CBZ	R9, next
	MOVWU	(R9), R10
	MOVD	ZR, R0
	MOVWU	96(R19), R11
	AND	R11, R10, R12
	MOVWU	100(R19), R11
	CMP	R11, R12
	BNE	fail
	MOVWU	104(R19), R11
	AND	R11, R10, R12
	CBZ	R12, fail
next:
	MOVD	56(R19), R19
	B	loop
error:
	NEG	R0, R0
	MOVD	72(R19), R9
again:
	CBZ	R9, fail
	AND	$0xffff, R9, R10
	CMP	R0, R10
	BEQ	ignored
	LSR	$16, R9, R9
	B	again
ignored:
	MOVD	64(R19), R19
	B	loop
fail:
	MOVWU	4(R20), R10
	CBNZ	R10, told
	MOVW	R19, 4(R20)
	MOVD	R0, 8(R20)
told:
	MOVD	80(R19), R19
	B	loop

TEXT ·stubEnd(SB),NOSPLIT|NOFRAME,$0-0
	RET

DATA ·stubPC(SB)/8, $·stub(SB)
GLOBL ·stubPC(SB), NOPTR, $8
DATA ·stubEndPC(SB)/8, $·stubEnd(SB)
GLOBL ·stubEndPC(SB), NOPTR, $8
