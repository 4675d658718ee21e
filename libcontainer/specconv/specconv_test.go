package specconv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// example is the default spec as on cgroup v1, wherever the test runs.
func example() *specs.Spec {
	s := Example()
	s.Linux.Namespaces = s.Linux.Namespaces[:5]
	s.Process.Terminal = false
	return s
}

func convert(t *testing.T, s *specs.Spec) *configs.Config {
	t.Helper()
	c, err := CreateLibcontainerConfig(&CreateOpts{CgroupName: "z", Spec: s, Bundle: "/bundles/a"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// parsed changes the default spec by what a piece of config.json says.
func parsed(t *testing.T, change string) *specs.Spec {
	t.Helper()
	s := example()
	if err := json.Unmarshal([]byte(change), s); err != nil {
		t.Fatalf("%s: %v", change, err)
	}
	return s
}

func savedConfig(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "saved", file))
	if err != nil {
		t.Fatal(err)
	}
	var state struct{ Config json.RawMessage }
	if err := json.Unmarshal(b, &state); err != nil {
		t.Fatal(err)
	}
	return state.Config
}

func TestTheDefaultSpecIsSavedByteForByteAsRuncDoes(t *testing.T) {
	got, err := json.Marshal(convert(t, example()))
	if err != nil {
		t.Fatal(err)
	}
	if want := savedConfig(t, "state.json"); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSavedConfigsOfRuncAreReadWithNothingLost(t *testing.T) {
	for _, file := range []string{"state.json", "state-1.1.json"} {
		t.Run(file, func(t *testing.T) {
			var c configs.Config
			if err := json.Unmarshal(savedConfig(t, file), &c); err != nil {
				t.Fatal(err)
			}
			want := convert(t, example())
			// These two differ between the versions that wrote the files.
			want.Version, want.Capabilities.Ambient = c.Version, c.Capabilities.Ambient
			if c.Hooks != nil {
				for _, list := range c.Hooks {
					if list != nil {
						t.Errorf("hooks: %v", c.Hooks)
					}
				}
				c.Hooks = nil
			}
			if c.Cgroups.PidsLimit != nil && *c.Cgroups.PidsLimit == 0 {
				c.Cgroups.PidsLimit = nil // 0 was how none was said
			}
			if !reflect.DeepEqual(&c, want) {
				a, _ := json.Marshal(c)
				b, _ := json.Marshal(want)
				t.Errorf("got\n%s\nwant\n%s", a, b)
			}
		})
	}
}

// Each word of an error is what callers see of runc 1.5, each place ours.
func TestErrorsOfConversion(t *testing.T) {
	for _, tc := range []struct{ change, want string }{
		{`{"root":null}`, "root must be specified"},
		{`{"linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}}`, `malformed spec file: duplicated ns {"pid" ""} (config.json: linux.namespaces[1])`},
		{`{"linux":{"namespaces":[{"type":"nosuch"}]}}`, `namespace {"nosuch" ""} does not exist (config.json: linux.namespaces[0])`},
		{`{"linux":{"namespaces":[{"type":"user"}]}}`, "user namespaces enabled, but no uid mappings found"},
		{`{"linux":{"namespaces":[{"type":"user"}],"uidMappings":[{"hostID":1,"size":1}]}}`, "user namespaces enabled, but no gid mappings found"},
		{`{"linux":{"namespaces":[{"type":"user","path":"/nosuch"}]}}`, "/nosuch: no such file or directory (config.json: linux.namespaces)"},
		{`{"linux":{"namespaces":[{"type":"user","path":"/proc/self/ns/user"}],"uidMappings":[{"hostID":7,"size":1}]}}`,
			"user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only provide one"},
		{`{"linux":{"rootfsPropagation":"x"}}`, "rootfsPropagation=x is not supported (config.json: linux.rootfsPropagation)"},
		{`{"linux":{"rootfsPropagation":"ro"}}`, "rootfsPropagation=ro is not supported"},
		{`{"linux":{"devices":[{"path":"/dev/x","type":"z"}]}}`, `invalid device type "z" (config.json: linux.devices[0].type)`},
		{`{"linux":{"devices":[{"type":"c"}]}}`, "config.json: linux.devices[0].path must not be empty"},
		{`{"linux":{"resources":{"devices":[{"type":"z"}]}}}`, `invalid cgroup device type "z" (config.json: linux.resources.devices[0].type)`},
		{`{"linux":{"resources":{"unified":{"../x":"1"}}}}`, `unified resource "../x" must be a file name (no slashes)`},
		{`{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_NOSUCH"}}}`, "string SCMP_ACT_NOSUCH is not a valid action for seccomp (config.json: linux.seccomp.defaultAction)"},
		{`{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_NOSUCH"]}}}`, "string SCMP_ARCH_NOSUCH is not a valid arch for seccomp (config.json: linux.seccomp.architectures[0])"},
		{`{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","flags":["X"]}}}`, `seccomp flag "X" not known`},
		{`{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_NOTIFY"}}}`, "SCMP_ACT_NOTIFY cannot be used as default action"},
		{`{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["write"],"action":"SCMP_ACT_NOTIFY"}]}}}`, "SCMP_ACT_NOTIFY cannot be used for the write syscall (config.json: linux.seccomp.syscalls[0])"},
		{`{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"X"}]}}}`, "string X is not a valid action for seccomp (config.json: linux.seccomp.syscalls[0].action)"},
		{`{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_LOG","args":[{"op":"X"}]}]}}}`, "is not a valid operator for seccomp (config.json: linux.seccomp.syscalls[0].args[0].op)"},
		{`{"linux":{"personality":{"domain":"x"}}}`, "invalid personality domain x (config.json: linux.personality.domain)"},
		{`{"linux":{"personality":{"domain":"LINUX","flags":["x"]}}}`, "config.json: linux.personality.flags"},
		{`{"linux":{"memoryPolicy":{"mode":"MPOL_X"}}}`, `invalid memory policy mode "MPOL_X" (config.json: linux.memoryPolicy.mode)`},
		{`{"linux":{"memoryPolicy":{"mode":"MPOL_BIND","flags":["X"]}}}`, `invalid memory policy flag "X" (config.json: linux.memoryPolicy.flags[0])`},
		{`{"linux":{"memoryPolicy":{"mode":"MPOL_BIND","nodes":"3-1"}}}`, "invalid memory policy nodes"},
		{`{"process":{"rlimits":[{"type":"RLIMIT_NOSUCH"}]}}`, "wrong rlimit value: RLIMIT_NOSUCH (config.json: process.rlimits[0].type)"},
		{`{"process":{"execCPUAffinity":{"initial":"x"}}}`, "config.json: process.execCPUAffinity.initial"},
		{`{"process":{"execCPUAffinity":{"final":"9999999"}}}`, "config.json: process.execCPUAffinity.final"},
		{`{"mounts":[{"destination":"/a","options":["a\u0000"]}]}`, `invalid mount "/a": mount field contains null byte (config.json: mounts[0])`},
		{`{"mounts":[{"destination":"/a","source":"\u0000"}]}`, "mount field contains null byte (config.json: mounts[0])"},
		{`{"linux":{"cgroupsPath":"a\u0000"}}`, "config.json: linux.cgroupsPath"},
		{`{"linux":{"cgroupsPath":"a\nb"}}`, "config.json: linux.cgroupsPath"},
		{`{"mounts":[{"destination":""}]}`, "config.json: mounts[0].destination must not be empty"},
	} {
		t.Run(tc.change, func(t *testing.T) {
			maps := func(path string) (uids, gids []configs.IDMap, err error) {
				if path == "/nosuch" {
					return nil, nil, errors.New("/nosuch: no such file or directory")
				}
				return []configs.IDMap{{Size: 1}}, []configs.IDMap{{Size: 1}}, nil
			}
			_, err := CreateLibcontainerConfig(&CreateOpts{CgroupName: "z", Spec: parsed(t, tc.change), Bundle: "/b", UserNamespaceMaps: maps})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	if _, err := CreateLibcontainerConfig(&CreateOpts{CgroupName: "z", Bundle: "/b"}); err == nil || err.Error() != "config cannot be null" {
		t.Errorf("no spec: %v", err)
	}
	_, err := CreateLibcontainerConfig(&CreateOpts{CgroupName: "z", Bundle: "/b", NoPivotRoot: true, Spec: parsed(t, `{"linux":{"rootfsPropagation":"rprivate"}}`)})
	if err == nil || !strings.Contains(err.Error(), "rootfsPropagation of [r]private is not safe without pivot_root") {
		t.Errorf("private without pivot_root: %v", err)
	}
}

func TestConversionOfEachField(t *testing.T) {
	two := 2 * time.Second
	uid, umask, adj := 100000, uint32(0o27), -5
	for _, tc := range []struct {
		change string
		got    func(*configs.Config) any
		want   any
	}{
		{`{"root":{"path":"/abs","readonly":false}}`, func(c *configs.Config) any { return []any{c.Rootfs, c.Readonlyfs} }, []any{"/abs", false}},
		{`{"hostname":"h","domainname":"d"}`, func(c *configs.Config) any { return []string{c.Hostname, c.Domainname} }, []string{"h", "d"}},
		{`{"annotations":{"b":"2","a":"1"}}`, func(c *configs.Config) any { return c.Labels }, []string{"a=1", "b=2", "bundle=/bundles/a"}},
		{`{"hooks":{"poststop":[{"path":"/p","args":["p","x"],"env":["A=b"],"timeout":2}]}}`, func(c *configs.Config) any { return c.Hooks },
			configs.Hooks{configs.Poststop: {{Path: "/p", Args: []string{"p", "x"}, Env: []string{"A=b"}, Timeout: &two}}}},
		{`{"process":{"oomScoreAdj":-5,"user":{"umask":23},"noNewPrivileges":false,"apparmorProfile":"a","selinuxLabel":"s"}}`,
			func(c *configs.Config) any {
				return []any{c.OomScoreAdj, c.Umask, c.NoNewPrivileges, c.AppArmorProfile, c.ProcessLabel}
			}, []any{&adj, &umask, false, "a", "s"}},
		{`{"process":{"capabilities":null}}`, func(c *configs.Config) any { return c.Capabilities }, (*configs.Capabilities)(nil)},
		{`{"process":{"execCPUAffinity":{"initial":"0-1,3"}}}`, func(c *configs.Config) any {
			a := c.ExecCPUAffinity
			return []any{a.Final == nil, a.Initial.Count(), a.Initial.IsSet(0), a.Initial.IsSet(1), a.Initial.IsSet(3)}
		}, []any{true, 3, true, true, true}},
		{`{"process":{"execCPUAffinity":{"final":"8191,2000-2001"}}}`, func(c *configs.Config) any {
			f := c.ExecCPUAffinity.Final
			return []any{f.Count(), f.IsSet(8191), f.IsSet(2000), f.IsSet(2001), f.IsSet(2002)}
		}, []any{3, true, true, true, false}},
		{`{"linux":{"memoryPolicy":{"mode":"MPOL_BIND","nodes":"1024-1025,4095"}}}`, func(c *configs.Config) any {
			n := c.MemoryPolicy.Nodes
			return []any{n.Count(), n.IsSet(1024), n.IsSet(4095)}
		}, []any{3, true, true}},
		{`{"linux":{"namespaces":[{"type":"network","path":"/n"},{"type":"time"},{"type":"cgroup"}]}}`, func(c *configs.Config) any { return []any{c.Namespaces, len(c.Networks)} },
			[]any{configs.Namespaces{{Type: configs.NEWNET, Path: "/n"}, {Type: configs.NEWTIME}, {Type: configs.NEWCGROUP}}, 0}},
		{`{"linux":{"uidMappings":[{"hostID":1,"size":1}]}}`, func(c *configs.Config) any { return c.UIDMappings }, []configs.IDMap(nil)},
		{`{"linux":{"rootfsPropagation":"shared"}}`, func(c *configs.Config) any { return c.RootPropagation }, unix.MS_SHARED},
		{`{"linux":{"rootfsPropagation":"runbindable"}}`, func(c *configs.Config) any { return c.RootPropagation }, unix.MS_UNBINDABLE | unix.MS_REC},
		{`{"linux":{"mountLabel":"l","sysctl":{"net.x":"1"},"maskedPaths":["/m"],"readonlyPaths":[]}}`,
			func(c *configs.Config) any { return []any{c.MountLabel, c.Sysctl, c.MaskPaths, c.ReadonlyPaths} },
			[]any{"l", map[string]string{"net.x": "1"}, []string{"/m"}, []string{}}},
		{`{"linux":{"personality":{"domain":"LINUX32"}}}`, func(c *configs.Config) any { return *c.Personality }, configs.LinuxPersonality{Domain: 8}},
		{`{"linux":{"memoryPolicy":{"mode":"MPOL_INTERLEAVE","nodes":"0","flags":["MPOL_F_STATIC_NODES"]}}}`,
			func(c *configs.Config) any {
				return []any{c.MemoryPolicy.Mode, c.MemoryPolicy.Flags, c.MemoryPolicy.Nodes.Count()}
			}, []any{3, 1 << 15, 1}},
		{`{"linux":{"timeOffsets":{"boottime":{"secs":-3,"nanosecs":4}}}}`, func(c *configs.Config) any { return c.TimeOffsets },
			map[string]specs.LinuxTimeOffset{"boottime": {Secs: -3, Nanosecs: 4}}},
		{`{"linux":{"netDevices":{"a":{"name":"b"},"c":{}}}}`, func(c *configs.Config) any { return c.NetDevices },
			map[string]*configs.LinuxNetDevice{"a": {Name: "b"}, "c": {}}},
		{`{"linux":{"intelRdt":{"closID":"g","schemata":["L3:0=f"],"l3CacheSchema":"L3:0=1","memBwSchema":"MB:0=1","enableMonitoring":true}}}`,
			func(c *configs.Config) any { return *c.IntelRdt },
			configs.IntelRdt{ClosID: "g", Schemata: []string{"L3:0=f"}, L3CacheSchema: "L3:0=1", MemBwSchema: "MB:0=1", EnableMonitoring: true}},
		{`{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86_64"],"flags":["SECCOMP_FILTER_FLAG_LOG"],"listenerPath":"/s","listenerMetadata":"m",
			"syscalls":[{"names":["a","b"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":2,"valueTwo":3,"op":"SCMP_CMP_MASKED_EQ"}]}]}}}`,
			func(c *configs.Config) any { b, _ := json.Marshal(c.Seccomp); return string(b) },
			`{"default_action":2,"architectures":["amd64"],"flags":["SECCOMP_FILTER_FLAG_LOG"],"syscalls":[` +
				`{"name":"a","action":4,"args":[{"index":1,"value":2,"value_two":3,"op":7}]},{"name":"b","action":4,"args":[{"index":1,"value":2,"value_two":3,"op":7}]}],` +
				`"default_errno_ret":38,"listener_path":"/s","listener_metadata":"m"}`},
		{`{"linux":{"namespaces":[{"type":"user"},{"type":"cgroup"}],"uidMappings":[{"containerID":0,"hostID":100000,"size":9}],"gidMappings":[{"containerID":0,"hostID":200000,"size":9}]},
			"mounts":[{"destination":"/sys/fs/cgroup","type":"cgroup","options":["rw"]}]}`,
			func(c *configs.Config) any {
				return []any{c.UIDMappings, c.GIDMappings, c.Cgroups.OwnerUID, c.Devices[0].Uid, c.Devices[0].Gid}
			}, []any{[]configs.IDMap{{HostID: 100000, Size: 9}}, []configs.IDMap{{HostID: 200000, Size: 9}}, &uid, uint32(100000), uint32(200000)}},
	} {
		t.Run(tc.change, func(t *testing.T) {
			if got := tc.got(convert(t, parsed(t, tc.change))); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestDevices(t *testing.T) {
	c := convert(t, parsed(t, `{"linux":{"devices":[
		{"path":"/dev/fuse","type":"c","major":10,"minor":229},
		{"path":"/dev/null","type":"u","major":1,"minor":3,"fileMode":384,"uid":5,"gid":6},
		{"path":"/dev/sdx","type":"b","major":8,"minor":1},
		{"path":"/dev/pipe","type":"p","fileMode":4480}]}}`))
	var got []string
	for _, d := range c.Devices {
		got = append(got, fmt.Sprintf("%s %c %d:%d %o %d:%d", d.Path, d.Type, d.Major, d.Minor, d.FileMode, d.Uid, d.Gid))
	}
	want := []string{
		"/dev/random c 1:8 666 0:0", "/dev/full c 1:7 666 0:0", "/dev/tty c 5:0 666 0:0", "/dev/zero c 1:5 666 0:0",
		"/dev/urandom c 1:9 666 0:0", "/dev/fuse c 10:229 666 0:0", "/dev/null c 1:3 600 5:6", "/dev/sdx b 8:1 666 0:0",
		"/dev/pipe p 0:0 10600 0:0",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDeviceRules(t *testing.T) {
	for _, tc := range []struct{ name, list, want string }{
		{"none at all", `[]`, ""},
		{"deny-all is said once", `[{"allow":false,"access":"rwm"}]`, ""},
		{"what engines give", `[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":5,"minor":1,"access":"rw"},{"allow":true,"type":"b","major":8}]`,
			"+c 5:1 rw +b 8:-1 rwm "},
		{"everything", `[{"allow":true}]`, "+a -1:-1 rwm "},
		{"letters that mean nothing", `[{"allow":true,"type":"c","major":1,"minor":11,"access":"rwa"},{"allow":true,"type":"b","access":"xm"}]`,
			"+c 1:11 rw +b -1:-1 m "},
		{"no letter that means anything", `[{"allow":true,"type":"c","major":1,"minor":11,"access":"a"}]`, ""},
		{"a rule about all, whatever its access", `[{"allow":true,"type":"a","access":"a"}]`, "+a -1:-1 rwm "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := example()
			if err := json.Unmarshal([]byte(tc.list), &s.Linux.Resources.Devices); err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, r := range convert(t, s).Cgroups.Devices {
				got += fmt.Sprintf("%c%c %d:%d %s ", map[bool]rune{true: '+', false: '-'}[r.Allow], r.Type, r.Major, r.Minor, r.Permissions)
			}
			want := "-a -1:-1 rwm " + tc.want + "+c -1:-1 m +b -1:-1 m +c 1:3 rwm +c 1:8 rwm +c 1:7 rwm +c 5:0 rwm +c 1:5 rwm +c 1:9 rwm +c 136:-1 rwm +c 5:2 rwm +c 10:200 rwm "
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestDefaultDevicesDoNotShareMemory(t *testing.T) {
	a, b := convert(t, example()), convert(t, example())
	a.Devices[0].Uid = 77
	a.Cgroups.Devices[3].Allow = false
	if b.Devices[0].Uid != 0 || !b.Cgroups.Devices[3].Allow {
		t.Error("one container's devices changed another's")
	}
}

func TestMissingPartsOfASpecAreNoError(t *testing.T) {
	c := convert(t, &specs.Spec{Root: &specs.Root{Path: "r"}})
	if c.Rootfs != "/bundles/a/r" || len(c.Devices) != 6 || len(c.Namespaces) != 0 || c.Hooks != nil {
		t.Errorf("%+v", c)
	}
}

func TestRlimits(t *testing.T) {
	got, err := ToRlimit(specs.POSIXRlimit{Type: "RLIMIT_CORE", Hard: 1<<64 - 1, Soft: 1})
	if want := (configs.Rlimit{Type: unix.RLIMIT_CORE, Hard: 1<<64 - 1, Soft: 1}); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
