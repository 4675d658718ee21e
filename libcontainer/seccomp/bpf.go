package seccomp

import (
	"encoding/binary"
	"slices"
)

// instruction is struct sock_filter.
type instruction struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

// Instructions of classic BPF (linux/bpf_common.h), those that a filter needs.
const (
	ldAbs uint16 = 0x20 // BPF_LD | BPF_W | BPF_ABS
	andK  uint16 = 0x54 // BPF_ALU | BPF_AND | BPF_K
	ja    uint16 = 0x05 // BPF_JMP | BPF_JA
	jeq   uint16 = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	jgt   uint16 = 0x25 // BPF_JMP | BPF_JGT | BPF_K
	jge   uint16 = 0x35 // BPF_JMP | BPF_JGE | BPF_K
	retK  uint16 = 0x06 // BPF_RET | BPF_K
)

// Offsets in struct seccomp_data.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// generator writes a program from its end to its beginning. Jumps go forward
// only, so what is jumped to is there already, and how far it is is known.
type generator struct {
	code []instruction // the last one first
	rets []known
	far  []known // stepping stones to what is out of reach

	big    bool
	wide   bool
	leaves []leaf
}

// label is a place in the program: how many instructions were there before.
type label int

type known struct {
	k  uint32 // what it returns, or the label that it leads to
	at label
}

type leaf struct {
	do *decision
	at label
}

func (g *generator) add(i instruction) label {
	g.code = append(g.code, i)
	return label(len(g.code) - 1)
}

// distance is what an instruction to be added now has to skip.
func (g *generator) distance(to label) int { return len(g.code) - int(to) - 1 }

// reach of a conditional jump, less what may be put between before it is made:
// two stepping stones.
const reach = 255 - 2

// near gives a place that a conditional jump can reach and that does the same.
func (g *generator) near(to label) label {
	if g.distance(to) <= reach {
		return to
	}
	if i := g.code[to]; i.code == retK {
		// As short as a jump to it.
		return g.ret(i.k)
	}
	return g.stone(&g.far, uint32(to), func() instruction { return instruction{code: ja, k: uint32(g.distance(to))} })
}

// ret returns k; the same place serves for the same k as long as it is near.
func (g *generator) ret(k uint32) label {
	return g.stone(&g.rets, k, func() instruction { return instruction{code: retK, k: k} })
}

func (g *generator) stone(list *[]known, k uint32, make func() instruction) label {
	for i := range *list {
		if s := &(*list)[i]; s.k == k {
			if g.distance(s.at) > reach {
				s.at = g.add(make())
			}
			return s.at
		}
	}
	at := g.add(make())
	*list = append(*list, known{k, at})
	return at
}

// jump goes to yes when the comparison with k holds, else to no.
func (g *generator) jump(code uint16, k uint32, yes, no label) label {
	if yes == no {
		return yes
	}
	no = g.near(no)
	yes = g.near(yes)
	return g.add(instruction{code, uint8(g.distance(yes)), uint8(g.distance(no)), k})
}

// and masks the accumulator and goes on to next.
func (g *generator) and(k uint32, next label) label {
	g.follow(next)
	return g.add(instruction{code: andK, k: k})
}

// load puts a word of struct seccomp_data into the accumulator.
func (g *generator) load(off uint32, next label) label {
	g.follow(next)
	return g.add(instruction{code: ldAbs, k: off})
}

// follow makes sure that next comes next.
func (g *generator) follow(next label) {
	if d := g.distance(next); d > 0 {
		g.add(instruction{code: ja, k: uint32(d)})
	}
}

func (g *generator) program() []instruction {
	slices.Reverse(g.code)
	return g.code
}

// encode lays a program out as the kernel reads it.
func encode(code []instruction) []byte {
	b := make([]byte, 0, 8*len(code))
	for _, i := range code {
		b = binary.NativeEndian.AppendUint16(b, i.code)
		b = append(b, i.jt, i.jf)
		b = binary.NativeEndian.AppendUint32(b, i.k)
	}
	return b
}
