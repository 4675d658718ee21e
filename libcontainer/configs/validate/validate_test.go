package validate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// full is a machine that has everything.
func full() System {
	yes := func() bool { return true }
	return System{
		Namespace: func(configs.NamespaceType) bool { return true },
		SELinux:   yes, RDT: yes, CgroupV2: yes,
		SameNetNS: func(string) bool { return false },
	}
}

func all() configs.Namespaces {
	var n configs.Namespaces
	for _, t := range configs.NamespaceTypes() {
		n.Add(t, "")
	}
	return n
}

func without(n configs.Namespaces, t configs.NamespaceType) configs.Namespaces {
	n.Remove(t)
	return n
}

var one = []configs.IDMap{{ContainerID: 0, HostID: 1000, Size: 1}}

// valid has every namespace, and maps for the user's.
func valid(t *testing.T) *configs.Config {
	return &configs.Config{
		Rootfs: t.TempDir(), Namespaces: all(), UIDMappings: one, GIDMappings: one,
		Cgroups: &cgroups.Cgroup{Resources: &cgroups.Resources{}},
	}
}

func TestValidate(t *testing.T) {
	bind := func(m configs.Mount) []*configs.Mount {
		m.Destination, m.Source, m.Flags = "/mnt", "/src", unix.MS_BIND
		return []*configs.Mount{&m}
	}
	sysctl := func(name string) map[string]string { return map[string]string{name: "1"} }
	for _, tc := range []struct {
		name   string
		change func(*configs.Config, *System)
		want   string // empty: accepted
	}{
		{"a plain configuration", func(*configs.Config, *System) {}, ""},
		{"no cgroup", func(c *configs.Config, _ *System) { c.Cgroups = nil }, ""},

		{"missing rootfs", func(c *configs.Config, _ *System) { c.Rootfs = "/nosuch" }, "invalid rootfs: stat /nosuch: no such file or directory"},
		{"rootfs a file", func(c *configs.Config, _ *System) { c.Rootfs = "/proc/self/status" }, "invalid rootfs: /proc/self/status is not a directory"},
		{"relative rootfs", func(c *configs.Config, _ *System) { c.Rootfs = "." }, "invalid rootfs: not an absolute path, or a symlink"},
		{"rootfs a symlink", func(c *configs.Config, _ *System) {
			link := filepath.Join(c.Rootfs, "link")
			if err := os.Symlink(c.Rootfs, link); err != nil {
				t.Fatal(err)
			}
			c.Rootfs = link
		}, "invalid rootfs: not an absolute path, or a symlink"},
		{"rootfs with a slash behind", func(c *configs.Config, _ *System) { c.Rootfs += "/" }, ""},

		{"unified on v1", func(c *configs.Config, s *System) {
			s.CgroupV2 = func() bool { return false }
			c.Cgroups.Unified = map[string]string{"pids.max": "5"}
		}, "invalid configuration: cannot use unified on cgroup v1"},
		{"unified on v2", func(c *configs.Config, _ *System) { c.Cgroups.Unified = map[string]string{"pids.max": "5"} }, ""},
		{"swap without memory on v2", func(c *configs.Config, _ *System) { c.Cgroups.MemorySwap = 5 }, "unable to set swap limit without memory limit"},

		{"a read-only root without a mount namespace", func(c *configs.Config, _ *System) {
			c.Namespaces = without(c.Namespaces, configs.NEWNS)
			c.Readonlyfs = true
		}, ""},
		{"bind without a source", func(c *configs.Config, _ *System) {
			c.Mounts = []*configs.Mount{{Destination: "/mnt", Flags: unix.MS_BIND}}
		}, "invalid mount /mnt: a bind mount needs a source (config.json: mounts[0].source)"},
		{"remounting bind without a source", func(c *configs.Config, _ *System) {
			c.Mounts = []*configs.Mount{{Destination: "/mnt", Flags: unix.MS_BIND | unix.MS_REMOUNT}}
		}, ""},
		{"lo without a namespace", func(c *configs.Config, _ *System) {
			c.Namespaces = without(c.Namespaces, configs.NEWNET)
			c.Networks = []*configs.Network{{Type: "loopback"}}
		}, "unable to apply network settings without a private NET namespace"},
		{"devices without a net namespace", func(c *configs.Config, _ *System) {
			c.Namespaces = without(c.Namespaces, configs.NEWNET)
			c.NetDevices = map[string]*configs.LinuxNetDevice{"eth0": {}}
		}, "unable to move network devices without a NET namespace"},
		{"devices rootless", func(c *configs.Config, _ *System) {
			c.RootlessEUID = true
			c.NetDevices = map[string]*configs.LinuxNetDevice{"eth0": {}}
		}, "network devices are not supported for rootless containers"},
		{"devices", func(c *configs.Config, _ *System) {
			c.NetDevices = map[string]*configs.LinuxNetDevice{"eth0": {Name: "a"}, "eth1": {}, "eth2": nil}
		}, ""},
		{"a device's name too long", func(c *configs.Config, _ *System) {
			c.NetDevices = map[string]*configs.LinuxNetDevice{"abcdefghijklmnop": {}}
		}, `invalid network device name "abcdefghijklmnop"`},
		{"a device's new name", func(c *configs.Config, _ *System) {
			c.NetDevices = map[string]*configs.LinuxNetDevice{"eth0": {Name: "a/b"}}
		}, `invalid network device name "a/b"`},
		{"no device's name", func(c *configs.Config, _ *System) {
			c.NetDevices = map[string]*configs.LinuxNetDevice{"": {}}
		}, `invalid network device name ""`},
		{"two devices of one name", func(c *configs.Config, _ *System) {
			c.NetDevices = map[string]*configs.LinuxNetDevice{"eth0": {}, "eth1": {Name: "eth0"}}
		}, `network devices "eth0" and "eth1" cannot both be named "eth0"`},

		{"hostname", func(c *configs.Config, _ *System) {
			c.Hostname = "h"
			c.Namespaces = without(c.Namespaces, configs.NEWUTS)
		}, "unable to set hostname without a private UTS namespace"},
		{"domainname", func(c *configs.Config, _ *System) {
			c.Domainname = "h"
			c.Namespaces = without(c.Namespaces, configs.NEWUTS)
		}, "unable to set domainname without a private UTS namespace"},
		{"masked paths", func(c *configs.Config, _ *System) {
			c.MaskPaths = []string{"/x"}
			c.Namespaces = without(c.Namespaces, configs.NEWNS)
		}, "unable to restrict sys entries without a private MNT namespace"},
		{"read-only paths", func(c *configs.Config, _ *System) {
			c.ReadonlyPaths = []string{"/x"}
			c.Namespaces = without(c.Namespaces, configs.NEWNS)
		}, "unable to restrict sys entries without a private MNT namespace"},
		{"label without selinux", func(c *configs.Config, s *System) { c.ProcessLabel = "x"; s.SELinux = func() bool { return false } },
			"selinux label is specified in config, but selinux is disabled or not supported"},
		{"label", func(c *configs.Config, _ *System) { c.ProcessLabel = "x" }, ""},

		{"relative namespace path", func(c *configs.Config, _ *System) {
			c.Namespaces = configs.Namespaces{{Type: configs.NEWNS}, {Type: configs.NEWUTS, Path: "x"}}
		},
			`namespace path "x" is not absolute (config.json: linux.namespaces[1].path)`},
		{"no user namespaces", func(_ *configs.Config, s *System) {
			s.Namespace = func(n configs.NamespaceType) bool { return n != configs.NEWUSER }
		}, "user namespaces aren't enabled in the kernel"},
		{"no cgroup namespaces", func(_ *configs.Config, s *System) {
			s.Namespace = func(n configs.NamespaceType) bool { return n != configs.NEWCGROUP }
		}, "cgroup namespaces aren't enabled in the kernel"},
		{"no time namespaces", func(_ *configs.Config, s *System) {
			s.Namespace = func(n configs.NamespaceType) bool { return n != configs.NEWTIME }
		}, "time namespaces aren't enabled in the kernel"},
		{"maps without namespace", func(c *configs.Config, _ *System) { c.Namespaces = without(c.Namespaces, configs.NEWUSER) },
			"user namespace mappings specified, but user namespace isn't enabled in the config"},
		{"namespace without maps", func(c *configs.Config, _ *System) { c.UIDMappings, c.GIDMappings = nil, nil },
			"user namespaces enabled, but no namespace path to join nor mappings to apply specified"},
		{"no uid maps", func(c *configs.Config, _ *System) { c.UIDMappings = nil }, "user namespaces enabled, but no uid mappings found"},
		{"no gid maps", func(c *configs.Config, _ *System) { c.GIDMappings = nil }, "user namespaces enabled, but no gid mappings found"},
		{"joined user namespace", func(c *configs.Config, _ *System) {
			c.Namespaces.Add(configs.NEWUSER, "/x")
			c.UIDMappings, c.GIDMappings = nil, nil
		}, ""},
		{"time offsets", func(c *configs.Config, _ *System) {
			c.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {Secs: 1}, "boottime": {}}
		}, ""},
		{"offsets of another clock", func(c *configs.Config, _ *System) {
			c.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime 1 1\nmonotonic": {}}
		}, "invalid clock"},
		{"offsets without namespace", func(c *configs.Config, _ *System) {
			c.Namespaces = without(c.Namespaces, configs.NEWTIME)
			c.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {}}
		}, "time namespace offsets specified, but time namespace isn't enabled in the config"},
		{"offsets for a joined namespace", func(c *configs.Config, _ *System) {
			c.Namespaces.Add(configs.NEWTIME, "/x")
			c.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {}}
		}, "time namespace enabled, but both namespace path and time offsets specified -- you may only provide one"},

		{"any other sysctl", func(c *configs.Config, _ *System) { c.Sysctl = sysctl("kernel.x") },
			`sysctl "kernel.x" is not in a separate kernel namespace (config.json: linux.sysctl["kernel.x"])`},
		{"hostname by sysctl", func(c *configs.Config, _ *System) { c.Sysctl = sysctl("kernel.hostname") },
			`sysctl "kernel.hostname" is not allowed as it conflicts with the OCI "hostname" field`},
		{"host's net by sysctl", func(c *configs.Config, _ *System) {
			c.Sysctl = sysctl("net.ipv4.ip_forward")
			c.Namespaces = without(c.Namespaces, configs.NEWNET)
		}, `sysctl "net.ipv4.ip_forward" not allowed in host network namespace`},
		{"host's net, joined", func(c *configs.Config, s *System) {
			c.Sysctl = sysctl("net/ipv4/ip_forward")
			c.Namespaces.Add(configs.NEWNET, "/x")
			s.SameNetNS = func(p string) bool { return p == "/x" }
		}, `sysctl "net/ipv4/ip_forward" not allowed in host network namespace`},
		{"another net, joined", func(c *configs.Config, _ *System) {
			c.Sysctl = sysctl("net/ipv4/ip_forward")
			c.Namespaces.Add(configs.NEWNET, "/x")
		}, ""},
		{"host's ipc by sysctl", func(c *configs.Config, _ *System) {
			c.Sysctl = sysctl("kernel.sem")
			c.Namespaces = without(c.Namespaces, configs.NEWIPC)
		}, `sysctl "kernel.sem" is not allowed in the hosts ipc namespace`},
		{"host's mqueue by sysctl", func(c *configs.Config, _ *System) {
			c.Sysctl = sysctl("fs.mqueue.msg_max")
			c.Namespaces = without(c.Namespaces, configs.NEWIPC)
		}, `sysctl "fs.mqueue.msg_max" is not allowed in the hosts ipc namespace`},
		{"ucounts", func(c *configs.Config, _ *System) {
			c.Sysctl = sysctl("user.max_net_namespaces")
			c.Namespaces = without(c.Namespaces, configs.NEWUSER)
			c.UIDMappings, c.GIDMappings = nil, nil
		}, "setting ucounts without a user namespace not allowed"},
		{"host's uts by sysctl", func(c *configs.Config, _ *System) {
			c.Sysctl = sysctl("kernel.domainname")
			c.Namespaces = without(c.Namespaces, configs.NEWUTS)
		}, `sysctl "kernel.domainname" is not allowed in the hosts uts namespace`},
		{"sysctl leading elsewhere", func(c *configs.Config, _ *System) { c.Sysctl = sysctl("net/../kernel/core_pattern") }, `sysctl "net/../kernel/core_pattern" is not a valid name`},
		{"sysctl leading elsewhere by dots", func(c *configs.Config, _ *System) { c.Sysctl = sysctl("net.//.kernel.core_pattern") }, `is not a valid name`},
		{"sysctls of each namespace", func(c *configs.Config, _ *System) {
			c.Sysctl = map[string]string{
				"kernel.msgmax": "", "kernel.msgmnb": "", "kernel.msgmni": "", "kernel.sem": "", "kernel.shmall": "", "kernel/shmmax": "",
				"kernel.shmmni": "", "kernel.shm_rmid_forced": "", "fs.mqueue.x": "", "net/ipv4/conf/eth0.1/x": "", "net.ipv4.conf.eth0/1.x": "",
				"user.x": "", "kernel.domainname": "", "kernel/domainname": "",
			}
		}, ""},

		{"no RDT", func(c *configs.Config, s *System) {
			c.IntelRdt = &configs.IntelRdt{}
			s.RDT = func() bool { return false }
		}, "intelRdt is specified in config, but Intel RDT is not enabled"},
		{"RDT", func(c *configs.Config, _ *System) {
			c.IntelRdt = &configs.IntelRdt{ClosID: "a", Schemata: []string{"L3:0=f"}, L3CacheSchema: "L3:0=f", MemBwSchema: "MB:0=1"}
		}, ""},
		{"RDT root", func(c *configs.Config, _ *System) { c.IntelRdt = &configs.IntelRdt{ClosID: "/"} }, ""},
		{"RDT elsewhere", func(c *configs.Config, _ *System) { c.IntelRdt = &configs.IntelRdt{ClosID: ".."} }, `invalid intelRdt.ClosID ".."`},
		{"RDT below", func(c *configs.Config, _ *System) { c.IntelRdt = &configs.IntelRdt{ClosID: "a/b"} }, `invalid intelRdt.ClosID "a/b"`},
		{"RDT lines", func(c *configs.Config, _ *System) { c.IntelRdt = &configs.IntelRdt{Schemata: []string{"a", "b\nc"}} }, "linux.intelRdt.schemata[1] must not contain newlines"},

		{"rootless", func(c *configs.Config, _ *System) {
			c.RootlessEUID = true
			c.Mounts = []*configs.Mount{{Destination: "/x", Data: "gid=0,uid=0,uid=x,mode=1"}}
		}, ""},
		{"rootless without user namespace", func(c *configs.Config, _ *System) {
			c.RootlessEUID = true
			c.Namespaces = without(c.Namespaces, configs.NEWUSER)
			c.UIDMappings, c.GIDMappings = nil, nil
		}, "rootless container requires user namespaces"},
		{"rootless gid", func(c *configs.Config, _ *System) {
			c.RootlessEUID = true
			c.Mounts = []*configs.Mount{{Destination: "/x"}, {Destination: "/y", Data: "mode=1,gid=5"}}
		}, "cannot specify gid= mount option for rootless container: 5 is not mapped in the user namespace (config.json: mounts[1].options)"},
		{"rootless uid", func(c *configs.Config, _ *System) {
			c.RootlessEUID = true
			c.Mounts = []*configs.Mount{{Destination: "/x", Data: "uid=1"}}
		}, "cannot specify uid= mount option for rootless container"},

		{"bind with data", func(c *configs.Config, _ *System) { c.Mounts = bind(configs.Mount{Data: "size=1"}) },
			"bind mounts cannot have any filesystem-specific options applied"},
		{"recursive idmap", func(c *configs.Config, _ *System) {
			c.Mounts = bind(configs.Mount{RecAttr: &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP}})
		}, "mount configuration cannot contain recAttr for MOUNT_ATTR_IDMAP"},
		{"idmap of a file system", func(c *configs.Config, _ *System) {
			c.Mounts = []*configs.Mount{{Destination: "/x", Device: "tmpfs", IDMapping: &configs.MountIDMapping{UIDMappings: one, GIDMappings: one}}}
		}, "id-mapped mounts are only supported for bind-mounts"},
		{"idmap rootless", func(c *configs.Config, _ *System) {
			c.RootlessEUID = true
			c.Mounts = bind(configs.Mount{IDMapping: &configs.MountIDMapping{UIDMappings: one, GIDMappings: one}})
		}, "id-mapped mounts are not supported for rootless containers"},
		{"idmap of uids alone", func(c *configs.Config, _ *System) {
			c.Mounts = bind(configs.Mount{IDMapping: &configs.MountIDMapping{UIDMappings: one}})
		}, "id-mapped mounts must have both uid and gid mappings specified"},
		{"idmap with nobody's maps", func(c *configs.Config, _ *System) {
			c.Namespaces = without(c.Namespaces, configs.NEWUSER)
			c.UIDMappings, c.GIDMappings = nil, nil
			c.Mounts = bind(configs.Mount{IDMapping: &configs.MountIDMapping{}})
		}, "id-mapped mounts must have both uid and gid mappings specified"},
		{"idmap with the container's maps", func(c *configs.Config, _ *System) {
			c.Mounts = bind(configs.Mount{IDMapping: &configs.MountIDMapping{}})
		}, ""},

		{"scheduler", func(c *configs.Config, _ *System) {
			c.Scheduler = &specs.Scheduler{Policy: specs.SchedDeadline, Runtime: 1, Deadline: 2, Period: 3}
		}, ""},
		{"no policy", func(c *configs.Config, _ *System) { c.Scheduler = &specs.Scheduler{} }, "scheduler policy is required"},
		{"unknown policy", func(c *configs.Config, _ *System) { c.Scheduler = &specs.Scheduler{Policy: "SCHED_X"} },
			"invalid scheduler policy: SCHED_X (config.json: process.scheduler.policy)"},
		{"unknown flag", func(c *configs.Config, _ *System) {
			c.Scheduler = &specs.Scheduler{Policy: specs.SchedOther, Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagKeepPolicy, "X"}}
		}, "invalid scheduler flag: X (config.json: process.scheduler.flags[1])"},
		{"nice", func(c *configs.Config, _ *System) { c.Scheduler = &specs.Scheduler{Policy: specs.SchedOther, Nice: 20} }, "invalid scheduler.nice: 20"},
		{"priority", func(c *configs.Config, _ *System) {
			c.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Priority: 1}
		}, "scheduler.priority can only be specified for SchedFIFO or SchedRR policy"},
		{"runtime", func(c *configs.Config, _ *System) {
			c.Scheduler = &specs.Scheduler{Policy: specs.SchedFIFO, Priority: 1, Runtime: 1}
		}, "scheduler runtime/deadline/period can only be specified for SchedDeadline policy"},
		{"deadline with CPUs", func(c *configs.Config, _ *System) {
			c.Scheduler = &specs.Scheduler{Policy: specs.SchedDeadline}
			c.Cgroups.CpusetCpus = "0"
		}, "process scheduler can't be used together with AllowedCPUs"},

		{"memory policy", func(c *configs.Config, _ *System) { c.MemoryPolicy = memory(unix.MPOL_BIND, 8) }, ""},
		{"local memory", func(c *configs.Config, _ *System) { c.MemoryPolicy = memory(unix.MPOL_LOCAL, 0) }, ""},
		{"preferred memory without nodes", func(c *configs.Config, _ *System) { c.MemoryPolicy = memory(unix.MPOL_PREFERRED, 0) }, ""},
		{"default memory policy with nodes", func(c *configs.Config, _ *System) { c.MemoryPolicy = memory(unix.MPOL_DEFAULT, 8) },
			"invalid memory policy MPOL_DEFAULT: mode requires 0 nodes but got 8"},
		{"local memory with nodes", func(c *configs.Config, _ *System) { c.MemoryPolicy = memory(unix.MPOL_LOCAL, 1) },
			"mode requires 0 nodes but got 1"},
		{"interleaved memory without nodes", func(c *configs.Config, _ *System) { c.MemoryPolicy = memory(unix.MPOL_INTERLEAVE, 0) },
			"mode requires at least 1 node but got 0"},

		{"io priority", func(c *configs.Config, _ *System) {
			c.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_IDLE, Priority: 7}
		}, ""},
		{"io class", func(c *configs.Config, _ *System) { c.IOPriority = &specs.LinuxIOPriority{Class: "x", Priority: 1} }, `invalid ioPriority.Class: "x"`},
		{"io level", func(c *configs.Config, _ *System) {
			c.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_RT, Priority: 8}
		}, "invalid ioPriority.Priority: 8"},
		{"io level below", func(c *configs.Config, _ *System) {
			c.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_RT, Priority: -1}
		}, "invalid ioPriority.Priority: -1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := valid(t), full()
			tc.change(c, &s)
			switch err := s.Validate(c); {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %s", err, tc.want)
			case tc.want != "" && !strings.Contains(err.Error(), "config.json: "):
				t.Errorf("does not say where: %v", err)
			case tc.want != "" && strings.Count(err.Error(), "invalid configuration: ") > 1:
				t.Errorf("said twice: %v", err)
			}
		})
	}
}

