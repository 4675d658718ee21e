package keys

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParsePermissions(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want uint32
		ok   bool
	}{
		{"keyring;0;0;3f1b0000;_ses.a", 0x3f1b0000, true},
		{"keyring;0;0;3f1b0000;odd;name", 0x3f1b0000, true},
		{"keyring;-1;-1;00000000;", 0, true},
		{"keyring;0;0;3f1b0000", 0, false},
		{"keyring;0;0;rights;x", 0, false},
		{"", 0, false},
	} {
		got, err := parsePermissions([]byte(tc.in))
		if (err == nil) != tc.ok || got != tc.want {
			t.Errorf("%q: got %#x, %v", tc.in, got, err)
		}
	}
}

// onOwnThread runs f on a thread that ends with it, and its session keyring
// with the thread.
func onOwnThread(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Run("on a thread", func(t *testing.T) {
		runtime.LockOSThread()
		if _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true); errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
			t.Skipf("needs keyrings: %v", err)
		}
		f(t)
	})
}

func session(t *testing.T) int {
	t.Helper()
	id, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestJoinSessionTwiceGivesTheSameKeyring(t *testing.T) {
	name := SessionName(strings.ReplaceAll(t.Name(), "/", ".") + t.TempDir()[len(os.TempDir()):])
	onOwnThread(t, func(t *testing.T) {
		before := session(t)
		if err := JoinSession(name, "", ShareUser); err != nil {
			t.Fatal(err)
		}
		first := session(t)
		if first == before {
			t.Fatal("still in the old session keyring")
		}
		perm, err := permissions(first)
		if err != nil {
			t.Fatal(err)
		}
		if perm&uint32(ShareOther) != uint32(ShareUser) {
			t.Errorf("permissions %#x", perm)
		}
		// As exec does, from a process that does not possess the keyring.
		done := make(chan int)
		go func() {
			runtime.LockOSThread()
			if err := JoinSession("_ses.other"+name, "", ShareNone); err != nil {
				t.Error(err)
			}
			if err := JoinSession(name, "", ShareNone); err != nil {
				t.Error(err)
			}
			id, _ := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
			done <- id
		}()
		if second := <-done; second != first {
			t.Errorf("joined keyring %d, want %d", second, first)
		}
	})
}

func TestJoinSessionSharesWithOthersInAUserNamespace(t *testing.T) {
	name := SessionName(t.Name() + t.TempDir()[len(os.TempDir()):])
	onOwnThread(t, func(t *testing.T) {
		if err := JoinSession(name, "", ShareOther); err != nil {
			t.Fatal(err)
		}
		perm, err := permissions(session(t))
		if err != nil {
			t.Fatal(err)
		}
		if perm&uint32(ShareOther) != uint32(ShareOther) {
			t.Errorf("permissions %#x", perm)
		}
	})
}
