package criu

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Beside CRIU's image files lie two of the runtime's own. runc, too, writes and
// reads the first.
const (
	// descriptorsFile has the names of the container's stdio, a list of strings.
	descriptorsFile = "descriptors.json"
	// containerFile has what else a restore cannot know.
	containerFile = "container.json"
)

type containerInfo struct {
	Created time.Time `json:"created"`

	// Files has, by CRIU's name for it, each file outside the container that
	// was its stdio, and as which descriptors; none for the null device.
	Files map[string][]int `json:"files,omitempty"`
}

// openDir makes a folder for CRIU's files if it is missing, and opens it.
func openDir(path, flag string) (*os.File, error) {
	err := os.Mkdir(path, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w (%s)", err, flag)
	}
	dir, err := os.Open(path)
	if err == nil {
		var st fs.FileInfo
		if st, err = dir.Stat(); err == nil && !st.IsDir() {
			err = &os.PathError{Op: "open", Path: path, Err: errors.New("not a directory")}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, flag)
	}
	return dir, nil
}

func writeInfo(dir string, descriptors []string, info containerInfo) error {
	for name, v := range map[string]any{descriptorsFile: descriptors, containerFile: info} {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// readInfo reads what writeInfo wrote. A checkpoint of another runtime has the
// descriptors alone.
func readInfo(dir string) (descriptors []string, info containerInfo, err error) {
	if err := readJSON(filepath.Join(dir, descriptorsFile), &descriptors); err != nil {
		return nil, info, err
	}
	if err := readJSON(filepath.Join(dir, containerFile), &info); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, info, err
	}
	return descriptors, info, nil
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
