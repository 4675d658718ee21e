package libcontainer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"runc/libcontainer/configs"
	"runc/libcontainer/internal/statejson"
	"runc/libcontainer/system"
)

// stateText is a state file that names this process as init.
func stateText(t *testing.T, id string) []byte {
	t.Helper()
	st, err := system.ProcStat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	s := State{
		ID: id, InitProcessPid: os.Getpid(), InitProcessStartTime: st.StartTime,
		CgroupPaths: map[string]string{"": "/sys/fs/cgroup/x/" + id},
		Config:      configs.Config{Rootfs: "/r", Labels: []string{"bundle=/b"}},
	}
	return statejson.Append(nil, &s)
}

// A state file that is cut off anywhere, or has a wrong byte, is broken or says
// what it said; nothing crashes.
func TestBrokenStateFiles(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "c")
	if err := os.Mkdir(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	text := stateText(t, "c")
	load := func(b []byte) error {
		if err := os.WriteFile(filepath.Join(dir, stateFilename), b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(root, "c")
		salvage(b, "c")
		return err
	}
	if err := load(text); err != nil {
		t.Fatal(err)
	}
	for n := range len(text) - 1 {
		if err := load(text[:n]); !errors.Is(err, ErrBroken) {
			t.Fatalf("cut off at %d: %v", n, err)
		}
	}
	for range 2000 {
		b := slices.Clone(text)
		b[rand.IntN(len(b))] = byte(rand.Uint32())
		if err := load(b); err != nil && !errors.Is(err, ErrBroken) {
			t.Fatalf("%q: %v", b, err)
		}
	}
	if err := load(stateText(t, "d")); !errors.Is(err, ErrBroken) {
		t.Errorf("another container's: %v", err)
	}
}

func TestSalvage(t *testing.T) {
	text := stateText(t, "c")
	if s := salvage(text, "c"); s.initPid != os.Getpid() || !slices.Equal(s.cgroupPaths, []string{"/sys/fs/cgroup/x/c"}) {
		t.Errorf("got %+v", s)
	}
	for what, b := range map[string][]byte{
		"another's":            stateText(t, "d"),
		"nothing":              nil,
		"no start time":        fmt.Appendf(nil, `{"id":"c","init_process_pid":%d,"x":1`, os.Getpid()),
		"another start time":   fmt.Appendf(nil, `{"id":"c","init_process_pid":%d,"init_process_start":1,`, os.Getpid()),
		"a number cut off":     fmt.Appendf(nil, `{"id":"c","init_process_pid":1,"init_process_start":1`),
		"a number that is big": []byte(`{"id":"c","init_process_pid":9999999999,"init_process_start":99999999999999999999,`),
	} {
		if s := salvage(b, "c"); s.initPid != 0 || len(s.cgroupPaths) != 0 {
			t.Errorf("%s: %+v", what, s)
		}
	}
}
