package specconv

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// listSet parses "0-2,5", the kernel's format for CPUs and nodes.
func listSet(s string) (unix.CPUSetDynamic, error) {
	last, err := eachOf(s, func(int) {})
	if err != nil {
		return nil, err
	}
	set := unix.NewCPUSet(last + 1)
	_, err = eachOf(s, set.Set)
	return set, err
}

// maxNumber bounds what a list may name. The largest NR_CPUS of any
// architecture is 8192.
const maxNumber = 1<<16 - 1

// eachOf calls f with every number of the list. It returns the largest.
func eachOf(s string, f func(int)) (largest int, err error) {
	largest = -1
	for _, r := range strings.Split(s, ",") {
		r = strings.TrimSpace(r)
		if r == "" {
			continue
		}
		first, last, isRange := strings.Cut(r, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			return -1, err
		}
		b := a
		if isRange {
			if b, err = strconv.Atoi(last); err != nil {
				return -1, err
			}
		}
		if a < 0 || b < a || b > maxNumber {
			return -1, fmt.Errorf("invalid range %q (numbers go up to %d)", r, maxNumber)
		}
		for n := a; n <= b; n++ {
			f(n)
		}
		largest = max(largest, b)
	}
	if largest < 0 {
		return -1, fmt.Errorf("no numbers in %q", s)
	}
	return largest, nil
}
