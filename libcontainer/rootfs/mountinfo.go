package rootfs

import (
	"bufio"
	"os"
	"strings"
)

// maxLine bounds a line of mountinfo: an overlay tells all its layers, of which
// it may have 500, with four bytes for some.
const maxLine = 16 << 20

// fullMounts lists the places outside the root where a whole procfs or sysfs is
// mounted.
func fullMounts(root string) ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if p, ok := fullMount(lines.Text()); ok && p != root && !strings.HasPrefix(p, root+"/") {
			found = append(found, p)
		}
	}
	return found, lines.Err()
}

// fullMount reads one line as proc_pid_mountinfo(5) describes it.
func fullMount(line string) (point string, ok bool) {
	head, tail, ok := strings.Cut(line, " - ")
	if !ok {
		return "", false
	}
	fields := strings.Fields(head)
	fstype, _, _ := strings.Cut(tail, " ")
	if len(fields) < 5 || fields[3] != "/" || fstype != "proc" && fstype != "sysfs" {
		return "", false
	}
	return unescape(fields[4]), true
}

// unescape undoes the octal escapes of space, tab, newline and backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			n := 0
			for _, c := range []byte(s[i+1 : i+4]) {
				n = n*8 + int(c-'0')
			}
			if n > 0 && n < 256 {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
