package specconv

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestResources(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{`{}`, `{}`},
		{`{"memory":{"limit":1,"reservation":2,"swap":-1,"swappiness":0,"disableOOMKiller":true,"checkBeforeUpdate":true}}`,
			`{"memory":1,"memory_reservation":2,"memory_swap":-1,"oom_kill_disable":true,"memory_swappiness":0,"memory_check_before_update":true}`},
		{`{"cpu":{"shares":1024,"quota":-1,"burst":0,"period":5,"realtimeRuntime":6,"realtimePeriod":7,"cpus":"0-1","mems":"0","idle":1}}`,
			`{"cpu_shares":1024,"cpu_quota":-1,"cpu_burst":0,"cpu_period":5,"cpu_rt_quota":6,"cpu_rt_period":7,"cpuset_cpus":"0-1","cpuset_mems":"0","cpu_idle":1,"cpu_weight":100}`},
		{`{"cpu":{"shares":0}}`, `{}`},
		{`{"pids":{"limit":5}}`, `{"pids_limit":5}`},
		{`{"pids":{}}`, `{}`},
		{`{"blockIO":{"weight":100,"leafWeight":200,"weightDevice":[{"major":8,"minor":1,"weight":3,"leafWeight":4}],"throttleReadBpsDevice":[{"major":1,"minor":2,"rate":3}],
			"throttleWriteBpsDevice":[{"major":1,"minor":2,"rate":4}],"throttleReadIOPSDevice":[{"major":1,"minor":2,"rate":5}],"throttleWriteIOPSDevice":[{"major":1,"minor":2,"rate":6}]}}`,
			`{"blkio_weight":100,"blkio_leaf_weight":200,"blkio_weight_device":[{"major":8,"minor":1,"weight":3,"leafWeight":4}],` +
				`"blkio_throttle_read_bps_device":[{"major":1,"minor":2,"rate":3}],"blkio_throttle_write_bps_device":[{"major":1,"minor":2,"rate":4}],` +
				`"blkio_throttle_read_iops_device":[{"major":1,"minor":2,"rate":5}],"blkio_throttle_write_iops_device":[{"major":1,"minor":2,"rate":6}]}`},
		{`{"hugepageLimits":[{"pageSize":"2MB","limit":7}]}`, `{"hugetlb_limit":[{"page_size":"2MB","limit":7}]}`},
		{`{"network":{"classID":9,"priorities":[{"name":"lo","priority":3}]}}`, `{"net_prio_ifpriomap":[{"interface":"lo","priority":3}],"net_cls_classid_u":9}`},
		{`{"rdma":{"mlx":{"hcaHandles":1}}}`, `{"rdma":{"mlx":{"hca_handles":1}}}`},
		{`{"unified":{"pids.max":"5"}}`, `{"unified":{"pids.max":"5"}}`},
	} {
		var in specs.LinuxResources
		if err := json.Unmarshal([]byte(tc.in), &in); err != nil {
			t.Fatal(err)
		}
		var out cgroups.Resources
		if err := SetResources(&out, &in); err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if got, _ := json.Marshal(out); string(got) != tc.want {
			t.Errorf("%s: got %s, want %s", tc.in, got, tc.want)
		}
	}
}

func TestCgroupNames(t *testing.T) {
	for _, tc := range []struct {
		path              string
		systemd, rootless bool
		want              string // parent, prefix, name, path
	}{
		{"", false, false, "||z|"},
		{"/a/b", false, false, "|||/a/b"},
		{"a:b:c", false, false, "|||a:b:c"},
		{"a//b/", false, true, "|||a/b"},
		{"", true, false, "system.slice|runc|z|"},
		{"", true, true, "user.slice|runc|z|"},
		{"m.slice:p:n", true, false, "m.slice|p|n|"},
		{":p:n", true, false, "|p|n|"},
		{":p:n", true, true, "user.slice|p|n|"},
		{"m.slice::k.slice", true, false, "m.slice||k.slice|"},
	} {
		c := &cgroups.Cgroup{Systemd: tc.systemd, Rootless: tc.rootless}
		err := nameCgroup(c, tc.path, "z")
		if got := strings.Join([]string{c.Parent, c.ScopePrefix, c.Name, c.Path}, "|"); err != nil || got != tc.want {
			t.Errorf("%+v: got %s, %v", tc, got, err)
		}
	}
	for _, path := range []string{"/a/b", "a:b", "a:b:c:d"} {
		err := nameCgroup(&cgroups.Cgroup{Systemd: true}, path, "z")
		want := `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "` + path + `" instead`
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestSystemdProperties(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"CollectMode", "'inactive-or-failed'", `CollectMode s "inactive-or-failed"`},
		{"TimeoutStopUSec", "uint64 123456789", `TimeoutStopUSec t @t 123456789`},
		{"TimeoutStopSec", "2", `TimeoutStopUSec t @t 2000000`},
		{"TimeoutStopSec", "0.5", `TimeoutStopUSec t @t 500000`},
		{"DefaultDependencies", "false", `DefaultDependencies b false`},
		{"After", "['a.service', 'b.service']", `After as ["a.service", "b.service"]`},
	} {
		props, err := systemdProperties(map[string]string{"org.systemd.property." + tc.name: tc.value, "other": "x"})
		if err != nil || len(props) != 1 {
			t.Errorf("%s=%s: got %v, %v", tc.name, tc.value, props, err)
			continue
		}
		p := props[0]
		if got := p.Name + " " + p.Value.Signature().String() + " " + p.Value.String(); got != tc.want {
			t.Errorf("%s=%s: got %s, want %s", tc.name, tc.value, got, tc.want)
		}
	}
	for _, tc := range [][2]string{{"TimeoutStopSec", "'2'"}, {"TimeoutStopSec", "-1"}, {"TimeoutStopSec", "1e300"}, {"CollectMode", "'open"}, {"Bad-Name", "1"}, {"A.B", "1"}} {
		if props, err := systemdProperties(map[string]string{"org.systemd.property." + tc[0]: tc[1]}); err == nil || !strings.Contains(err.Error(), tc[0]) {
			t.Errorf("%s: got %v, %v", tc, props, err)
		}
	}
	a, err := systemdProperties(map[string]string{"org.systemd.property.B": "1", "org.systemd.property.A": "1", "org.systemd.property.C": "1"})
	if err != nil || len(a) != 3 || a[0].Name+a[1].Name+a[2].Name != "ABC" {
		t.Errorf("order: %v, %v", a, err)
	}
}

func TestOnlySystemdLooksAtItsAnnotations(t *testing.T) {
	s := parsed(t, `{"annotations":{"org.systemd.property.X-Y":"("}}`)
	convert(t, s)
	if _, err := CreateLibcontainerConfig(&CreateOpts{CgroupName: "z", Spec: s, Bundle: "/b", UseSystemdCgroup: true}); err == nil {
		t.Error("a property that cannot be read was let through")
	}
}
