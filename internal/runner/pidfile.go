package runner

import (
	"os"
	"path/filepath"
	"strconv"
)

// writePidFile writes a file beside the target and renames it, so that a process
// that waits for the file never reads half a number.
func writePidFile(path string, pid int) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(strconv.Itoa(pid))
	if err == nil {
		// CreateTemp makes files with mode 0600.
		err = tmp.Chmod(0o644)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
