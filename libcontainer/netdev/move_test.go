package netdev

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// inNewNetNS runs f on a thread in a network namespace of its own, with a
// second, empty one as the place to move to. Nothing of the host's is touched:
// both go with the thread.
func inNewNetNS(t *testing.T, f func(t *testing.T, there string)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	t.Run("in own namespaces", func(t *testing.T) {
		// The thread is never unlocked, so it ends with the test's goroutine.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Skipf("needs network namespaces: %v", err)
		}
		there, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { there.Close() })
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Fatal(err)
		}
		f(t, fmt.Sprintf("/proc/self/fd/%d", there.Fd()))
	})
}

// ip runs ip(8) in the test's namespace: a child made by fork inherits the
// namespaces of the thread that forks, which is this one.
func ip(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip(8)")
	}
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "Unknown device type") {
			t.Skipf("kernel without %v", args)
		}
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
	return string(out)
}

// ipThere is ip, elsewhere.
func ipThere(t *testing.T, ns string, args ...string) string {
	t.Helper()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	there, err := os.Open(ns)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Fatal(err)
		}
	}()
	return ip(t, args...)
}

func addVeth(t *testing.T, name string) {
	t.Helper()
	ip(t, "link", "add", name, "mtu", "1400", "address", "02:00:00:00:00:07", "type", "veth", "peer", "name", name+"p")
	ip(t, "addr", "add", "192.0.2.1/24", "brd", "+", "dev", name)
	ip(t, "addr", "add", "192.0.2.2/24", "dev", name)
	ip(t, "addr", "add", "198.51.100.3/24", "scope", "link", "dev", name)
	ip(t, "addr", "add", "2001:db8::1/64", "nodad", "dev", name)
	ip(t, "link", "set", name, "up")
}

func mustHold(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in:\n%s", w, text)
		}
	}
}

func TestMoveKeepsWhatADeviceHas(t *testing.T) {
	inNewNetNS(t, func(t *testing.T, there string) {
		addVeth(t, "dev0")
		_, err := Move(map[string]*configs.LinuxNetDevice{"dev0": {Name: "inside"}}, there)
		if err != nil {
			t.Fatal(err)
		}
		out := ipThere(t, there, "addr", "show", "dev", "inside")
		mustHold(t, out, "mtu 1400", "02:00:00:00:00:07", "192.0.2.1/24 brd 192.0.2.255 scope global",
			"192.0.2.2/24 scope global secondary", "2001:db8::1/64 scope global", ",UP")
		if strings.Contains(out, "198.51.100.3") {
			t.Errorf("an address of link scope was kept:\n%s", out)
		}
		if out := ip(t, "-o", "link"); strings.Contains(out, " dev0@") {
			t.Errorf("dev0 is still here:\n%s", out)
		}
	})
}

func TestMoveKeepsTheNameUnlessToldOtherwise(t *testing.T) {
	inNewNetNS(t, func(t *testing.T, there string) {
		addVeth(t, "dev0")
		addVeth(t, "dev1")
		if _, err := Move(map[string]*configs.LinuxNetDevice{"dev0": nil, "dev1": {}}, there); err != nil {
			t.Fatal(err)
		}
		mustHold(t, ipThere(t, there, "-o", "link"), " dev0@", " dev1@")
	})
}

func TestMoveNumbersTemplates(t *testing.T) {
	inNewNetNS(t, func(t *testing.T, there string) {
		ipThere(t, there, "link", "add", "net0", "type", "veth", "peer", "name", "net2")
		addVeth(t, "dev0")
		addVeth(t, "dev1")
		if _, err := Move(map[string]*configs.LinuxNetDevice{"dev0": {Name: "net%d"}, "dev1": {Name: "net%d"}}, there); err != nil {
			t.Fatal(err)
		}
		mustHold(t, ipThere(t, there, "-o", "link"), " net1@", " net3@")
	})
}

func TestMoveSwapsNamesWithTheOtherSide(t *testing.T) {
	inNewNetNS(t, func(t *testing.T, there string) {
		// The old name is taken there, the new one is not.
		ipThere(t, there, "link", "add", "dev0", "type", "veth", "peer", "name", "x")
		addVeth(t, "dev0")
		if _, err := Move(map[string]*configs.LinuxNetDevice{"dev0": {Name: "dev9"}}, there); err != nil {
			t.Fatal(err)
		}
		mustHold(t, ipThere(t, there, "addr", "show", "dev", "dev9"), "192.0.2.1/24")
	})
}

func TestMoveOfAMissingDeviceSaysSo(t *testing.T) {
	inNewNetNS(t, func(t *testing.T, there string) {
		_, err := Move(map[string]*configs.LinuxNetDevice{"nosuch0": {}}, there)
		want := "move netDevice nosuch0 to namespace " + there + ": link not found for interface nosuch0 on runtime namespace: "
		if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, unix.ENODEV) {
			t.Fatalf("got %v, want %s...", err, want)
		}
	})
}

func TestMovePutsDevicesBackWhenALaterOneFails(t *testing.T) {
	inNewNetNS(t, func(t *testing.T, there string) {
		ipThere(t, there, "link", "add", "taken", "type", "veth", "peer", "name", "x")
		addVeth(t, "dev0")
		addVeth(t, "dev1")
		before := ip(t, "-o", "addr", "show", "dev", "dev0", "scope", "global")
		_, err := Move(map[string]*configs.LinuxNetDevice{"dev0": {Name: "inside"}, "dev1": {Name: "taken"}}, there)
		if !errors.Is(err, unix.EEXIST) {
			t.Fatalf("got %v, want a name conflict", err)
		}
		after := ip(t, "-o", "addr", "show", "dev", "dev0", "scope", "global")
		if withoutIndex(before) != withoutIndex(after) {
			t.Errorf("was:\n%s\nis:\n%s", before, after)
		}
		mustHold(t, ip(t, "link", "show", "dev", "dev0"), ",UP")
		mustHold(t, ip(t, "link", "show", "dev", "dev1"), ",UP")
	})
}

func TestBackUndoesAMove(t *testing.T) {
	inNewNetNS(t, func(t *testing.T, there string) {
		addVeth(t, "dev0")
		ip(t, "link", "set", "dev0", "down")
		back, err := Move(map[string]*configs.LinuxNetDevice{"dev0": {Name: "inside"}}, there)
		if err != nil {
			t.Fatal(err)
		}
		if err := back(); err != nil {
			t.Fatal(err)
		}
		out := ip(t, "addr", "show", "dev", "dev0")
		mustHold(t, out, "192.0.2.1/24")
		if strings.Contains(out, ",UP") {
			t.Errorf("dev0 was down, and came back up:\n%s", out)
		}
	})
}

// withoutIndex drops the interface numbers, which a move may change.
func withoutIndex(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		_, rest, _ := strings.Cut(line, ":")
		b.WriteString(strings.Join(strings.Fields(rest), " ") + "\n")
	}
	return b.String()
}

func TestLoUp(t *testing.T) {
	inNewNetNS(t, func(t *testing.T, _ string) {
		if out := ip(t, "link", "show", "lo"); strings.Contains(out, ",UP") {
			t.Fatalf("lo is up in a new namespace:\n%s", out)
		}
		if err := LoUp(); err != nil {
			t.Fatal(err)
		}
		mustHold(t, ip(t, "addr", "show", "lo"), "LOOPBACK,UP", "127.0.0.1/8")
	})
}
