package seccomp

import (
	"math/rand/v2"

	"runc/libcontainer/configs"
)

// randomProfile makes one with conditions that are near each other, so that
// they overlap. With plain, all conditional rules of a syscall have the same
// action: what happens where rules of several conditions overlap depends on the
// inner order of libseccomp's tree (ours: the first rule decides). Nor is an
// argument that is compared by order compared again: see TestOrderTwice.
func randomProfile(r *rand.Rand, names []string, plain bool) *configs.Seccomp {
	actions := []configs.Action{configs.Kill, configs.Errno, configs.Trap, configs.Allow, configs.Trace, configs.Log, configs.KillProcess}
	s := &configs.Seccomp{DefaultAction: actions[r.IntN(len(actions))]}
	errno := func() *uint {
		if r.IntN(2) == 0 {
			return nil
		}
		e := uint(r.IntN(40))
		return &e
	}
	if s.DefaultAction == configs.Errno || s.DefaultAction == configs.Trace {
		s.DefaultErrnoRet = errno()
	}
	for _, a := range []string{"amd64", "x86", "x32"} {
		if r.IntN(3) > 0 {
			s.Architectures = append(s.Architectures, a)
		}
	}
	type act struct {
		a configs.Action
		e *uint
	}
	chosen := map[string]act{}
	value := func() uint64 {
		switch r.IntN(6) {
		case 0:
			return r.Uint64()
		case 1:
			return uint64(r.Uint32())
		case 2:
			return 1<<32 + uint64(r.IntN(4))
		case 3:
			return ^uint64(r.IntN(3))
		}
		return uint64(r.IntN(8))
	}
	few := r.IntN(3) == 0
	type ordered struct {
		name  string
		index uint
	}
	once, seen := map[ordered]bool{}, map[ordered]bool{}
	for range r.IntN(80) {
		name := names[r.IntN(len(names))]
		if few {
			name = names[r.IntN(8)]
		}
		a, ok := chosen[name]
		if !ok || !plain {
			a = act{actions[r.IntN(len(actions))], nil}
			if a.a == configs.Errno || a.a == configs.Trace {
				a.e = errno()
			}
			chosen[name] = a
		}
		c := &configs.Syscall{Name: name, Action: a.a, ErrnoRet: a.e}
		if r.IntN(2) == 0 {
			for range 1 + r.IntN(3) {
				a := &configs.Arg{Index: uint(r.IntN(6)), Op: configs.Operator(1 + r.IntN(7)), Value: value(), ValueTwo: value()}
				if o := (ordered{name, a.Index}); plain {
					if once[o] {
						continue
					}
					if a.Op >= configs.GreaterThan && a.Op <= configs.LessThanOrEqualTo {
						if seen[o] {
							a.Op = configs.EqualTo
						} else {
							once[o] = true
						}
					}
					seen[o] = true
				}
				c.Args = append(c.Args, a)
			}
		}
		s.Syscalls = append(s.Syscalls, c)
	}
	return s
}

// archNames are those that Compile would take on amd64.
func archNames(s *configs.Seccomp) []string {
	names := []string{"amd64"}
	for _, a := range s.Architectures {
		if a != "amd64" {
			names = append(names, a)
		}
	}
	return names
}

// samples calls f with every number that can matter, on every architecture,
// with arguments at the edges of the profile's conditions.
func samples(s *configs.Seccomp, r *rand.Rand, audits []uint32, f func(*data)) {
	conds := map[string][]*configs.Arg{}
	for _, c := range s.Syscalls {
		conds[c.Name] = append(conds[c.Name], c.Args...)
	}
	// By number, for whatever architecture.
	edges := map[uint32][6][]uint64{}
	for name, args := range conds {
		if len(args) == 0 {
			continue
		}
		i := nameIndex(name)
		if i < 0 {
			continue
		}
		var e [6][]uint64
		for _, a := range args {
			for _, v := range []uint64{a.Value, a.ValueTwo, a.Value & a.ValueTwo} {
				e[a.Index] = append(e[a.Index], v, v-1, v+1, v^1<<32, uint64(uint32(v)), v|0xffffffff<<32)
			}
		}
		for k := range e {
			e[k] = append(e[k], 0, 1, 1<<32-1, 1<<32, 1<<63, ^uint64(0))
		}
		for a := range arches {
			if nr := arches[a].numbers[i]; nr >= 0 {
				edges[uint32(nr)] = e
			}
		}
	}
	numbers := []uint32{0x3fffffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 983041, 983045}
	for n := range uint32(601) {
		numbers = append(numbers, n, x32Bit+n, 4000+n, 5000+n, 6000+n)
	}
	for _, audit := range audits {
		for _, nr := range numbers {
			f(&data{nr: nr, arch: audit})
			e, ok := edges[nr]
			if !ok {
				// On the machines that have it, what socketcall and ipc select by.
				if nr == 102 || nr == 117 {
					for n := range uint64(30) {
						f(&data{nr: nr, arch: audit, args: [6]uint64{n}})
					}
				}
				continue
			}
			for k := range e {
				for _, v := range e[k] {
					d := &data{nr: nr, arch: audit}
					d.args[k] = v
					f(d)
				}
			}
			for range 60 {
				d := &data{nr: nr, arch: audit}
				for k := range e {
					d.args[k] = e[k][r.IntN(len(e[k]))]
				}
				f(d)
			}
		}
	}
}
