package rootfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

func TestRootIsMovedWithoutPivot(t *testing.T) {
	for name, ms := range map[string]int{"default": 0, "slave": unix.MS_SLAVE, "rslave": unix.MS_SLAVE | unix.MS_REC, "rshared": unix.MS_SHARED | unix.MS_REC} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.cfg.NoPivotRoot = true
			b.cfg.RootPropagation = ms
			b.outerNS = true
			b.before = "mount --make-rprivate /; mount --make-rshared /; unshare -m --propagation unchanged $0; echo host; cat /proc/self/mountinfo"
			inside, host, _ := strings.Cut(b.must(mountinfo+"ls /; cat /etc/passwd || echo gone"), "\nhost\n")
			expect(t, inside, `rootfs / rw`, "^gone$", "^bin$")
			// No procfs or sysfs that is whole but the container's own.
			if strings.Count(inside, " / /proc ") != 1 || strings.Count(inside, " / /sys ") != 1 {
				t.Errorf("a procfs or sysfs of the host is left:\n%s", inside)
			}
			expect(t, host, ` / /proc `, ` / /sys `)
			reject(t, host, "rootfs/")
		})
	}
}

func TestWithoutMountNamespaceTheRootIsOnlyChanged(t *testing.T) {
	setup := func(t *testing.T) *box {
		b := newBox(t)
		b.cfg.Namespaces.Remove(configs.NEWNS)
		b.cfg.MaskPaths, b.cfg.ReadonlyPaths = nil, nil
		// Not into this machine's own mounts.
		b.before = "mount --make-rprivate /; $0 || true; echo after; cat /proc/self/mountinfo"
		b.cfg.Mounts = b.cfg.Mounts[:2]
		return b
	}
	t.Run("with its mounts in the caller's namespace", func(t *testing.T) {
		b := setup(t)
		b.outerNS = true
		expect(t, b.must("ls /; ls /proc/self/stat"), "^bin$", "/proc/self/stat", "after\n(.*\n)*.*rootfs/proc rw")
	})
	t.Run("and taken back on failure", func(t *testing.T) {
		b := setup(t)
		b.outerNS = true
		b.mount(&configs.Mount{Source: "x", Destination: "/x", Device: "nosuchfs"})
		out := b.must("true")
		expect(t, out, "^after$")
		reject(t, out, "rootfs/proc", "rootfs/dev")
	})
}

func TestRootPropagation(t *testing.T) {
	for _, c := range []struct {
		name string
		ms   int
		want string
	}{
		{"default", 0, `rootfs / rw,relatime - `},
		{"rslave", unix.MS_SLAVE | unix.MS_REC, `rootfs / rw,relatime master:\d+ - `},
		{"slave", unix.MS_SLAVE, `rootfs / rw,relatime master:\d+ - `},
		{"rprivate", unix.MS_PRIVATE | unix.MS_REC, `rootfs / rw,relatime - `},
		{"private", unix.MS_PRIVATE, `rootfs / rw,relatime - `},
		{"rshared", unix.MS_SHARED | unix.MS_REC, `rootfs / rw,relatime shared:\d+ - `},
		{"shared", unix.MS_SHARED, `rootfs / rw,relatime shared:\d+ - `},
		{"runbindable", unix.MS_UNBINDABLE | unix.MS_REC, `rootfs / rw,relatime unbindable - `},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t)
			b.cfg.RootPropagation = c.ms
			b.outerNS = true
			// The "host" is a mount namespace in which all is shared.
			b.before = "mount --make-rprivate /; mount --make-rshared /; unshare -m --propagation unchanged $0; echo host; cat /proc/self/mountinfo"
			out := b.must(mountinfo)
			inside, host, _ := strings.Cut(out, "\nhost\n")
			expect(t, inside, c.want)
			if strings.Contains(host, "rootfs/") {
				t.Errorf("the container's mounts are on the host:\n%s", host)
			}
			expect(t, host, ` / /proc rw.* shared:\d+`, ` / /dev/pts `)
		})
	}
}

func TestSharedVolumeIsSeenOnTheHost(t *testing.T) {
	b := newBox(t)
	vol := b.host("vol")
	check(t, os.Mkdir(vol, 0o755))
	b.cfg.RootPropagation = unix.MS_SHARED | unix.MS_REC
	b.mount(&configs.Mount{Source: vol, Destination: "/vol", Device: "bind", Flags: unix.MS_BIND | unix.MS_REC,
		PropagationFlags: []int{unix.MS_SHARED | unix.MS_REC}})
	b.outerNS = true
	b.before = "mount --make-rprivate /; mount -t tmpfs vol " + vol + "; mount --make-rshared /; unshare -m --propagation unchanged $0; cat /proc/self/mountinfo"
	expect(t, b.must("mkdir /vol/x && mount -t tmpfs inner /vol/x"), "vol/x .* - tmpfs inner")
}

