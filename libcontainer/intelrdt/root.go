package intelrdt

import (
	"bufio"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultRoot is where the kernel has a mount point ready.
const defaultRoot = "/sys/fs/resctrl"

// maxLine bounds a line of mountinfo, in which an overlay tells all its layers.
const maxLine = 16 << 20

// Root is where resctrl is mounted; [ErrNotEnabled] when it is nowhere.
func Root() (string, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(defaultRoot, &fs); err == nil && fs.Type == unix.RDTGROUP_SUPER_MAGIC {
		return defaultRoot, nil
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if root, ok := resctrlMount(lines.Text()); ok {
			return root, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", ErrNotEnabled
}

// IsEnabled says whether resctrl is mounted.
func IsEnabled() bool {
	_, err := Root()
	return err == nil
}

// resctrlMount reads a line of proc_pid_mountinfo(5): the mount point is the
// fifth field, the type the first after a lone hyphen.
func resctrlMount(line string) (string, bool) {
	before, after, ok := strings.Cut(line, " - ")
	if !ok || !strings.HasPrefix(after, "resctrl ") {
		return "", false
	}
	f := strings.Fields(before)
	if len(f) < 5 {
		return "", false
	}
	return unescape(f[4]), true
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	if !strings.ContainsRune(s, '\\') {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
