package capabilities

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

func TestNew(t *testing.T) {
	const (
		kill  Mask = 1 << unix.CAP_KILL
		admin Mask = 1 << unix.CAP_SYS_ADMIN
		last  Mask = 1 << unix.CAP_CHECKPOINT_RESTORE
	)
	for _, tc := range []struct {
		name    string
		in      *configs.Capabilities
		want    Caps
		warning string
	}{
		{name: "nil drops all"},
		{name: "empty drops all", in: &configs.Capabilities{}},
		{
			name: "each set by itself",
			in: &configs.Capabilities{
				Bounding:    []string{"CAP_KILL", "CAP_SYS_ADMIN"},
				Effective:   []string{"CAP_KILL"},
				Permitted:   []string{"CAP_KILL", "CAP_CHECKPOINT_RESTORE"},
				Inheritable: []string{"CAP_KILL"},
				Ambient:     []string{"CAP_KILL"},
			},
			want: Caps{Bounding: kill | admin, Effective: kill, Permitted: kill | last, Inheritable: kill, Ambient: kill},
		},
		{
			name: "unknown names are left out, named once, in order",
			in: &configs.Capabilities{
				Bounding:  []string{"CAP_NOSUCH", "CAP_KILL", "CAP_ALSO_NOT"},
				Effective: []string{"CAP_NOSUCH"},
			},
			want:    Caps{Bounding: kill},
			warning: "ignoring unknown or unavailable capabilities: [CAP_ALSO_NOT CAP_NOSUCH]",
		},
		{
			name:    "names are exact",
			in:      &configs.Capabilities{Bounding: []string{"cap_kill", "KILL", ""}},
			warning: "ignoring unknown or unavailable capabilities: [ KILL cap_kill]",
		},
		{
			name: "ambient needs inheritable",
			in: &configs.Capabilities{
				Permitted: []string{"CAP_KILL"},
				Ambient:   []string{"CAP_KILL"},
			},
			want:    Caps{Permitted: kill},
			warning: "can't raise ambient capability CAP_KILL: operation not permitted",
		},
		{
			name: "ambient needs permitted",
			in: &configs.Capabilities{
				Inheritable: []string{"CAP_KILL"},
				Ambient:     []string{"CAP_KILL"},
			},
			want:    Caps{Inheritable: kill},
			warning: "can't raise ambient capability CAP_KILL: operation not permitted",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, warnings := New(tc.in)
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if warning := strings.Join(warnings, "; "); warning != tc.warning {
				t.Errorf("warned %q, want %q", warning, tc.warning)
			}
		})
	}
}

func TestNamesAreTheKernels(t *testing.T) {
	for name, n := range map[string]int{
		"CAP_CHOWN":              unix.CAP_CHOWN,
		"CAP_SETPCAP":            unix.CAP_SETPCAP,
		"CAP_SYS_ADMIN":          unix.CAP_SYS_ADMIN,
		"CAP_MKNOD":              unix.CAP_MKNOD,
		"CAP_SETFCAP":            unix.CAP_SETFCAP,
		"CAP_SYSLOG":             unix.CAP_SYSLOG,
		"CAP_AUDIT_READ":         unix.CAP_AUDIT_READ,
		"CAP_CHECKPOINT_RESTORE": unix.CAP_CHECKPOINT_RESTORE,
	} {
		if got, ok := number(name); !ok || got != n {
			t.Errorf("%s is %d, want %d", name, got, n)
		}
	}
	known := KnownCapabilities()
	if len(known) != lastNamed+1 || slices.Contains(known, "") {
		t.Errorf("KnownCapabilities: %q", known)
	}
	known[0] = "changed"
	if names[0] != "CAP_CHOWN" {
		t.Error("KnownCapabilities hands out the table itself")
	}
}

// onOwnThread runs f on a thread that ends with it, so that what f gives up is
// gone for nobody else.
func onOwnThread(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to have capabilities to drop")
	}
	t.Run("on a thread", func(t *testing.T) {
		runtime.LockOSThread()
		f(t)
	})
}

// threadSets reads the sets of the calling thread.
func threadSets(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":\t"); ok && strings.HasPrefix(name, "Cap") {
			sets[name] = strings.TrimSpace(value)
		}
	}
	return sets
}

func TestApply(t *testing.T) {
	kill := "0000000000000020"
	none := "0000000000000000"
	for _, tc := range []struct {
		name string
		in   *configs.Capabilities
		want map[string]string
	}{
		{"nothing", nil, map[string]string{"CapBnd": none, "CapEff": none, "CapPrm": none, "CapInh": none, "CapAmb": none}},
		{
			"inheritable stays empty unless asked for",
			&configs.Capabilities{Bounding: []string{"CAP_KILL"}, Effective: []string{"CAP_KILL"}, Permitted: []string{"CAP_KILL"}},
			map[string]string{"CapBnd": kill, "CapEff": kill, "CapPrm": kill, "CapInh": none, "CapAmb": none},
		},
		{
			"all five",
			&configs.Capabilities{
				Bounding: []string{"CAP_KILL"}, Effective: []string{"CAP_KILL"}, Permitted: []string{"CAP_KILL"},
				Inheritable: []string{"CAP_KILL"}, Ambient: []string{"CAP_KILL"},
			},
			map[string]string{"CapBnd": kill, "CapEff": kill, "CapPrm": kill, "CapInh": kill, "CapAmb": kill},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onOwnThread(t, func(t *testing.T) {
				caps, _ := New(tc.in)
				if err := caps.ApplyBounding(); err != nil {
					t.Fatal(err)
				}
				if err := caps.Apply(); err != nil {
					t.Fatal(err)
				}
				got := threadSets(t)
				for set, want := range tc.want {
					if got[set] != want {
						t.Errorf("%s is %s, want %s", set, got[set], want)
					}
				}
			})
		})
	}
}

func TestApplyBoundingWithoutTheRightFails(t *testing.T) {
	onOwnThread(t, func(t *testing.T) {
		if err := (Caps{}).Apply(); err != nil {
			t.Fatal(err)
		}
		if err := (Caps{}).ApplyBounding(); err == nil {
			t.Error("nothing was dropped, and no error")
		}
	})
}

func TestApplyBoundingNeedsNoRightWhenNothingIsLeft(t *testing.T) {
	onOwnThread(t, func(t *testing.T) {
		if err := (Caps{}).ApplyBounding(); err != nil {
			t.Fatal(err)
		}
		if err := (Caps{}).Apply(); err != nil {
			t.Fatal(err)
		}
		if err := (Caps{}).ApplyBounding(); err != nil {
			t.Error(err)
		}
	})
}

func TestKeepOnSetuid(t *testing.T) {
	onOwnThread(t, func(t *testing.T) {
		if err := KeepOnSetuid(true); err != nil {
			t.Fatal(err)
		}
		// The raw call: the library's would change all threads.
		if _, _, errno := unix.RawSyscall(unix.SYS_SETUID, 65534, 0, 0); errno != 0 {
			t.Fatal(errno)
		}
		want := Caps{Effective: 1 << unix.CAP_KILL, Permitted: 1 << unix.CAP_KILL}
		if err := want.Apply(); err != nil {
			t.Fatalf("permitted capabilities were lost: %v", err)
		}
		if got := threadSets(t)["CapEff"]; got != "0000000000000020" {
			t.Errorf("effective set %s", got)
		}
	})
}