func TestSlaveVolumeSeesTheHostsMountsAndKeepsItsOwn(t *testing.T) {
	b := newBox(t)
	vol := b.host("vol")
	check(t, os.Mkdir(vol, 0o755))
	b.mount(&configs.Mount{Source: vol, Destination: "/vol", Device: "bind", Flags: unix.MS_BIND | unix.MS_REC})
	b.outerNS = true
	b.before = "mount --make-rprivate /; mount -t tmpfs vol " + vol + "; mkdir " + vol + "/in " + vol + "/out; mount --make-rshared /; " +
		"mkfifo " + vol + "/ready " + vol + "/go; exec 3<&0; unshare -m --propagation unchanged $0 <&3 & " +
		"read x < " + vol + "/ready; mount -t tmpfs fromhost " + vol + "/in; echo > " + vol + "/go; wait; echo host; cat /proc/self/mountinfo"
	out := b.must("mount -t tmpfs inner /vol/out; echo > /vol/ready; read x < /vol/go; " + mountinfo)
	inside, host, _ := strings.Cut(out, "\nhost\n")
	expect(t, inside, ` /vol/in .*fromhost`, ` /vol/out .*inner`)
	reject(t, host, "vol/out")
}

func TestUserNamespace(t *testing.T) {
	t.Run("gets the default root", func(t *testing.T) {
		b := newBox(t)
		b.inUserNS()
		out := b.must(mountinfo + "ls -ln /dev; id -u; echo x > /dev/null; touch /made")
		expect(t, out, ` /null /dev/null `, ` / /dev/pts .*gid=100005`, `^0$`, ` /sys/firmware ro`)
	})
	t.Run("gets sources that its root cannot reach", func(t *testing.T) {
		b := newBox(t)
		b.inUserNS()
		check(t, os.MkdirAll(b.host("secret/vol"), 0o755))
		check(t, os.WriteFile(b.host("secret/vol/file"), []byte("hello\n"), 0o644))
		check(t, os.Chmod(b.host("secret"), 0o700))
		b.mount(&configs.Mount{Source: b.host("secret/vol"), Destination: "/vol", Device: "bind", Flags: unix.MS_BIND | unix.MS_REC | unix.MS_RDONLY})
		expect(t, b.must("cat /vol/file; grep /vol /proc/self/mountinfo"), "^hello$", " ro,")
	})
	t.Run("cannot take apart what it was given", func(t *testing.T) {
		b := newBox(t)
		b.inUserNS()
		src := b.host("src")
		check(t, os.Mkdir(src, 0o755))
		b.before = "mount --make-rprivate /; mount -t tmpfs lower " + src + "; mkdir " + src + "/sub; echo secret > " + src + "/sub/key; mount -t tmpfs upper " + src + "/sub; exec $0"
		b.mount(&configs.Mount{Source: src, Destination: "/vol", Device: "bind", Flags: unix.MS_BIND | unix.MS_REC})
		out := b.must("ls -d /vol/sub; umount /vol/sub || echo locked; cat /vol/sub/key || echo hidden")
		expect(t, out, "^/vol/sub$", "^locked$", "^hidden$")
	})
	t.Run("does not clear locked flags", func(t *testing.T) {
		for _, old := range []bool{false, true} {
			b := newBox(t)
			b.inUserNS()
			b.old = old
			b.cfg.RootlessEUID = true
			src := b.host("src")
			check(t, os.Mkdir(src, 0o755))
			b.before = "mount --make-rprivate /; mount -t tmpfs -o nosuid,nodev,noatime src " + src + "; exec unshare -U --map-root-user -m -i -n -p --fork --propagation unchanged $0"
			b.userns = false
			m := &configs.Mount{Source: src, Destination: "/mnt", Device: "bind", Flags: unix.MS_BIND | unix.MS_NOEXEC}
			b.cfg.Mounts = []*configs.Mount{b.cfg.Mounts[0], b.cfg.Mounts[1], m}
			// The one mapped id is the host's root here.
			check(t, os.Chown(b.cfg.Rootfs, 0, 0))
			b.cfg.Devices, b.cfg.MaskPaths, b.cfg.ReadonlyPaths = nil, nil, nil
			expect(t, b.must("grep ' /mnt ' /proc/self/mountinfo"), " rw,nosuid,nodev,noexec,noatime ")
			m.ClearedFlags = unix.MS_NODEV
			_, err := b.run("true")
			expectError(t, err, "cannot clear locked flags nodev", `to rootfs at "/mnt"`)
		}
	})
	t.Run("drops gid=5 of devpts when there is none", func(t *testing.T) {
		b := newBox(t)
		b.cfg.Namespaces.Add(configs.NEWUSER, "")
		b.cfg.GIDMappings = []configs.IDMap{{ContainerID: 0, HostID: 1000, Size: 1}}
		plan, err := NewPlan(b.cfg, Layout{})
		check(t, err)
		if got := plan.Ops[2].Data; got != "newinstance,ptmxmode=0666,mode=0620" {
			t.Errorf("devpts data is %q", got)
		}
	})
	t.Run("without a network namespace gets the host's /sys", func(t *testing.T) {
		b := newBox(t)
		b.inUserNS()
		b.cfg.Namespaces.Remove(configs.NEWNET)
		out := b.must("grep ' /sys' /proc/self/mountinfo")
		expect(t, out, ` /sys ro,nosuid,nodev,noexec.* - sysfs`)
		reject(t, out, ` /sys\S* rw,`)
	})
}

