package seccomp

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// What a filter returns (linux/seccomp.h): the action, and for some 16 bits of
// data below it.
const (
	retKillProcess = 0x80000000
	retKillThread  = 0x00000000
	retTrap        = 0x00030000
	retErrno       = 0x00050000
	retNotify      = 0x7fc00000
	retTrace       = 0x7ff00000
	retLog         = 0x7ffc0000
	retAllow       = 0x7fff0000
	retData        = 0x0000ffff
)

// returned is what a filter returns for an action.
func returned(a configs.Action, errno *uint) (uint32, error) {
	data := uint32(unix.EPERM)
	if errno != nil {
		data = uint32(*errno) & retData
	}
	switch a {
	case configs.Kill, configs.KillThread:
		return retKillThread, nil
	case configs.KillProcess:
		return retKillProcess, nil
	case configs.Trap:
		return retTrap, nil
	case configs.Errno:
		return retErrno | data, nil
	case configs.Trace:
		return retTrace | data, nil
	case configs.Notify:
		return retNotify, nil
	case configs.Log:
		return retLog, nil
	case configs.Allow:
		return retAllow, nil
	}
	return 0, fmt.Errorf("config.json: linux.seccomp: unknown action %d", a)
}

// decision is what happens with a syscall: the return value of the first rule
// whose conditions all hold, or else that at the end.
type decision struct {
	rules []rule
	ret   uint32
	wide  bool // of arguments with 64 bits; set where there are rules
}

type rule struct {
	conds []configs.Arg
	ret   uint32
}

func (d *decision) equal(e *decision) bool {
	return d.ret == e.ret && d.wide == e.wide && slices.EqualFunc(d.rules, e.rules, func(a, b rule) bool {
		return a.ret == b.ret && slices.Equal(a.conds, b.conds)
	})
}

// on is the decision on an architecture, without what changes nothing there.
func (d *decision) on(wide bool) *decision {
	if len(d.rules) == 0 {
		return d
	}
	out := &decision{ret: d.ret, wide: wide}
	for _, r := range inOrder(d.rules, wide) {
		conds, never := simplify(r.conds, wide)
		if never {
			continue
		}
		if len(conds) == 0 {
			// Holds always: what comes later is never asked.
			out.ret = r.ret
			break
		}
		out.rules = append(out.rules, rule{conds, r.ret})
	}
	for n := len(out.rules); n > 0 && out.rules[n-1].ret == out.ret; n-- {
		out.rules = out.rules[:n-1]
	}
	return out
}

// simplify drops conditions that always hold; never: one does not, ever.
func simplify(conds []configs.Arg, wide bool) (left []configs.Arg, never bool) {
	for _, c := range conds {
		if !wide {
			c.Value, c.ValueTwo = uint64(uint32(c.Value)), uint64(uint32(c.ValueTwo))
		}
		if c.Value == 0 {
			switch c.Op {
			case configs.MaskEqualTo, configs.GreaterThanOrEqualTo:
				continue
			case configs.LessThan:
				return nil, true
			}
		}
		left = append(left, c)
	}
	return left, false
}

// segment is a run of numbers that share a decision; it ends where the next
// begins.
type segment struct {
	first uint32
	do    *decision
}

// ruleSet is a profile sorted by names.
type ruleSet struct {
	def   uint32
	calls []call
}

// call is a syscall that the profile speaks of.
type call struct {
	index int // in syscallNames
	do    decision
	final bool // a rule without conditions has set do.ret
}

// profile is a Seccomp with its names looked up, once for all architectures.
type profile struct {
	*configs.Seccomp
	index []int // of each rule's name in syscallNames
}

func newProfile(s *configs.Seccomp) profile {
	p := profile{s, make([]int, len(s.Syscalls))}
	for i, r := range s.Syscalls {
		p.index[i] = nameIndex(r.Name)
	}
	return p
}

