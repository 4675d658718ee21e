package specconv

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// The whole of what each option means, in words.
func meaning(m *configs.Mount) string {
	s := fmt.Sprintf("set %#x clear %#x", m.Flags, m.ClearedFlags)
	for _, p := range m.PropagationFlags {
		s += fmt.Sprintf(" propagation %#x", p)
	}
	if m.RecAttr != nil {
		s += fmt.Sprintf(" recursive set %#x clear %#x", m.RecAttr.Attr_set, m.RecAttr.Attr_clr)
	}
	if m.IDMapping != nil {
		s += fmt.Sprintf(" idmap %v", m.IDMapping.Recursive)
	}
	if m.Extensions != 0 {
		s += fmt.Sprintf(" ext %d", m.Extensions)
	}
	if m.Relabel != "" {
		s += " relabel " + m.Relabel
	}
	if m.Data != "" {
		s += " data " + m.Data
	}
	return s
}

// Numbers here are those of include/uapi/linux/mount.h, spelt out so that a
// slip in the table cannot repeat itself in the test.
var optionMeanings = map[string]string{
	"async":         "set 0x0 clear 0x10",
	"atime":         "set 0x0 clear 0x400",
	"bind":          "set 0x1000 clear 0x0",
	"defaults":      "set 0x0 clear 0x0",
	"dev":           "set 0x0 clear 0x4",
	"diratime":      "set 0x0 clear 0x800",
	"dirsync":       "set 0x80 clear 0x0",
	"exec":          "set 0x0 clear 0x8",
	"idmap":         "set 0x0 clear 0x0 idmap false",
	"iversion":      "set 0x800000 clear 0x0",
	"lazytime":      "set 0x2000000 clear 0x0",
	"loud":          "set 0x0 clear 0x8000",
	"mand":          "set 0x40 clear 0x0",
	"noatime":       "set 0x400 clear 0x0",
	"nodev":         "set 0x4 clear 0x0",
	"nodiratime":    "set 0x800 clear 0x0",
	"noexec":        "set 0x8 clear 0x0",
	"noiversion":    "set 0x0 clear 0x800000",
	"nolazytime":    "set 0x0 clear 0x2000000",
	"nomand":        "set 0x0 clear 0x40",
	"norelatime":    "set 0x0 clear 0x200000",
	"nostrictatime": "set 0x0 clear 0x1000000",
	"nosuid":        "set 0x2 clear 0x0",
	"nosymfollow":   "set 0x100 clear 0x0",
	"rbind":         "set 0x5000 clear 0x0",
	"relatime":      "set 0x200000 clear 0x0",
	"remount":       "set 0x20 clear 0x0",
	"ridmap":        "set 0x0 clear 0x0 idmap true",
	"ro":            "set 0x1 clear 0x0",
	"rw":            "set 0x0 clear 0x1",
	"silent":        "set 0x8000 clear 0x0",
	"strictatime":   "set 0x1000000 clear 0x0",
	"suid":          "set 0x0 clear 0x2",
	"symfollow":     "set 0x0 clear 0x100",
	"sync":          "set 0x10 clear 0x0",
	"tmpcopyup":     "set 0x0 clear 0x0 ext 1",

	"shared":      "set 0x0 clear 0x0 propagation 0x100000",
	"slave":       "set 0x0 clear 0x0 propagation 0x80000",
	"private":     "set 0x0 clear 0x0 propagation 0x40000",
	"unbindable":  "set 0x0 clear 0x0 propagation 0x20000",
	"rshared":     "set 0x0 clear 0x0 propagation 0x104000",
	"rslave":      "set 0x0 clear 0x0 propagation 0x84000",
	"rprivate":    "set 0x0 clear 0x0 propagation 0x44000",
	"runbindable": "set 0x0 clear 0x0 propagation 0x24000",

	"rro":            "set 0x0 clear 0x0 recursive set 0x1 clear 0x0",
	"rrw":            "set 0x0 clear 0x0 recursive set 0x0 clear 0x1",
	"rnosuid":        "set 0x0 clear 0x0 recursive set 0x2 clear 0x0",
	"rsuid":          "set 0x0 clear 0x0 recursive set 0x0 clear 0x2",
	"rnodev":         "set 0x0 clear 0x0 recursive set 0x4 clear 0x0",
	"rdev":           "set 0x0 clear 0x0 recursive set 0x0 clear 0x4",
	"rnoexec":        "set 0x0 clear 0x0 recursive set 0x8 clear 0x0",
	"rexec":          "set 0x0 clear 0x0 recursive set 0x0 clear 0x8",
	"rnodiratime":    "set 0x0 clear 0x0 recursive set 0x80 clear 0x0",
	"rdiratime":      "set 0x0 clear 0x0 recursive set 0x0 clear 0x80",
	"rrelatime":      "set 0x0 clear 0x0 recursive set 0x0 clear 0x70",
	"rnorelatime":    "set 0x0 clear 0x0 recursive set 0x0 clear 0x70",
	"rnoatime":       "set 0x0 clear 0x0 recursive set 0x10 clear 0x70",
	"ratime":         "set 0x0 clear 0x0 recursive set 0x0 clear 0x70",
	"rstrictatime":   "set 0x0 clear 0x0 recursive set 0x20 clear 0x70",
	"rnostrictatime": "set 0x0 clear 0x0 recursive set 0x0 clear 0x70",
	"rnosymfollow":   "set 0x0 clear 0x0 recursive set 0x200000 clear 0x0",
	"rsymfollow":     "set 0x0 clear 0x0 recursive set 0x0 clear 0x200000",
}

