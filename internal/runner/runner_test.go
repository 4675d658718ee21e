package runner

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestConsoleSocketRules(t *testing.T) {
	for _, c := range []struct {
		detach, terminal bool
		socket           string
		ok               bool
	}{
		{detach: false, terminal: false, ok: true},
		{detach: false, terminal: true, ok: true},
		{detach: true, terminal: false, ok: true},
		{detach: true, terminal: true, ok: false},
		{detach: true, terminal: true, socket: "s", ok: true},
		{detach: false, terminal: true, socket: "s", ok: false},
		{detach: true, terminal: false, socket: "s", ok: false},
		{detach: false, terminal: false, socket: "s", ok: false},
	} {
		err := (&Runner{Detach: c.detach, ConsoleSocket: c.socket}).checkTerminal(c.terminal)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestPidFileIsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pid")
	for _, pid := range []int{1, 4194304} {
		if err := writePidFile(path, pid); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "4194304" {
		t.Errorf("%q, %v", b, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := writePidFile(filepath.Join(dir, "nosuch", "pid"), 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}

func TestOurOwnFdsAreNotInherited(t *testing.T) {
	f, err := os.Open("/dev/null") // close-on-exec, as all that Go opens
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := inherited(int(f.Fd())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("close-on-exec: %v", err)
	}
	if err := inherited(0); err != nil {
		t.Errorf("stdin: %v", err)
	}
	if err := inherited(1 << 20); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("closed: %v", err)
	}
}