func TestRootlessNeedsMaps(t *testing.T) {
	c := valid(t)
	c.RootlessEUID, c.UIDMappings = true, nil
	if err := rootless(full(), c); err == nil || err.Error() != "rootless containers requires at least one UID mapping (config.json: linux.uidMappings)" {
		t.Error(err)
	}
	c.UIDMappings, c.GIDMappings = one, nil
	if err := rootless(full(), c); err == nil || err.Error() != "rootless containers requires at least one GID mapping (config.json: linux.gidMappings)" {
		t.Error(err)
	}
}

func TestTheNetNamespaceOfThisProcessIsKnown(t *testing.T) {
	if !sameNetNS("/proc/self/ns/net") || sameNetNS("/proc/self/ns/uts") || sameNetNS("/nosuch") {
		t.Error("sameNetNS tells namespaces apart wrongly")
	}
}

func memory(mode, nodes int) *configs.LinuxMemoryPolicy {
	p := &configs.LinuxMemoryPolicy{Mode: mode}
	if nodes != 0 {
		p.Nodes = unix.NewCPUSet(nodes)
		p.Nodes.Fill()
		for n := nodes; n < 64; n++ {
			p.Nodes.Clear(n)
		}
	}
	return p
}

func TestRelativeDestinationsAreWarnedOf(t *testing.T) {
	c := &configs.Config{Mounts: []*configs.Mount{{Destination: "/a"}, {Destination: "b"}}}
	got := Warnings(c)
	if len(got) != 1 || !strings.Contains(got[0], "mount destination b is not absolute") || !strings.Contains(got[0], "mounts[1].destination") {
		t.Errorf("%q", got)
	}
}