func TestEachMountOption(t *testing.T) {
	for name, want := range optionMeanings {
		if got := meaning(parseOptions([]string{name})); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, o := range mountOptions {
		if _, ok := optionMeanings[o.name]; !ok {
			t.Errorf("%s is not tested", o.name)
		}
	}
	if !slices.IsSortedFunc(mountOptions[:], func(a, b mountOption) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the table is not sorted: the search would miss options")
	}
}

func TestMountOptionsTogether(t *testing.T) {
	for _, tc := range []struct{ options, want string }{
		{"", "set 0x0 clear 0x0"},
		{"ro rw", "set 0x0 clear 0x1"},
		{"rw ro", "set 0x1 clear 0x0"},
		{"rbind rslave private ro", "set 0x5001 clear 0x0 propagation 0x84000 propagation 0x40000"},
		{"mode=755 nosuid size=1k", "set 0x2 clear 0x0 data mode=755,size=1k"},
		{"rro rrw", "set 0x0 clear 0x0 recursive set 0x0 clear 0x1"},
		{"rrw rro rnoexec", "set 0x0 clear 0x0 recursive set 0x9 clear 0x0"},
		{"rnoatime rstrictatime", "set 0x0 clear 0x0 recursive set 0x20 clear 0x70"},
		{"rnoatime rrelatime", "set 0x0 clear 0x0 recursive set 0x0 clear 0x70"},
		{"bind Z", "set 0x1000 clear 0x0 relabel Z"},
		{"bind z rnodev ridmap", "set 0x1000 clear 0x0 recursive set 0x4 clear 0x0 idmap true relabel z"},
		{"RO", "set 0x0 clear 0x0 data RO"},
	} {
		if got := meaning(parseOptions(strings.Fields(tc.options))); got != tc.want {
			t.Errorf("%q: got %s, want %s", tc.options, got, tc.want)
		}
	}
}

func TestMounts(t *testing.T) {
	ids := []specs.LinuxIDMapping{{ContainerID: 1, HostID: 2, Size: 3}}
	ours := []configs.IDMap{{ContainerID: 1, HostID: 2, Size: 3}}
	for _, tc := range []struct {
		name string
		in   specs.Mount
		want configs.Mount
	}{
		{"file system", specs.Mount{Destination: "/t", Type: "tmpfs", Source: "name"},
			configs.Mount{Destination: "/t", Device: "tmpfs", Source: "name"}},
		{"bind by option", specs.Mount{Destination: "/t", Type: "none", Source: "/s", Options: []string{"rbind"}},
			configs.Mount{Destination: "/t", Device: "bind", Source: "/s", Flags: unix.MS_BIND | unix.MS_REC}},
		{"bind by type", specs.Mount{Destination: "/t", Type: "bind", Source: "/s"},
			configs.Mount{Destination: "/t", Device: "bind", Source: "/s", Flags: unix.MS_BIND}},
		{"source within the bundle", specs.Mount{Destination: "/t", Source: "a/../s", Options: []string{"bind"}},
			configs.Mount{Destination: "/t", Device: "bind", Source: "/b/s", Flags: unix.MS_BIND}},
		{"maps of its own", specs.Mount{Destination: "/t", Type: "bind", Source: "/s", Options: []string{"ridmap"}, UIDMappings: ids, GIDMappings: ids},
			configs.Mount{Destination: "/t", Device: "bind", Source: "/s", Flags: unix.MS_BIND, IDMapping: &configs.MountIDMapping{Recursive: true, UIDMappings: ours, GIDMappings: ours}}},
		{"maps without the option", specs.Mount{Destination: "/t", Type: "bind", Source: "/s", UIDMappings: ids, GIDMappings: ids},
			configs.Mount{Destination: "/t", Device: "bind", Source: "/s", Flags: unix.MS_BIND, IDMapping: &configs.MountIDMapping{UIDMappings: ours, GIDMappings: ours}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := toMount("/b", 0, tc.in)
			if err != nil || !reflect.DeepEqual(*got, tc.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
}
