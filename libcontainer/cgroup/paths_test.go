package cgroup

import (
	"reflect"
	"testing"

	"github.com/opencontainers/cgroups"
	devices "github.com/opencontainers/cgroups/devices/config"

	"runc/libcontainer/internal/mountinfo"
)

const testMounts = `24 1 0:1 / / rw - ext4 /dev/vda rw
30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
31 24 0:27 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices
32 24 0:28 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 24 0:27 / /mnt/second rw - cgroup cgroup rw,devices
34 24 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
35 24 0:30 / /sys/fs/cgroup/with\040space rw - cgroup cgroup rw,pids
`

const testOwn = "5:cpu,cpuacct:/user\n4:devices:/\n3:memory:/docker/x/sub\n2:name=systemd:/u\n1:pids:/p\n0::/u\n"

func TestDecideV1(t *testing.T) {
	for _, tt := range []struct {
		name, inner string
		hybrid      bool
		want        map[string]string
	}{
		{"below the mounts", "/a/b", false, map[string]string{
			"cpu": "/sys/fs/cgroup/cpu,cpuacct/a/b", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct/a/b",
			"devices": "/sys/fs/cgroup/devices/a/b", "memory": "/sys/fs/cgroup/memory/a/b",
			"name=systemd": "/sys/fs/cgroup/systemd/a/b", "pids": "/sys/fs/cgroup/with space/a/b",
		}},
		{"below the own cgroup", "a", true, map[string]string{
			"cpu": "/sys/fs/cgroup/cpu,cpuacct/user/a", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct/user/a",
			"devices": "/sys/fs/cgroup/devices/a", "memory": "/sys/fs/cgroup/memory/sub/a",
			"name=systemd": "/sys/fs/cgroup/systemd/u/a", "pids": "/sys/fs/cgroup/with space/p/a",
			"": "/sys/fs/cgroup/unified/u/a",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := decideV1(tt.inner, mountinfo.Parse(testMounts), testOwn, tt.hybrid); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestInnerPathCannotLeave(t *testing.T) {
	for _, tt := range []struct {
		config cgroups.Cgroup
		want   string
	}{
		{cgroups.Cgroup{Name: "id"}, "id"},
		{cgroups.Cgroup{Name: "../../id"}, "id"},
		{cgroups.Cgroup{Parent: "/p", Name: "id"}, "p/id"},
		{cgroups.Cgroup{Path: "/a/../../b"}, "/b"},
		{cgroups.Cgroup{Path: "../../b/./c"}, "b/c"},
	} {
		if got, err := innerPath(&tt.config); err != nil || got != tt.want {
			t.Errorf("%+v: got %q, %v, want %q", tt.config, got, err, tt.want)
		}
	}
	if _, err := innerPath(&cgroups.Cgroup{Path: "/a", Name: "b"}); err == nil {
		t.Error("a path and a name together are accepted")
	}
}

func TestSubgroupStaysBelow(t *testing.T) {
	for name, want := range map[string]string{"": "/c/x", "/sub": "/c/x/sub", "a/../b": "/c/x/b", "..": "!", "../xy": "!"} {
		got, err := subgroup("/c/x", name)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestOnlyAllows(t *testing.T) {
	deny := &devices.Rule{Type: devices.WildcardDevice, Major: -1, Minor: -1, Permissions: "rwm"}
	null := &devices.Rule{Type: devices.CharDevice, Major: 1, Minor: 3, Permissions: "rwm", Allow: true}
	all := &devices.Rule{Type: devices.WildcardDevice, Major: -1, Minor: -1, Permissions: "rwm", Allow: true}
	denyNull := &devices.Rule{Type: devices.CharDevice, Major: 1, Minor: 3, Permissions: "w"}
	for _, tt := range []struct {
		name  string
		rules []*devices.Rule
		want  bool
	}{
		{"deny all, allow some", []*devices.Rule{deny, null}, true},
		{"no rules", nil, false},
		{"nothing denied first", []*devices.Rule{null}, false},
		{"all allowed after", []*devices.Rule{deny, all}, false},
		{"a part denied after", []*devices.Rule{deny, null, denyNull}, false},
	} {
		if got := onlyAllows(tt.rules); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}
