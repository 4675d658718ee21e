package rootfs

import (
	"strings"

	"golang.org/x/sys/unix"
)

// params splits mount data into options. A comma within double quotes does not
// separate them, as in the context options of SELinux.
func params(data string) []Param {
	var ps []Param
	for data != "" {
		quoted, end := false, len(data)
		for i := range len(data) {
			if data[i] == '"' {
				quoted = !quoted
			} else if data[i] == ',' && !quoted {
				end = i
				break
			}
		}
		item := data[:end]
		data = data[min(end+1, len(data)):]
		if item == "" {
			continue
		}
		key, value, has := strings.Cut(item, "=")
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' && strings.HasSuffix(key, "context") {
			value = value[1 : len(value)-1]
		}
		ps = append(ps, Param{key, value, has})
	}
	return ps
}

// maxParam is the size of the longest value that fsconfig(2) takes, with its
// terminating null byte.
const maxParam = 256

// needLegacy says that only mount(2) can carry the options: a value is too
// long for fsconfig(2), as an overlay's lowerdir may be, or a flag has no name
// there.
func needLegacy(flags int, ps []Param) bool {
	if flags&unix.MS_I_VERSION != 0 {
		return true
	}
	for _, p := range ps {
		if len(p.Value) >= maxParam || len(p.Key) >= maxParam {
			return true
		}
	}
	return false
}
