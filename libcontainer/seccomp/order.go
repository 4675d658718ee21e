package seccomp

import "runc/libcontainer/configs"

// inOrder gives the rules of a syscall in the order in which they are asked, the
// first that holds being the one that decides. Where all have one condition each
// it is libseccomp's, which does not go by the profile: see precedes. Others are
// left as they are.
func inOrder(rules []rule, wide bool) []rule {
	same := true
	for i := range rules {
		if len(rules[i].conds) != 1 {
			return rules
		}
		same = same && rules[i].ret == rules[0].ret
	}
	if same {
		return rules
	}
	out := make([]rule, 0, len(rules))
	for _, r := range rules {
		k := 0
		for k < len(out) && !precedes(&r.conds[0], &out[k].conds[0], wide) {
			k++
		}
		out = append(out, r)
		copy(out[k+1:], out[k:])
		out[k] = r
	}
	return out
}

// precedes: later arguments come before earlier ones. For one argument, = and !=
// come first, the higher value before the lower one; then < and <=, the lower
// value first; then > and >=, the higher value first. Of what is left, with
// different masks for instance, the profile's order decides.
func precedes(a, b *configs.Arg, wide bool) bool {
	if a.Index != b.Index {
		return a.Index > b.Index
	}
	kindA, maskA, valueA := rank(a, wide)
	kindB, maskB, valueB := rank(b, wide)
	switch {
	case kindA != kindB:
		return kindA < kindB
	case maskA != maskB:
		return false
	case kindA == below:
		return valueA < valueB
	}
	return valueA > valueB
}

// The kinds of operators, in the order in which they are asked.
const (
	equal = iota
	below
	above
)

func rank(a *configs.Arg, wide bool) (kind int, mask, value uint64) {
	mask, value = ^uint64(0), a.Value
	switch a.Op {
	case configs.LessThan, configs.LessThanOrEqualTo:
		kind = below
	case configs.GreaterThan, configs.GreaterThanOrEqualTo:
		kind = above
	case configs.MaskEqualTo:
		mask, value = a.Value, a.ValueTwo&a.Value
	}
	if !wide {
		mask, value = uint64(uint32(mask)), uint64(uint32(value))
	}
	return kind, mask, value
}
