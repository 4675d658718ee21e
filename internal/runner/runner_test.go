package runner

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
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

func TestPreservedFDs(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	// Where no other test and no runtime has any.
	const first = 200
	for _, fd := range []int{first + 1, first + 4} {
		if err := unix.Dup3(fds[0], fd, 0); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
	}
	if err := unix.Dup3(fds[0], first+2, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first + 2)
	unix.Close(fds[0])
	unix.Close(fds[1])
	for n, want := range map[int][]bool{
		0: nil, -1: nil, 1: nil,
		2:  {false, true},
		4:  {false, true}, // 2 is this program's own, 3 is closed
		5:  {false, true, false, false, true},
		40: {false, true, false, false, true},
	} {
		files, err := preservedFDs(first, n)
		if err != nil {
			t.Fatal(err)
		}
		var got []bool
		for i, f := range files {
			got = append(got, f != nil)
			if f != nil && int(f.Fd()) != first+i {
				t.Errorf("of %d: file %d is fd %d", n, i, f.Fd())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %d: %v, want %v", n, got, want)
		}
	}
}
