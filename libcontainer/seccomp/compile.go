// Package seccomp compiles the profiles of config.json into BPF programs and loads
// them (seccomp(2), Linux 3.17; Documentation/userspace-api/seccomp_filter.rst).
// Which rule decides is as with libseccomp: see docs/design.md.
package seccomp

import (
	"fmt"

	"runc/libcontainer/configs"
)

// The filter runs before every syscall of every process in the container, so
// its shape counts: the architecture, a binary search for the number among
// ranges that share a decision, and only then, for the few that need it, the
// arguments. A number that is decided without looking at arguments loads
// nothing but arch and nr, which lets the kernel know its result beforehand
// (seccomp_is_const_allow, Linux 5.11) and not run the filter for it at all.

// compile makes the instructions for some architectures, the first being the
// most likely.
func compile(s *configs.Seccomp, names []string, bigEndian bool) ([]instruction, error) {
	p := newProfile(s)
	var sets [2]*ruleSet
	ruleSetOf := func(a *arch) (*ruleSet, error) {
		k := 0
		if a.mux {
			k = 1
		}
		if sets[k] == nil {
			set, err := newRuleSet(p, a.mux)
			if err != nil {
				return nil, err
			}
			sets[k] = set
		}
		return sets[k], nil
	}
	x32 := false
	for _, n := range names {
		x32 = x32 || n == "x32"
	}
	type dispatch struct {
		audit uint32
		segs  []segment
	}
	var list []dispatch
	for _, n := range names {
		a := archByName(n)
		if a == nil {
			return nil, fmt.Errorf("config.json: linux.seccomp.architectures: unknown architecture %q", n)
		}
		if a.name == "x32" {
			// With amd64, whose value of arch it shares.
			a = archByName("amd64")
		}
		done := false
		for i := range list {
			done = done || list[i].audit == a.audit
		}
		if done {
			continue
		}
		set, err := ruleSetOf(a)
		if err != nil {
			return nil, err
		}
		d := dispatch{audit: a.audit}
		if a.audit != auditX8664 {
			d.segs = set.segments(p, a, 0, maxNumber, nil)
		} else {
			d.segs = set.segments(p, a, 0, x32Bit-1, nil)
			if x32 {
				d.segs = set.segments(p, archByName("x32"), x32Bit, maxNumber, d.segs)
			} else {
				d.segs = append(d.segs, segment{x32Bit, &decision{ret: retKillThread}},
					// -1 is what a tracer makes of a syscall that it skips.
					segment{maxNumber, &decision{ret: set.def}})
			}
		}
		list = append(list, d)
	}

	g := &generator{big: bigEndian}
	// The program is built from its end: the end kills the architectures that
	// the profile does not name.
	next := g.ret(retKillThread)
	for i := len(list) - 1; i >= 0; i-- {
		entry := g.tree(list[i].segs)
		entry = g.load(offNr, entry)
		next = g.jump(jeq, list[i].audit, entry, next)
	}
	g.load(offArch, next)
	return g.program(), nil
}

// tree finds the number, which is in the accumulator, among segs.
func (g *generator) tree(segs []segment) label {
	if len(segs) == 1 {
		return g.decide(segs[0].do)
	}
	mid := len(segs) / 2
	high := g.tree(segs[mid:])
	low := g.tree(segs[:mid])
	return g.jump(jge, segs[mid].first, high, low)
}

// decide gives where a decision is taken; equal ones share the place.
func (g *generator) decide(d *decision) label {
	if len(d.rules) == 0 {
		return g.ret(d.ret)
	}
	for _, l := range g.leaves {
		if l.do.equal(d) {
			return l.at
		}
	}
	g.wide = d.wide
	at := g.ret(d.ret)
	for i := len(d.rules) - 1; i >= 0; i-- {
		r := &d.rules[i]
		yes := g.ret(r.ret)
		for j := len(r.conds) - 1; j >= 0; j-- {
			yes = g.condition(&r.conds[j], yes, at)
		}
		at = yes
	}
	g.leaves = append(g.leaves, leaf{d, at})
	return at
}

// condition checks one argument. Where they have 32 bits (on x32 too: the
// kernel takes its ints and pointers as such), the upper halves of argument and
// constant are left out of account: that of the constant is mostly a sign.
func (g *generator) condition(c *configs.Arg, yes, no label) label {
	low, high := offArgs+8*uint32(c.Index), offArgs+8*uint32(c.Index)+4
	if g.big {
		low, high = high, low
	}
	value, mask := c.Value, ^uint64(0)
	op := c.Op
	switch op {
	case configs.NotEqualTo:
		op, yes, no = configs.EqualTo, no, yes
	case configs.LessThan:
		op, yes, no = configs.GreaterThanOrEqualTo, no, yes
	case configs.LessThanOrEqualTo:
		op, yes, no = configs.GreaterThan, no, yes
	case configs.MaskEqualTo:
		mask = c.Value
		// Bits outside the mask say nothing.
		value = c.ValueTwo & mask
	}
	lowWord := func(code uint16) label {
		at := g.jump(code, uint32(value), yes, no)
		if m := uint32(mask); m != ^uint32(0) {
			at = g.and(m, at)
		}
		return g.load(low, at)
	}
	switch op {
	case configs.GreaterThan, configs.GreaterThanOrEqualTo:
		code := jgt
		if op == configs.GreaterThanOrEqualTo {
			code = jge
		}
		at := lowWord(code)
		if g.wide {
			at = g.jump(jeq, uint32(value>>32), at, no)
			at = g.jump(jgt, uint32(value>>32), yes, at)
			at = g.load(high, at)
		}
		return at
	}
	at := lowWord(jeq)
	if g.wide && mask>>32 != 0 {
		at = g.jump(jeq, uint32(value>>32), at, no)
		if m := uint32(mask >> 32); m != ^uint32(0) {
			at = g.and(m, at)
		}
		at = g.load(high, at)
	}
	return at
}
