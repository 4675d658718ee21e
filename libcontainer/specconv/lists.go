package specconv

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// listSet parses "0-2,5", the kernel's format for CPUs and nodes.
func listSet(s string) (*unix.CPUSet, error) {
	set := new(unix.CPUSet)
	limit := len(set) * strconv.IntSize
	for _, r := range strings.Split(s, ",") {
		r = strings.TrimSpace(r)
		if r == "" {
			continue
		}
		first, last, isRange := strings.Cut(r, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			return nil, err
		}
		b := a
		if isRange {
			if b, err = strconv.Atoi(last); err != nil {
				return nil, err
			}
		}
		if a < 0 || b < a || b >= limit {
			return nil, fmt.Errorf("invalid range %q (numbers go up to %d)", r, limit-1)
		}
		for n := a; n <= b; n++ {
			set.Set(n)
		}
	}
	if set.Count() == 0 {
		return nil, fmt.Errorf("no numbers in %q", s)
	}
	return set, nil
}
