package system

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRefusedNamesTheCallAndItsKernel(t *testing.T) {
	err := Refused(unix.SYS_OPENAT2, fmt.Errorf("open x: %w", unix.ENOSYS))
	if !IsRefused(err) || !errors.Is(err, unix.ENOSYS) {
		t.Fatal(err)
	}
	for _, word := range []string{"open x", "openat2", "Linux 5.6", "seccomp profile"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %v", word, err)
		}
	}
	if again := Refused(unix.SYS_OPENAT2, fmt.Errorf("more: %w", err)); strings.Count(again.Error(), "Linux") != 1 {
		t.Error(again)
	}
}

func TestRefusedLeavesOtherErrorsAlone(t *testing.T) {
	for _, err := range []error{nil, unix.ENOENT, unix.EACCES} {
		if got := Refused(unix.SYS_OPENAT2, err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
	if err := Refused(unix.SYS_GETPID, unix.ENOSYS); err != unix.ENOSYS {
		t.Error(err)
	}
}

// A probe must have another answer than EPERM where the call is allowed.
func TestProbesDoNothing(t *testing.T) {
	before, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for i := range newCalls {
		c := &newCalls[i]
		if os.Geteuid() != 0 && (c.name == "fsopen" || c.name == "fsmount" || c.name == "move_mount") {
			continue
		}
		if c.refused() {
			t.Errorf("%s is refused here", c.name)
		}
	}
	after, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != len(after) {
		t.Errorf("%d open files before, %d after", len(before), len(after))
	}
}
