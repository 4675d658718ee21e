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

// A folder that looks like a v2 cgroup; the kernel's own inotify is at work.
func TestWatchOOMv2(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "memory.events")
	write := func(maximum, kills int) {
		t.Helper()
		text := fmt.Sprintf("low 0\nhigh 0\nmax %d\noom %d\noom_kill %d\noom_group_kill 0\n", maximum, kills, kills)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Those before the watch are not told.
	write(0, 3)
	w, err := WatchOOM(map[string]string{"": dir})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	expect := func(want uint64) {
		t.Helper()
		if n, err := w.Count(0); n != want || err != nil {
			t.Errorf("%d events, %v; want %d", n, err, want)
		}
	}
	expect(0)
	write(5, 3)
	if err := poll([]unix.PollFd{w.Poll()}, time.Now()); err != nil {
		t.Fatal(err)
	}
	expect(0) // only the limit was reached
	write(5, 5)
	p := []unix.PollFd{w.Poll()}
	if err := poll(p, time.Now().Add(time.Second)); err != nil || p[0].Revents == 0 {
		t.Fatalf("the watch did not wake up: %v", err)
	}
	expect(2)
	expect(0)
}

func TestWatchOOMWithoutController(t *testing.T) {
	dir := t.TempDir()
	for name, paths := range map[string]map[string]string{
		"v2":                nil,
		"v2, no controller": {"": dir},
		"v1":                {"devices": dir, "": dir},
		"v1, removed":       {"memory": filepath.Join(dir, "gone")},
	} {
		if w, err := WatchOOM(paths); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v", name, w, err)
		}
	}
}

func TestPidsWithoutCgroup(t *testing.T) {
	for name, paths := range map[string]map[string]string{
		"none":    nil,
		"hybrid":  {"": "/nonexistent", "name=systemd": "/nonexistent"},
		"removed": {"": "/nonexistent"},
	} {
		if _, err := Pids(paths); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