// newRuleSet reads the rules in the order of the profile. Of several rules for
// a syscall one without conditions decides, the first; else the first whose
// conditions hold, in the order of inOrder. A rule that says what the default says is none, so that it
// takes nothing away from others. For the multiplexed syscalls see muxed.
func newRuleSet(s profile, mux bool) (*ruleSet, error) {
	def, err := returned(s.DefaultAction, s.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	set := &ruleSet{def: def}
	place := make([]int16, len(syscallNames)) // of calls, plus one
	at := func(i int) *call {
		if place[i] == 0 {
			set.calls = append(set.calls, call{index: i, do: decision{ret: def}})
			place[i] = int16(len(set.calls))
		}
		return &set.calls[place[i]-1]
	}
	for k, r := range s.Syscalls {
		i := s.index[k]
		ret, err := returned(r.Action, r.ErrnoRet)
		if err != nil {
			return nil, err
		}
		if err := check(r); err != nil {
			return nil, err
		}
		if ret == def {
			continue
		}
		m, n := "", uint64(0)
		if mux {
			m, n = multiplexer(r.Name)
		}
		for _, conds := range alternatives(r.Args) {
			if i >= 0 {
				at(i).add(ret, conds)
			}
			if m != "" {
				// Behind socketcall or ipc the first argument is its number.
				// What its own was is in memory, out of reach; conditions on
				// the others stay, though they see other registers than was
				// meant: as libseccomp has it.
				behind := []configs.Arg{{Index: 0, Value: n, Op: configs.EqualTo}}
				for _, c := range conds {
					if c.Index != 0 {
						behind = append(behind, c)
					}
				}
				at(nameIndex(m)).add(ret, behind)
			}
		}
	}
	return set, nil
}

func check(r *configs.Syscall) error {
	for _, a := range r.Args {
		if a.Index > 5 {
			return fmt.Errorf("config.json: linux.seccomp.syscalls: %s: a syscall has arguments 0 to 5, no %d", r.Name, a.Index)
		}
		if a.Op < configs.EqualTo || a.Op > configs.MaskEqualTo {
			return fmt.Errorf("config.json: linux.seccomp.syscalls: %s: unknown operator %d", r.Name, a.Op)
		}
	}
	return nil
}

// alternatives are the conditions of an entry. The same argument twice cannot
// be joined by AND in libseccomp; runc has always made rules of their own of
// all conditions then, which is an OR.
func alternatives(args []*configs.Arg) [][]configs.Arg {
	conds := make([]configs.Arg, len(args))
	twice := false
	var seen [6]bool
	for i, a := range args {
		conds[i] = *a
		twice = twice || seen[a.Index]
		seen[a.Index] = true
	}
	if !twice {
		return [][]configs.Arg{conds}
	}
	list := make([][]configs.Arg, len(conds))
	for i := range conds {
		list[i] = conds[i : i+1]
	}
	return list
}

func (c *call) add(ret uint32, conds []configs.Arg) {
	if c.final {
		return
	}
	if len(conds) == 0 {
		c.do, c.final = decision{ret: ret}, true
		return
	}
	c.do.rules = append(c.do.rules, rule{conds, ret})
}

// newest is the highest number on an architecture that the profile names,
// whatever its rule says; -1 when it names none.
func newest(s profile, a *arch) int64 {
	top := int64(-1)
	for _, i := range s.index {
		if i >= 0 {
			top = max(top, int64(a.numbers[i]))
		}
	}
	return top
}

// fails tells whether an action keeps a syscall from being carried out.
func fails(a configs.Action) bool {
	return a != configs.Allow && a != configs.Log && a != configs.Trace
}

// segments gives the decisions for the numbers from first to last on an
// architecture, in order and merged where neighbours are equal.
func (set *ruleSet) segments(s profile, a *arch, first, last uint32, out []segment) []segment {
	// Number and position in set.calls in one word: cheaper to sort.
	calls := make([]uint64, 0, len(set.calls))
	for i := range set.calls {
		if nr := a.numbers[set.calls[i].index]; nr >= 0 && uint32(nr) >= first && uint32(nr) <= last {
			calls = append(calls, uint64(nr)<<32|uint64(i))
		}
	}
	slices.Sort(calls)
	def := &decision{ret: set.def}
	push := func(first uint32, do *decision) {
		if n := len(out); n > 0 && out[n-1].first == first {
			out = out[:n-1]
		}
		if n := len(out); n > 0 && out[n-1].do.equal(do) {
			return
		}
		out = append(out, segment{first, do})
	}
	push(first, def)
	for _, c := range calls {
		nr := uint32(c >> 32)
		push(nr, set.calls[uint32(c)].do.on(a.wide))
		if nr < last {
			push(nr+1, def)
		}
	}
	if top := newest(s, a); fails(s.DefaultAction) && top >= 0 && top < int64(last) {
		// Libraries try a new syscall and fall back to an old one on ENOSYS; on
		// EPERM they give up. The profile is silent on what is newer than all
		// that it knows.
		push(uint32(top)+1, &decision{ret: retErrno | uint32(unix.ENOSYS)})
	}
	return out
}

const maxNumber = math.MaxUint32
