// Package mountinfo reads the mounts of this process's mount namespace
// (proc_pid_mountinfo(5)).
//
// A line may be long: an overlay lists all its layers, of which it may have 500.
// github.com/moby/sys/mountinfo gives up at a line of 64 KiB.
package mountinfo

import (
	"iter"
	"strings"

	"runc/libcontainer/system"
)

// Mount is one mount.
type Mount struct {
	// Root is the folder of the file system that the mount shows, "/" for all of it.
	Root string
	// Point is the path of the mount, below the root of the process.
	Point string
	// Type is that of the file system.
	Type string
	// Super are the options of the file system, separated by commas.
	Super string
}

// All reads the mounts of this process, in the kernel's order.
func All() (iter.Seq[Mount], error) {
	b, err := system.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return Parse(string(b)), nil
}

// Parse reads the text of a mountinfo file. Lines that the manual page does not
// describe are left out.
func Parse(text string) iter.Seq[Mount] {
	return func(yield func(Mount) bool) {
		for line := range strings.Lines(text) {
			if m, ok := parseLine(line); ok && !yield(m) {
				return
			}
		}
	}
}

// parseLine takes ID PARENT DEV ROOT POINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER.
func parseLine(line string) (Mount, bool) {
	front, back, ok := strings.Cut(line, " - ")
	if !ok {
		return Mount{}, false
	}
	var fields [6]string
	for i := range fields {
		if fields[i], front, _ = strings.Cut(front, " "); fields[i] == "" {
			return Mount{}, false
		}
	}
	kind, rest, _ := strings.Cut(back, " ")
	_, super, ok := strings.Cut(rest, " ")
	return Mount{
		Root: unescape(fields[3]), Point: unescape(fields[4]),
		Type: kind, Super: strings.TrimSuffix(super, "\n"),
	}, ok
}

// unescape undoes the kernel's octal escapes of white space, "#" and backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, ok := octal(s[i+1 : i+4]); ok {
				b.WriteByte(n)
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(digits string) (byte, bool) {
	n := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n*8 + int(c-'0')
	}
	return byte(n), n < 256
}
