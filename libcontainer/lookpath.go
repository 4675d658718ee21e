package libcontainer

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lookPath finds a program as a shell would, with the PATH of env, in the root
// and with the rights that this process now has. Its errors are those of
// os/exec, which callers know: `exec: "x": executable file not found in $PATH`.
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
	for _, full := range candidates(name, env) {
		if executable(full) == nil {
			return full, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// candidates are where a program of that name may be, the first that can be
// executed being it.
func candidates(name string, env []string) []string {
	if name == "" {
		return nil
	}
	if strings.Contains(name, "/") {
		return []string{name}
	}
	path := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	var list []string
	for _, dir := range filepath.SplitList(path) {
		if dir == "" {
			dir = "."
		}
		full := filepath.Join(dir, name)
		if !filepath.IsAbs(full) {
			full = "./" + full
		}
		list = append(list, full)
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
	// The kernel's own answer for our effective ids, ACLs and mount options
	// included (faccessat2, Linux 5.8; where a filter denies that, by stat).
	err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
	if err == unix.EACCES || err == unix.EPERM {
		return fs.ErrPermission
	}
	if err != nil && err != unix.ENOSYS {
		return err
	}
	// Root may pass the check for lack of any x bit being asked of a file
	// without one; exec would not.
	if st.Mode&0o111 == 0 {
		return fs.ErrPermission
	}
	return nil
}
