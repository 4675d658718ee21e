package capabilities

import (
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
