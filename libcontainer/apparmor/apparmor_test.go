package apparmor

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNoProfileDoesNothing(t *testing.T) {
	if err := ApplyProfile(""); err != nil {
		t.Fatal(err)
	}
}

func TestProfileThatIsNotLoaded(t *testing.T) {
	t.Run("on a thread", func(t *testing.T) {
		// What was set on exec would stay with the thread, so it ends here.
		runtime.LockOSThread()
		err := ApplyProfile("runtime-test-nosuch")
		if err == nil || !strings.HasPrefix(err.Error(), "apparmor failed to apply profile: ") {
			t.Fatalf("got %v", err)
		}
		// Without AppArmor the kernel knows no such attribute; with it, none
		// of that name.
		want := unix.EINVAL
		if IsEnabled() {
			want = unix.ENOENT
		}
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	})
}

func TestNamesThatWouldSayMore(t *testing.T) {
	for _, name := range []string{"a\x00b", "a\nb"} {
		if err := ApplyProfile(name); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
