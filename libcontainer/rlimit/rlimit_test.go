package rlimit

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

func TestNumber(t *testing.T) {
	for name, want := range map[string]int{
		"RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3,
		"RLIMIT_CORE": 4, "RLIMIT_RSS": 5, "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7,
		"RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10, "RLIMIT_SIGPENDING": 11,
		"RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15,
	} {
		if got, err := Number(name); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, want)
		}
	}
	for _, name := range []string{"", "RLIMIT_NOSUCH", "NOFILE", "rlimit_nofile"} {
		_, err := Number(name)
		if err == nil || err.Error() != "wrong rlimit value: "+name {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestSet(t *testing.T) {
	child := exec.Command("sleep", "100")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	if err := Set(child.Process.Pid, configs.Rlimit{Type: unix.RLIMIT_NOFILE, Soft: 33, Hard: 44}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(child.Process.Pid) + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); strings.HasPrefix(line, "Max open files") && (f[3] != "33" || f[4] != "44") {
			t.Errorf("got %q", line)
		}
	}
	err = Set(child.Process.Pid, configs.Rlimit{Type: unix.RLIMIT_NOFILE, Soft: 20, Hard: 10})
	if !errors.Is(err, unix.EINVAL) || !strings.HasPrefix(err.Error(), "error setting rlimit type 7: invalid argument") {
		t.Errorf("soft above hard: got %v", err)
	}
}

// The test's own binary is the Go program whose limit was raised at its start.
func TestRestoreNofile(t *testing.T) {
	if os.Getenv("RLIMIT_TEST_CHILD") != "" {
		var before, after unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Fatal(err)
		}
		if before.Cur <= 100 {
			t.Skip("this Go does not raise the limit")
		}
		for range 2 {
			if err := RestoreNofile(); err != nil {
				t.Fatal(err)
			}
			if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &after); err != nil {
				t.Fatal(err)
			}
			if after.Cur != 100 || after.Max != 200 {
				t.Errorf("limit is %d of %d, want 100 of 200", after.Cur, after.Max)
			}
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sh", "-c", `ulimit -Sn 100; ulimit -Hn 200; exec "$0" -test.run '^TestRestoreNofile$'`, self)
	child.Env = append(os.Environ(), "RLIMIT_TEST_CHILD=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
