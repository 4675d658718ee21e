package rootfs

import (
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

func TestDecideDefault(t *testing.T) {
	plan, err := NewPlan(defaultConfig("/r"), Layout{})
	check(t, err)
	var got []string
	for _, op := range plan.Ops {
		if op.Kind != Filesystem || op.Legacy || op.Else != nil && op.FSType != "sysfs" {
			t.Errorf("unexpected %s", mustJSON(op))
		}
		line := op.FSType + " " + op.Target
		for _, p := range op.Params {
			line += " " + p.String()
		}
		got = append(got, line)
	}
	want := []string{
		"proc /proc", "tmpfs /dev mode=755 size=65536k", "devpts /dev/pts newinstance ptmxmode=0666 mode=0620 gid=5",
		"tmpfs /dev/shm mode=1777 size=65536k", "mqueue /dev/mqueue", "sysfs /sys ro",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(plan.Dev.Nodes) != 6 || plan.Dev.BindOnly || plan.Root.Umask != 0o022 || !plan.Root.OwnMounts {
		t.Errorf("%s", mustJSON(plan))
	}
}

func TestParams(t *testing.T) {
	for data, want := range map[string][]Param{
		"":                      nil,
		",,":                    nil,
		"a":                     {{"a", "", false}},
		"a=":                    {{"a", "", true}},
		"a=b=c,d":               {{"a", "b=c", true}, {"d", "", false}},
		`context="a,b",ro`:      {{"context", "a,b", true}, {"ro", "", false}},
		`x="a,b"`:               {{"x", `"a,b"`, true}},
		`rootcontext="s:c1,c2"`: {{"rootcontext", "s:c1,c2", true}},
	} {
		if got := params(data); !reflect.DeepEqual(got, want) {
			t.Errorf("params(%q) = %v, want %v", data, got, want)
		}
	}
}

func TestNeedLegacy(t *testing.T) {
	if needLegacy(0, params("lowerdir="+strings.Repeat("x", 255))) {
		t.Error("255 bytes fit")
	}
	if !needLegacy(0, params("lowerdir="+strings.Repeat("x", 256))) {
		t.Error("256 bytes do not fit")
	}
	if !needLegacy(unix.MS_I_VERSION, nil) {
		t.Error("iversion has no other way")
	}
}

func TestAttributesThereAndBack(t *testing.T) {
	all := []int{unix.MS_RDONLY, unix.MS_NOSUID, unix.MS_NODEV, unix.MS_NOEXEC, unix.MS_NODIRATIME, unix.MS_NOSYMFOLLOW,
		unix.MS_NOATIME, unix.MS_STRICTATIME, unix.MS_RELATIME}
	for _, ms := range all {
		got := msBits(newAttr(ms))
		want := ms
		if ms&msAtime == 0 {
			want |= unix.MS_RELATIME
		}
		if got != want {
			t.Errorf("%#x became %#x", want, got)
		}
	}
}

func TestHierarchies(t *testing.T) {
	got := hierarchies(map[string]string{
		"":             "/sys/fs/cgroup/unified/x",
		"cpu":          "/sys/fs/cgroup/cpu,cpuacct/x",
		"cpuacct":      "/sys/fs/cgroup/cpu,cpuacct/x",
		"name=systemd": "/sys/fs/cgroup/systemd/x",
		"pids":         "/cg/pids/x",
		"memory":       "",
	})
	want := []hierarchy{
		{"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/x", []string{"cpu", "cpuacct"}},
		{"pids", "/cg/pids/x", []string{"pids"}},
		{"systemd", "/sys/fs/cgroup/systemd/x", []string{"name=systemd"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestDecideCgroupV1LinksJointNames(t *testing.T) {
	cfg := defaultConfig("/r")
	cfg.Mounts = []*configs.Mount{{Source: "cgroup", Destination: "/sys/fs/cgroup", Device: "cgroup", Flags: unix.MS_RDONLY}}
	plan, err := NewPlan(cfg, Layout{Paths: map[string]string{
		"cpu": "/sys/fs/cgroup/cpu,cpuacct/x", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct/x"}})
	check(t, err)
	var got []string
	for _, op := range plan.Ops {
		got = append(got, []string{"", "bind", "fs", "remount", "link", "hide"}[op.Kind]+" "+op.Source+" "+op.Target)
	}
	want := []string{"fs tmpfs /sys/fs/cgroup", "bind /sys/fs/cgroup/cpu,cpuacct/x /sys/fs/cgroup/cpu,cpuacct",
		"link cpu,cpuacct /sys/fs/cgroup/cpu", "link cpu,cpuacct /sys/fs/cgroup/cpuacct"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if !plan.Ops[0].LateReadonly || plan.Ops[1].Set&unix.MOUNT_ATTR_RDONLY == 0 {
		t.Errorf("read-only was lost: %s", mustJSON(plan.Ops))
	}
}

func TestDecideCgroupV2WithoutOwnCgroupHides(t *testing.T) {
	for _, flags := range []int{0, unix.MS_RDONLY} {
		for _, ns := range []configs.Namespaces{{}, {{Type: configs.NEWCGROUP}}, {{Type: configs.NEWUSER}}} {
			cfg := defaultConfig("/r")
			cfg.Namespaces = ns
			cfg.Mounts = []*configs.Mount{{Source: "cgroup", Destination: "/sys/fs/cgroup", Device: "cgroup", Flags: flags}}
			plan, err := NewPlan(cfg, Layout{Unified: true})
			check(t, err)
			if len(plan.Ops) != 1 || plan.Ops[0].Kind != Hide || plan.Ops[0].Target != "/sys/fs/cgroup" {
				t.Errorf("%v %v: got %s", ns, flags, mustJSON(plan.Ops))
			}
		}
	}
}

func TestWholeMountsOfProcAndSysfs(t *testing.T) {
	for line, want := range map[string]string{
		"22 27 0:21 / /proc rw,relatime - proc proc rw":               "/proc",
		"22 27 0:21 / /a\\040b rw shared:1 master:2 - sysfs sysfs rw": "/a b",
		"22 27 0:21 /sys /proc/sys rw,relatime - proc proc rw":        "",
		"22 27 0:21 / /x rw,relatime - tmpfs proc rw":                 "",
		"garbage": "",
	} {
		if got, _ := fullMount(line); got != want {
			t.Errorf("%q gives %q, want %q", line, got, want)
		}
	}
}

func TestDeviceTypes(t *testing.T) {
	cfg := defaultConfig("/r")
	cfg.Devices[0].Type = 'z'
	_, err := NewPlan(cfg, Layout{})
	expectError(t, err, `invalid device type "z"`)
	cfg.Devices[0].Type, cfg.Devices[0].Major = 'c', -1
	_, err = NewPlan(cfg, Layout{})
	expectError(t, err, "/dev/null")
}

func TestSourcesThatTheRuntimeOpens(t *testing.T) {
	bind := func(edit func(*configs.Config, *configs.Mount)) Op {
		cfg := defaultConfig("/r")
		m := &configs.Mount{Source: "/s", Destination: "/d", Device: "bind", Flags: unix.MS_BIND}
		cfg.Mounts = []*configs.Mount{m}
		edit(cfg, m)
		plan, err := NewPlan(cfg, Layout{})
		check(t, err)
		return plan.Ops[0]
	}
	userns := func(c *configs.Config) { c.Namespaces.Add(configs.NEWUSER, "") }
	for _, c := range []struct {
		name               string
		edit               func(*configs.Config, *configs.Mount)
		fromRuntime, slave bool
	}{
		{"plain", func(*configs.Config, *configs.Mount) {}, false, false},
		{"user namespace", func(c *configs.Config, _ *configs.Mount) { userns(c) }, true, true},
		{"rootless", func(c *configs.Config, _ *configs.Mount) { userns(c); c.RootlessEUID = true }, false, false},
		{"idmap", func(_ *configs.Config, m *configs.Mount) { m.IDMapping = &configs.MountIDMapping{} }, false, false},
		{"idmap in a user namespace", func(c *configs.Config, m *configs.Mount) {
			userns(c)
			m.IDMapping = &configs.MountIDMapping{}
		}, true, true},
		{"idmap without a mount namespace, in a shared root", func(c *configs.Config, m *configs.Mount) {
			c.Namespaces.Remove(configs.NEWNS)
			m.IDMapping = &configs.MountIDMapping{}
			c.RootPropagation = unix.MS_SHARED | unix.MS_REC
		}, true, false},
	} {
		op := bind(c.edit)
		if op.FromRuntime != c.fromRuntime || op.Slave != c.slave {
			t.Errorf("%s: from the runtime %v, slave %v", c.name, op.FromRuntime, op.Slave)
		}
	}
}
