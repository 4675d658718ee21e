package libcontainer

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// lookPath finds a program in the PATH of env, in the root and with the rights
// that this process now has. Its errors are those of os/exec, which callers
// know: `exec: "x": executable file not found in $PATH`.
func lookPath(name string, env []string) (string, error) {
	if name == "" {
		return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
	}
	if strings.Contains(name, "/") {
		if err := executable(name); err != nil {
			return "", &exec.Error{Name: name, Err: err}
		}
		return name, nil
	}
	for _, full := range inPath(name, env) {
		if executable(full) != nil {
			continue
		}
		if !filepath.IsAbs(full) {
			// A shell would run it. Go's os/exec, and runc with it, does not:
			// the working directory may be anybody's.
			return "", &exec.Error{Name: name, Err: exec.ErrDot}
		}
		return full, nil
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// candidates gives the paths of which the first that can be executed is the
// program. It gives none where only [lookPath] can tell.
func candidates(name string, env []string) []string {
	if name == "" {
		return nil
	}
	if strings.Contains(name, "/") {
		return []string{name}
	}
	list := inPath(name, env)
	if slices.ContainsFunc(list, func(full string) bool { return !filepath.IsAbs(full) }) {
		return nil
	}
	return list
}

// inPath joins the name to each element of the PATH of env. An empty element
// means the working directory.
func inPath(name string, env []string) []string {
	path := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	var list []string
	for _, dir := range filepath.SplitList(path) {
		list = append(list, filepath.Join(dir, name))
	}
	return list
}

func executable(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.EISDIR
	}
	// The kernel answers for the effective ids, with ACLs and mount options
	// (faccessat2, Linux 5.8). Where a filter denies that call, x/sys answers
	// by stat.
	err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
	if err == unix.EACCES || err == unix.EPERM {
		return fs.ErrPermission
	}
	if err != nil && err != unix.ENOSYS {
		return err
	}
	// For root the check passes even when the file has no x bit at all; execve
	// would refuse it.
	if st.Mode&0o111 == 0 {
		return fs.ErrPermission
	}
	return nil
}
