package rootfs

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
	if plan.Ops[0].LateReadonly || plan.Ops[0].Set&unix.MOUNT_ATTR_RDONLY != 0 {
		t.Errorf("the tmpfs is read-only: %s", mustJSON(plan.Ops))
	}
	if plan.Ops[1].Change.Set&unix.MOUNT_ATTR_RDONLY == 0 {
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
		name string
		edit func(*configs.Config, *configs.Mount)
		sent bool
	}{
		{"plain", func(*configs.Config, *configs.Mount) {}, false},
		{"user namespace", func(c *configs.Config, _ *configs.Mount) { userns(c) }, true},
		{"rootless", func(c *configs.Config, _ *configs.Mount) { userns(c); c.RootlessEUID = true }, false},
		{"idmap", func(_ *configs.Config, m *configs.Mount) { m.IDMapping = &configs.MountIDMapping{} }, true},
		{"idmap in a user namespace", func(c *configs.Config, m *configs.Mount) {
			userns(c)
			m.IDMapping = &configs.MountIDMapping{}
		}, true},
		{"idmap without a mount namespace", func(c *configs.Config, m *configs.Mount) {
			c.Namespaces.Remove(configs.NEWNS)
			m.IDMapping = &configs.MountIDMapping{}
		}, true},
	} {
		if op := bind(c.edit); op.Sent != c.sent {
			t.Errorf("%s: sent by the runtime: %v", c.name, op.Sent)
		}
	}
}

func TestSourcesThatAreSentTogether(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	root, vol := filepath.Join(dir, "rootfs"), filepath.Join(dir, "vol")
	check(t, os.MkdirAll(filepath.Join(root, "mnt"), 0o755))
	check(t, os.Mkdir(vol, 0o755))
	check(t, os.Symlink("rootfs/mnt", filepath.Join(dir, "link")))
	within, link, missing := filepath.Join(root, "mnt"), filepath.Join(dir, "link"), filepath.Join(dir, "missing")
	nine := slices.Repeat([]string{vol}, 9)
	for _, c := range []struct {
		name        string
		sources     []string
		propagation int
		want        []int
	}{
		{"none", nil, 0, nil},
		{"outside the root", []string{vol, vol, vol}, 0, []int{3, 0, 0}},
		{"no more than a few", nine, 0, []int{8, 0, 0, 0, 0, 0, 0, 0, 1}},
		{"the root itself", []string{vol, root, vol}, 0, []int{1, 2, 0}},
		{"inside the root", []string{vol, within, vol, within}, 0, []int{1, 2, 0, 1}},
		{"inside by a symlink", []string{vol, link, vol}, 0, []int{1, 2, 0}},
		{"missing so far", []string{vol, missing, vol}, 0, []int{1, 2, 0}},
		{"in a shared root", []string{vol, vol}, unix.MS_SHARED, []int{1, 1}},
	} {
		cfg := defaultConfig(root)
		cfg.Mounts, cfg.RootPropagation = nil, c.propagation
		cfg.Namespaces.Add(configs.NEWUSER, "")
		for _, s := range c.sources {
			cfg.Mounts = append(cfg.Mounts, &configs.Mount{Source: s, Destination: "/d", Device: "bind", Flags: unix.MS_BIND})
		}
		plan, err := NewPlan(cfg, Layout{})
		check(t, err)
		plan.Arrange()
		var got []int
		for _, op := range plan.Ops {
			got = append(got, op.Batch)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestDestinationsThatBeginWithTheRootsPath(t *testing.T) {
	for _, c := range []struct{ root, destination, want string }{
		{"/b/rootfs", "/b/rootfs/mnt/x", "/mnt/x"},
		{"/b/rootfs", "/b/rootfs//mnt/../y/", "/y"},
		{"/b/rootfs", "/b/rootfs2/mnt", "/b/rootfs2/mnt"},
		{"/b/rootfs", "/mnt/b/rootfs/x", "/mnt/b/rootfs/x"},
		{"/b/rootfs", "b/rootfs/x", "/x"},
		{"/", "/mnt/x", "/mnt/x"},
	} {
		cfg := defaultConfig(c.root)
		cfg.Mounts = []*configs.Mount{{Source: "tmpfs", Destination: c.destination, Device: "tmpfs"}}
		plan, err := NewPlan(cfg, Layout{})
		check(t, err)
		if got := plan.Ops[0].Target; got != c.want {
			t.Errorf("%s in a root at %s becomes %s", c.destination, c.root, got)
		}
	}
	cfg := defaultConfig("/b/rootfs")
	cfg.Mounts = []*configs.Mount{{Source: "tmpfs", Destination: "/b/rootfs", Device: "tmpfs"}}
	_, err := NewPlan(cfg, Layout{})
	expectError(t, err, "the root of the container cannot be mounted over")
}

func TestMaskedPathsAreUnique(t *testing.T) {
	got := inContainer([]string{"/a", "", "b", "/a/", "/b", "/a/../a", "/c"})
	if want := []string{"/a", "/b", "/c"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestSysfsOfTheHostOnlyReadOnly(t *testing.T) {
	cfg := defaultConfig("/r")
	cfg.Mounts = []*configs.Mount{
		{Source: "sysfs", Destination: "/sys", Device: "sysfs", Flags: unix.MS_RDONLY, RecAttr: &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY, Attr_set: unix.MOUNT_ATTR_NODEV}},
		{Source: "sysfs", Destination: "/sys2", Device: "sysfs"},
	}
	plan, err := NewPlan(cfg, Layout{})
	check(t, err)
	if e := plan.Ops[0].Else; e == nil || !e.Recursive || e.RecAttr.Attr_set != unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NODEV || e.RecAttr.Attr_clr != 0 {
		t.Errorf("%s", mustJSON(plan.Ops[0]))
	}
	if plan.Ops[0].RecAttr.Attr_clr == 0 {
		t.Error("the configuration was changed")
	}
	if plan.Ops[1].Else != nil {
		t.Error("a writable sysfs of the host")
	}
}