func TestIDMappedMounts(t *testing.T) {
	own := []configs.IDMap{{ContainerID: 0, HostID: 5000, Size: 1000}}
	for _, c := range []struct {
		name   string
		m      configs.MountIDMapping
		userns bool
		want   string
	}{
		{"with maps of its own", configs.MountIDMapping{UIDMappings: own, GIDMappings: own}, false, "^5001 5002 /vol/file"},
		{"recursively", configs.MountIDMapping{Recursive: true, UIDMappings: own, GIDMappings: own}, false, "^5001 5002 /vol/file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t)
			vol := b.host("vol")
			check(t, os.Mkdir(vol, 0o755))
			check(t, os.WriteFile(filepath.Join(vol, "file"), nil, 0o644))
			check(t, os.Chown(filepath.Join(vol, "file"), 1, 2))
			b.mount(&configs.Mount{Source: vol, Destination: "/vol", Device: "bind", Flags: unix.MS_BIND | unix.MS_REC, IDMapping: &c.m})
			expect(t, b.must("stat -c '%u %g %n' /vol/file"), c.want)
		})
	}
}

func TestCgroupMounts(t *testing.T) {
	v1 := Layout{Paths: map[string]string{
		"cpu": "/sys/fs/cgroup/cpu", "memory": "/sys/fs/cgroup/memory", "name=systemd": "/sys/fs/cgroup/systemd",
	}}
	mnt := func() *configs.Mount {
		return &configs.Mount{Source: "cgroup", Destination: "/sys/fs/cgroup", Device: "cgroup",
			Flags: unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY}
	}
	t.Run("v1 are the container's own folders", func(t *testing.T) {
		needV1(t)
		b := newBox(t)
		b.layout = v1
		b.mount(mnt())
		expect(t, b.must(mountinfo+"ls /sys/fs/cgroup"), ` / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs`,
			` /sys/fs/cgroup/cpu ro,nosuid,nodev,noexec,relatime - cgroup`, ` /sys/fs/cgroup/systemd ro,.* - cgroup .*name=systemd`)
	})
	t.Run("v1 with a cgroup namespace are mounted", func(t *testing.T) {
		needV1(t)
		b := newBox(t)
		b.layout = v1
		b.cfg.Namespaces.Add(configs.NEWCGROUP, "")
		b.mount(mnt())
		expect(t, b.must(mountinfo), ` / /sys/fs/cgroup/cpu ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,cpu`,
			` / /sys/fs/cgroup/systemd ro,.* - cgroup systemd rw,name=systemd`)
	})
	const mountV2 = "mount --make-rprivate /; mount -t cgroup2 host /sys/fs/cgroup; exec $0"
	v2 := Layout{Unified: true, Paths: map[string]string{"": "/sys/fs/cgroup"}}
	t.Run("v2 is bound without a cgroup namespace", func(t *testing.T) {
		b := newBox(t)
		b.layout, b.before = v2, mountV2
		b.mount(mnt())
		expect(t, b.must(mountinfo), ` /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 host`)
	})
	t.Run("v2 is mounted with a cgroup namespace", func(t *testing.T) {
		b := newBox(t)
		b.layout, b.before = v2, mountV2
		b.cfg.Namespaces.Add(configs.NEWCGROUP, "")
		b.mount(mnt())
		expect(t, b.must(mountinfo), ` / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup`)
	})
	t.Run("v2 is hidden when the container's own is out of reach", func(t *testing.T) {
		b := newBox(t)
		b.layout, b.before = Layout{Unified: true, Paths: map[string]string{"": "/sys/fs/cgroup/no/such"}}, mountV2
		b.cfg.RootlessCgroups = true
		b.mount(mnt())
		b.cfg.Namespaces.Add(configs.NEWUSER, "")
		b.cfg.GIDMappings = []configs.IDMap{{Size: 1000}}
		b.cfg.RootlessEUID = true
		expect(t, b.must(mountinfo+"touch /sys/fs/cgroup/x || echo denied"), ` / /sys/fs/cgroup ro,.* - tmpfs`, "^denied$")
	})
}

func needV1(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/sys/fs/cgroup/memory/cgroup.procs"); err != nil {
		t.Skip("no cgroup v1 here")
	}
}

func TestConsoleIsMountedOnAFileOfDev(t *testing.T) {
	b := newBox(t)
	b.term = true
	b.console = true
	expect(t, b.must("grep console /proc/self/mountinfo; ls -ln /dev/console"), ` /0(//deleted)? /dev/console .* - devpts`, `^crw.* 136, +0 .*/dev/console`)
}
