package sysctl

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPath(t *testing.T) {
	for name, want := range map[string]string{
		"kernel.domainname":                 "kernel/domainname",
		"kernel/domainname":                 "kernel/domainname",
		"net.ipv4.conf.eth0/100.forwarding": "net/ipv4/conf/eth0.100/forwarding",
		"net/ipv4/conf/eth0.100/forwarding": "net/ipv4/conf/eth0.100/forwarding",
		"net/ipv4/conf/all.forwarding":      "net/ipv4/conf/all.forwarding",
		"fs.mqueue.queues_max":              "fs/mqueue/queues_max",
		"word":                              "word",
	} {
		got, err := Path(name)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", ".", "..", "/", "net..ipv4", "net/../kernel/x", "../x", "/net/x", "net/", "net.", "a\x00b", "net/./x"} {
		if got, err := Path(name); err == nil {
			t.Errorf("%q was taken as %q", name, got)
		}
	}
}

// inOwnUTS runs f on a thread with its own UTS and IPC namespace, which ends
// with f.
func inOwnUTS(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Run("in own namespaces", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("needs root, to make namespaces")
		}
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWUTS | unix.CLONE_NEWIPC); err != nil {
			t.Skipf("needs UTS and IPC namespaces: %v", err)
		}
		f(t)
	})
}

func TestApply(t *testing.T) {
	inOwnUTS(t, func(t *testing.T) {
		if err := Apply(map[string]string{"kernel.domainname": "example.test", "kernel/msgmax": "4321"}); err != nil {
			t.Fatal(err)
		}
		var uts unix.Utsname
		if err := unix.Uname(&uts); err != nil {
			t.Fatal(err)
		}
		if got := unix.ByteSliceToString(uts.Domainname[:]); got != "example.test" {
			t.Errorf("domain name is %q", got)
		}
		b, err := os.ReadFile("/proc/sys/kernel/msgmax")
		if err != nil || strings.TrimSpace(string(b)) != "4321" {
			t.Errorf("msgmax is %q, %v", b, err)
		}
	})
}

func TestApplyErrors(t *testing.T) {
	inOwnUTS(t, func(t *testing.T) {
		for _, tc := range []struct {
			name, value, prefix string
			err                 error
		}{
			{"net.ipv4.nosuch", "1", "open sysctl net.ipv4.nosuch file: ", unix.ENOENT},
			{"kernel.msgmax", "many", "write sysctl kernel.msgmax: ", unix.EINVAL},
			{"kernel/../x", "1", `sysctl "kernel/../x" is not a valid name`, nil},
		} {
			err := Apply(map[string]string{tc.name: tc.value})
			if err == nil || !strings.HasPrefix(err.Error(), tc.prefix) || tc.err != nil && !errors.Is(err, tc.err) {
				t.Errorf("%s: got %v, want %s...", tc.name, err, tc.prefix)
			}
		}
	})
}

func TestApplyOfNothingDoesNothing(t *testing.T) {
	if err := Apply(nil); err != nil {
		t.Fatal(err)
	}
}
