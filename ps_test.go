package main

import "testing"

func TestFilterProcesses(t *testing.T) {
	for _, c := range []struct {
		name, out string
		pids      []int
		want, err string
	}{
		{"the column by its name", "UID PID PPID CMD\nroot 1 0 init\nroot 20 1 sleep 10\nroot 200 20 20\n", []int{20}, "UID PID PPID CMD\nroot 20 1 sleep 10\n", ""},
		{"the first column", "  PID COMMAND\n   7 sh\n   8 cat\n", []int{8, 7}, "  PID COMMAND\n   7 sh\n   8 cat\n", ""},
		{"no processes", "PID\n1\n", nil, "PID\n", ""},
		{"a short line", "UID PID\n\nroot\nroot 3\n", []int{3}, "UID PID\nroot 3\n", ""},
		{"no such column", "COMMAND PPID\nsh 1\n", []int{1}, "", "couldn't find PID field in ps output"},
		{"nothing", "", []int{1}, "", "couldn't find PID field in ps output"},
		{"not a number", "PID\nx\n", []int{1}, "", `unable to parse pid: strconv.Atoi: parsing "x": invalid syntax`},
	} {
		got, err := filterProcesses(c.out, c.pids)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %q, %v; want %q, %s", c.name, got, err, c.want, c.err)
		}
	}
}
