package libcontainer

import (
	"os"
	"path/filepath"
	"testing"
)

// A file that names no container must not be taken for one: its processes and
// its cgroup would be the caller's own.
func TestAStateFileWithoutAnIDIsRefused(t *testing.T) {
	for _, text := range []string{"null", "{}", `{"id":""}`, `{"init_process_pid":1}`, "[]", "", "{"} {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "c"), 0o711); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "c", stateFilename), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(root, "c"); err == nil {
			t.Errorf("%q was taken for a container", text)
		}
	}
}

func TestOnlyCgroupsWithAPathAreOwned(t *testing.T) {
	for _, c := range []struct {
		paths map[string]string
		want  bool
	}{
		{nil, false},
		{map[string]string{}, false},
		{map[string]string{"": "", "cpu": ""}, false},
		{map[string]string{"": "/sys/fs/cgroup/c"}, true},
		{map[string]string{"cpu": "", "memory": "/sys/fs/cgroup/memory/c"}, true},
	} {
		if got := (&Container{cgroupPaths: c.paths}).ownsCgroup(); got != c.want {
			t.Errorf("%v: %v", c.paths, got)
		}
	}
}
