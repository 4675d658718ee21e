package seccomp

import (
	"encoding/binary"
	"fmt"

	"runc/libcontainer/configs"
)

// data is struct seccomp_data.
type data struct {
	nr, arch uint32
	args     [6]uint64
}

func (d *data) bytes(big bool) []byte {
	var o binary.ByteOrder = binary.LittleEndian
	if big {
		o = binary.BigEndian
	}
	b := make([]byte, 64)
	o.PutUint32(b[0:], d.nr)
	o.PutUint32(b[4:], d.arch)
	for i, a := range d.args {
		o.PutUint64(b[16+8*i:], a)
	}
	return b
}

// interpret runs a program; it says too whether the result hung on more than
// number and architecture.
func interpret(code []instruction, d *data, big bool) (ret uint32, constant bool, err error) {
	mem := d.bytes(big)
	var o binary.ByteOrder = binary.LittleEndian
	if big {
		o = binary.BigEndian
	}
	constant = true
	var a uint32
	for pc := 0; pc < len(code); pc++ {
		i := code[pc]
		yes := false
		switch i.code {
		case ldAbs:
			if i.k%4 != 0 || i.k >= 64 {
				return 0, false, fmt.Errorf("%d: load of offset %d", pc, i.k)
			}
			constant = constant && i.k < 8
			a = o.Uint32(mem[i.k:])
			continue
		case andK:
			a &= i.k
			continue
		case ja:
			pc += int(i.k)
			continue
		case retK:
			return i.k, constant, nil
		case jeq:
			yes = a == i.k
		case jgt:
			yes = a > i.k
		case jge:
			yes = a >= i.k
		case 0x45: // BPF_JSET
			yes = a&i.k != 0
		default:
			return 0, false, fmt.Errorf("%d: unknown instruction %#x", pc, i.code)
		}
		if yes {
			pc += int(i.jt)
		} else {
			pc += int(i.jf)
		}
	}
	return 0, false, fmt.Errorf("ran over the end")
}

// verify checks what the kernel does of a program (bpf_check_classic).
func verify(code []instruction) error {
	if len(code) == 0 || len(code) > maxInstructions {
		return fmt.Errorf("%d instructions", len(code))
	}
	for pc, i := range code {
		switch i.code {
		case ja:
			if pc+1+int(i.k) >= len(code) {
				return fmt.Errorf("%d: jump over the end", pc)
			}
		case jeq, jgt, jge:
			if pc+1+int(max(i.jt, i.jf)) >= len(code) {
				return fmt.Errorf("%d: jump over the end", pc)
			}
		}
	}
	if code[len(code)-1].code != retK {
		return fmt.Errorf("ends without a return")
	}
	return nil
}

func decode(b []byte) []instruction {
	code := make([]instruction, len(b)/8)
	for i := range code {
		p := b[8*i:]
		code[i] = instruction{binary.NativeEndian.Uint16(p), p[2], p[3], binary.NativeEndian.Uint32(p[4:])}
	}
	return code
}

// model says by the plainest means what a profile wants with a syscall: no
// tables, no ranges, one rule after the other.
func model(s *configs.Seccomp, names []string, d *data) uint32 {
	ret := func(a configs.Action, e *uint) uint32 { r, _ := returned(a, e); return r }
	def := ret(s.DefaultAction, s.DefaultErrnoRet)
	has := map[string]bool{}
	for _, n := range names {
		has[n] = true
	}
	var on *arch
	for i := range arches {
		a := &arches[i]
		switch {
		case a.audit != d.arch, a.name == "x32":
		case has[a.name], a.name == "amd64" && has["x32"]:
			on = a
		}
	}
	if on == nil {
		return retKillThread
	}
	if on.audit == auditX8664 && d.nr >= x32Bit {
		if !has["x32"] {
			if d.nr == 1<<32-1 {
				return def
			}
			return retKillThread
		}
		on = archByName("x32")
	}
	top := int64(-1)
	for _, r := range s.Syscalls {
		if i := nameIndex(r.Name); i >= 0 {
			top = max(top, int64(on.numbers[i]))
		}
	}
	if top >= 0 && int64(d.nr) > top && fails(s.DefaultAction) {
		return retErrno | 38
	}
	type numbered struct {
		args []*configs.Arg
		ret  uint32
	}
	var rules []numbered
	number := func(name string) int64 {
		i := nameIndex(name)
		if i < 0 {
			return -1
		}
		return int64(on.numbers[i])
	}
	for _, r := range s.Syscalls {
		act := ret(r.Action, r.ErrnoRet)
		if act == def {
			continue
		}
		sets := [][]*configs.Arg{r.Args}
		for i, a := range r.Args {
			for _, b := range r.Args[:i] {
				if a.Index == b.Index {
					sets = nil
				}
			}
		}
		if sets == nil {
			for _, a := range r.Args {
				sets = append(sets, []*configs.Arg{a})
			}
		}
		for _, args := range sets {
			if number(r.Name) == int64(d.nr) {
				rules = append(rules, numbered{args, act})
			}
			if m, n := multiplexer(r.Name); on.mux && m != "" && number(m) == int64(d.nr) {
				behind := []*configs.Arg{{Op: configs.EqualTo, Value: n}}
				for _, a := range args {
					if a.Index != 0 {
						behind = append(behind, a)
					}
				}
				rules = append(rules, numbered{behind, act})
			}
		}
	}
	for _, r := range rules {
		if len(r.args) == 0 {
			return r.ret
		}
	}
	single := true
	for _, r := range rules {
		single = single && len(r.args) == 1
	}
	if single {
		// Stable, and by no library's sort: masks make it a partial order.
		for i := range rules {
			for k := range i {
				if precedes(rules[i].args[0], rules[k].args[0], on.wide) {
					r := rules[i]
					copy(rules[k+1:i+1], rules[k:i])
					rules[k] = r
					break
				}
			}
		}
	}
	for _, r := range rules {
		all := true
		for _, a := range r.args {
			all = all && holds(a, d.args[a.Index], on.wide)
		}
		if all {
			return r.ret
		}
	}
	return def
}

func holds(a *configs.Arg, v uint64, wide bool) bool {
	want, two := a.Value, a.ValueTwo
	if !wide {
		v, want, two = uint64(uint32(v)), uint64(uint32(want)), uint64(uint32(two))
	}
	switch a.Op {
	case configs.EqualTo:
		return v == want
	case configs.NotEqualTo:
		return v != want
	case configs.GreaterThan:
		return v > want
	case configs.GreaterThanOrEqualTo:
		return v >= want
	case configs.LessThan:
		return v < want
	case configs.LessThanOrEqualTo:
		return v <= want
	}
	return v&want == two&want
}
