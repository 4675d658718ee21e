package inside

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/capabilities"
	"runc/libcontainer/configs"
	"runc/libcontainer/internal/program"
	"runc/libcontainer/keyring"
)

// onOwnThread runs f on a thread with new namespaces that ends with f, and with
// it what f gives up.
func onOwnThread(t *testing.T, namespaces int, f func(t *testing.T)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	t.Run("on a thread", func(t *testing.T) {
		runtime.LockOSThread()
		if err := unix.Unshare(namespaces); err != nil {
			t.Skipf("needs namespaces: %v", err)
		}
		f(t)
	})
}

// do runs the steps that build adds, in this thread.
func do(t *testing.T, boot *Bootstrap, build func(s *Setup)) error {
	t.Helper()
	s := &Setup{Bootstrap: boot, Sock: -1, b: new(program.Builder)}
	build(s)
	return s.b.Run(&program.Runner{Sock: -1})
}

// threadSets reads the capability sets of the calling thread.
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

func TestCapabilities(t *testing.T) {
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
			onOwnThread(t, 0, func(t *testing.T) {
				caps, _ := capabilities.New(tc.in)
				if err := do(t, &Bootstrap{Caps: caps}, func(s *Setup) { s.bounding(); s.capset(caps); s.ambient() }); err != nil {
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

func TestBoundingSetWithoutTheRight(t *testing.T) {
	onOwnThread(t, 0, func(t *testing.T) {
		none := &Bootstrap{}
		if err := do(t, none, func(s *Setup) { s.capset(s.Caps) }); err != nil {
			t.Fatal(err)
		}
		if err := do(t, none, (*Setup).bounding); !errors.Is(err, unix.EPERM) {
			t.Errorf("nothing was dropped: %v", err)
		}
	})
	onOwnThread(t, 0, func(t *testing.T) {
		if err := do(t, &Bootstrap{}, func(s *Setup) { s.bounding(); s.capset(s.Caps); s.bounding() }); err != nil {
			t.Errorf("with nothing left to drop: %v", err)
		}
	})
}

func TestAttributes(t *testing.T) {
	const (
		perLinux32 = 8
		whoProcess = 1
		bestEffort = 2<<13 | 6
	)
	onOwnThread(t, 0, func(t *testing.T) {
		boot := &Bootstrap{
			Scheduler:   &configs.Scheduler{Policy: specs.SchedBatch, Nice: 7},
			IOPriority:  &configs.IOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 6},
			Personality: &configs.LinuxPersonality{Domain: perLinux32},
		}
		if err := do(t, boot, (*Setup).attributes); err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil || attr.Policy != unix.SCHED_BATCH || attr.Nice != 7 {
			t.Errorf("scheduler: %+v, %v", attr, err)
		}
		if got, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, whoProcess, 0, 0); errno != 0 || got != bestEffort {
			t.Errorf("I/O priority is %#x, %v", got, errno)
		}
		if now, _, _ := unix.Syscall(unix.SYS_PERSONALITY, 0xffffffff, 0, 0); now != perLinux32 {
			t.Errorf("personality is %#x", now)
		}
		err = do(t, &Bootstrap{Scheduler: &configs.Scheduler{Policy: specs.SchedISO}}, (*Setup).attributes)
		if err == nil || !strings.HasPrefix(err.Error(), "error setting scheduler: ") {
			t.Errorf("SCHED_ISO, which no kernel has: got %v", err)
		}
	})
}

func TestSysctls(t *testing.T) {
	onOwnThread(t, unix.CLONE_NEWUTS|unix.CLONE_NEWIPC, func(t *testing.T) {
		boot := &Bootstrap{Sysctl: map[string]string{"kernel.domainname": "example.test", "kernel/msgmax": "4321"}}
		if err := do(t, boot, (*Setup).sysctls); err != nil {
			t.Fatal(err)
		}
		var uts unix.Utsname
		if err := unix.Uname(&uts); err != nil || unix.ByteSliceToString(uts.Domainname[:]) != "example.test" {
			t.Errorf("domain name is %q", uts.Domainname)
		}
		b, err := os.ReadFile("/proc/sys/kernel/msgmax")
		if err != nil || strings.TrimSpace(string(b)) != "4321" {
			t.Errorf("msgmax is %q, %v", b, err)
		}
		for _, tc := range []struct {
			name, value, prefix string
			err                 error
		}{
			{"net.ipv4.nosuch", "1", "open sysctl net.ipv4.nosuch file: ", unix.ENOENT},
			{"kernel.msgmax", "many", "write sysctl kernel.msgmax: ", unix.EINVAL},
			{"kernel/../x", "1", `sysctl "kernel/../x" is not a valid name`, nil},
		} {
			err := do(t, &Bootstrap{Sysctl: map[string]string{tc.name: tc.value}}, (*Setup).sysctls)
			if err == nil || !strings.HasPrefix(err.Error(), tc.prefix) || tc.err != nil && !errors.Is(err, tc.err) {
				t.Errorf("%s: got %v, want %s...", tc.name, err, tc.prefix)
			}
		}
	})
}

func TestAppArmorProfileThatIsNotLoaded(t *testing.T) {
	onOwnThread(t, 0, func(t *testing.T) {
		for _, name := range []string{"runtime-test-nosuch", "a\x00b", "a\nb"} {
			err := do(t, &Bootstrap{AppArmorProfile: name}, (*Setup).appArmor)
			if err == nil || !strings.HasPrefix(err.Error(), "unable to apply apparmor profile: apparmor failed to apply profile: ") {
				t.Errorf("%q: got %v", name, err)
			}
		}
	})
}

func TestKeyring(t *testing.T) {
	for share, want := range map[keyring.Share]string{keyring.ShareUser: "3f1b0000", keyring.ShareOther: "3f1b0008"} {
		boot := &Bootstrap{ID: t.TempDir()[1:], NewKeyring: true, KeyringShare: share}
		onOwnThread(t, 0, func(t *testing.T) {
			join := func() (int, string) {
				if err := do(t, boot, (*Setup).keyring); err != nil {
					t.Fatal(err)
				}
				id, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
				if err != nil {
					t.Skipf("needs keyrings: %v", err)
				}
				text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
				if err != nil {
					t.Fatal(err)
				}
				return id, text
			}
			first, text := join()
			if !strings.Contains(text, ";"+want+";"+keyring.SessionName(boot.ID)) {
				t.Errorf("the keyring is %q, want rights %s", text, want)
			}
			// As exec does, which sets no rights.
			boot.KeyringShare = keyring.ShareNone
			if second, _ := join(); second != first {
				t.Errorf("joined keyring %d, want %d", second, first)
			}
		})
	}
}
