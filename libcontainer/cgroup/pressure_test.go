package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWatchPressureWithoutCgroup(t *testing.T) {
	dir := t.TempDir()
	for name, paths := range map[string]map[string]string{
		"none":              nil,
		"v2, no controller": {"": dir},
		"v1":                {"devices": dir, "": dir},
		"v1, removed":       {"memory": filepath.Join(dir, "removed")},
	} {
		if w, err := WatchPressure(paths, LowPressure); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v", name, w, err)
		}
	}
	if _, err := WatchPressure(nil, CriticalPressure+1); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Error("a level that there is not:", err)
	}
}

// The kernel takes the triggers, and reports the removal of the cgroup.
func TestPressureTriggers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a cgroup")
	}
	dir := ""
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var st unix.Statfs_t
		if unix.Statfs(root, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			dir = filepath.Join(root, fmt.Sprintf("runc-test-pressure-%d", os.Getpid()))
		}
	}
	if dir == "" {
		t.Skip("cgroup v2 is not mounted")
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip("no cgroup can be made:", err)
	}
	defer os.Remove(dir)
	if f, err := os.Open(filepath.Join(dir, "memory.pressure")); err != nil {
		t.Skip("the kernel has no PSI:", err)
	} else {
		f.Close()
	}
	var watches []*Watch
	for level := LowPressure; level <= CriticalPressure; level++ {
		w, err := WatchPressure(map[string]string{"": dir}, level)
		if err != nil {
			t.Fatalf("level %d: %v", level, err)
		}
		defer w.Close()
		watches = append(watches, w)
		p := []unix.PollFd{w.Poll()}
		if err := poll(p, time.Now()); err != nil || p[0].Revents != 0 {
			t.Errorf("level %d: %#x, %v without any process", level, p[0].Revents, err)
		}
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for level, w := range watches {
		p := []unix.PollFd{w.Poll()}
		if err := poll(p, time.Now().Add(10*time.Second)); err != nil || p[0].Revents == 0 {
			t.Errorf("level %d: the removal was not reported: %v", level, err)
		}
		if n, err := w.Count(p[0].Revents); n != 0 || err != nil || w.Poll().Fd >= 0 {
			t.Errorf("level %d: %d events after the removal, %v", level, n, err)
		}
	}
}
