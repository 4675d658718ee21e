package sched

import (
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

func TestAttr(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   configs.Scheduler
		want unix.SchedAttr
		err  string
	}{
		{"other with nice", configs.Scheduler{Policy: specs.SchedOther, Nice: -5}, unix.SchedAttr{Policy: 0, Nice: -5}, ""},
		{"fifo", configs.Scheduler{Policy: specs.SchedFIFO, Priority: 10}, unix.SchedAttr{Policy: 1, Priority: 10}, ""},
		{"rr", configs.Scheduler{Policy: specs.SchedRR, Priority: 99}, unix.SchedAttr{Policy: 2, Priority: 99}, ""},
		{"batch", configs.Scheduler{Policy: specs.SchedBatch}, unix.SchedAttr{Policy: 3}, ""},
		{"iso", configs.Scheduler{Policy: specs.SchedISO}, unix.SchedAttr{Policy: 4}, ""},
		{"idle", configs.Scheduler{Policy: specs.SchedIdle}, unix.SchedAttr{Policy: 5}, ""},
		{
			"deadline", configs.Scheduler{Policy: specs.SchedDeadline, Runtime: 1, Deadline: 2, Period: 3},
			unix.SchedAttr{Policy: 6, Runtime: 1, Deadline: 2, Period: 3}, "",
		},
		{
			"all flags",
			configs.Scheduler{Policy: specs.SchedOther, Flags: []specs.LinuxSchedulerFlag{
				specs.SchedFlagResetOnFork, specs.SchedFlagReclaim, specs.SchedFlagDLOverrun, specs.SchedFlagKeepPolicy,
				specs.SchedFlagKeepParams, specs.SchedFlagUtilClampMin, specs.SchedFlagUtilClampMax,
			}},
			unix.SchedAttr{Flags: 0x7f}, "",
		},
		{"no policy", configs.Scheduler{}, unix.SchedAttr{}, "invalid scheduler policy: "},
		{"unknown policy", configs.Scheduler{Policy: "SCHED_NOSUCH"}, unix.SchedAttr{}, "invalid scheduler policy: SCHED_NOSUCH"},
		{
			"unknown flag", configs.Scheduler{Policy: specs.SchedOther, Flags: []specs.LinuxSchedulerFlag{"SCHED_FLAG_X"}},
			unix.SchedAttr{}, "invalid scheduler flag: SCHED_FLAG_X",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Attr(&tc.in)
			if tc.err != "" {
				if err == nil || err.Error() != tc.err {
					t.Fatalf("got %v, want %s", err, tc.err)
				}
				return
			}
			tc.want.Size = unix.SizeofSchedAttr
			if err != nil || *got != tc.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tc.want)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for c, want := range map[specs.IOPriorityClass]int{specs.IOPRIO_CLASS_RT: 1, specs.IOPRIO_CLASS_BE: 2, specs.IOPRIO_CLASS_IDLE: 3} {
		if got, err := IOClassNumber(c); err != nil || got != want {
			t.Errorf("%s: got %d, %v", c, got, err)
		}
	}
	for d, want := range map[specs.LinuxPersonalityDomain]int{specs.PerLinux: 0, specs.PerLinux32: 8} {
		if got, err := PersonalityNumber(d); err != nil || got != want {
			t.Errorf("%s: got %d, %v", d, got, err)
		}
	}
	for m, want := range map[specs.MemoryPolicyModeType]int{
		specs.MpolDefault: 0, specs.MpolPreferred: 1, specs.MpolBind: 2, specs.MpolInterleave: 3,
		specs.MpolLocal: 4, specs.MpolPreferredMany: 5, specs.MpolWeightedInterleave: 6,
	} {
		if got, err := MemoryModeNumber(m); err != nil || got != want {
			t.Errorf("%s: got %d, %v", m, got, err)
		}
	}
	for f, want := range map[specs.MemoryPolicyFlagType]int{
		specs.MpolFStaticNodes: 1 << 15, specs.MpolFRelativeNodes: 1 << 14, specs.MpolFNumaBalancing: 1 << 13,
	} {
		if got, err := MemoryFlagBit(f); err != nil || got != want {
			t.Errorf("%s: got %d, %v", f, got, err)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	_, class := IOClassNumber("x")
	_, domain := PersonalityNumber("x")
	_, mode := MemoryModeNumber("MPOL_X")
	_, flag := MemoryFlagBit("MPOL_F_X")
	for want, err := range map[string]error{
		`invalid ioPriority.Class: "x"`:         class,
		"invalid personality domain x":          domain,
		`invalid memory policy mode "MPOL_X"`:   mode,
		`invalid memory policy flag "MPOL_F_X"`: flag,
		"invalid ioPriority.Priority: 8":        SetIOPriority(&configs.IOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 8}),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if n := len(KnownMemoryModes()); n != 7 {
		t.Errorf("%d memory policy modes", n)
	}
	if n := len(KnownMemoryFlags()); n != 3 {
		t.Errorf("%d memory policy flags", n)
	}
}

// onOwnThread runs f on a thread that ends with it, attributes included.
func onOwnThread(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Run("on a thread", func(t *testing.T) {
		runtime.LockOSThread()
		f(t)
	})
}

func TestSetScheduler(t *testing.T) {
	onOwnThread(t, func(t *testing.T) {
		if err := SetScheduler(&configs.Scheduler{Policy: specs.SchedBatch, Nice: 7}); err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if attr.Policy != schedBatch || attr.Nice != 7 {
			t.Errorf("policy %d, nice %d", attr.Policy, attr.Nice)
		}
		err = SetScheduler(&configs.Scheduler{Policy: specs.SchedISO})
		if err == nil || !strings.HasPrefix(err.Error(), "error setting scheduler: ") {
			t.Errorf("SCHED_ISO, which no kernel has: got %v", err)
		}
	})
}

func TestSetIOPriority(t *testing.T) {
	onOwnThread(t, func(t *testing.T) {
		if err := SetIOPriority(&configs.IOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 6}); err != nil {
			t.Fatal(err)
		}
		got, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, ioprioWhoProcess, 0, 0)
		if errno != 0 || got != ioprioClassBE<<ioprioClassShift|6 {
			t.Errorf("got %#x, %v", got, errno)
		}
	})
}

func TestSetPersonality(t *testing.T) {
	onOwnThread(t, func(t *testing.T) {
		if err := SetPersonality(perLinux32); err != nil {
			t.Fatal(err)
		}
		var uts unix.Utsname
		if err := unix.Uname(&uts); err != nil {
			t.Fatal(err)
		}
		machine := unix.ByteSliceToString(uts.Machine[:])
		if runtime.GOARCH == "amd64" && machine != "i686" {
			t.Errorf("a 32-bit domain's machine is %s", machine)
		}
		now, _, _ := unix.Syscall(unix.SYS_PERSONALITY, 0xffffffff, 0, 0)
		if now != perLinux32 {
			t.Errorf("personality is %#x", now)
		}
	})
}

func TestSetMemoryPolicy(t *testing.T) {
	onOwnThread(t, func(t *testing.T) {
		// Wider than the kernel's own masks, and than a unix.CPUSet.
		nodes := unix.NewCPUSet(4096)
		nodes.Set(0)
		err := SetMemoryPolicy(&configs.LinuxMemoryPolicy{Mode: unix.MPOL_BIND, Flags: unix.MPOL_F_STATIC_NODES, Nodes: nodes})
		if err != nil && strings.Contains(err.Error(), "function not implemented") {
			t.Skip("needs a kernel with NUMA")
		}
		if err != nil {
			t.Fatal(err)
		}
		var mode int32
		if _, _, errno := unix.Syscall6(unix.SYS_GET_MEMPOLICY, uintptr(unsafe.Pointer(&mode)), 0, 0, 0, 0, 0); errno != 0 {
			t.Fatal(errno)
		}
		if mode != unix.MPOL_BIND|unix.MPOL_F_STATIC_NODES {
			t.Errorf("mode is %#x", mode)
		}
		if err := SetMemoryPolicy(&configs.LinuxMemoryPolicy{Mode: unix.MPOL_DEFAULT}); err != nil {
			t.Error(err)
		}
		if err := SetMemoryPolicy(&configs.LinuxMemoryPolicy{Mode: unix.MPOL_DEFAULT, Nodes: nodes}); err == nil {
			t.Error("nodes with MPOL_DEFAULT were taken")
		} else if want := "mode MPOL_DEFAULT with 1 nodes"; !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	})
}

func TestResetAffinity(t *testing.T) {
	child := exec.Command("sleep", "100")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	pid := child.Process.Pid
	var all, got unix.CPUSet
	one := unix.NewCPUSet(8192)
	if err := unix.SchedGetaffinity(pid, &all); err != nil {
		t.Fatal(err)
	}
	if all.Count() < 2 {
		t.Skip("needs two CPUs")
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if all.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	if err := SetAffinity(pid, one); err != nil {
		t.Fatal(err)
	}
	if err := unix.SchedGetaffinity(pid, &got); err != nil || !slices.Equal(got[:], one[:len(got)]) {
		t.Fatalf("affinity is of %d CPUs, %v", got.Count(), err)
	}
	if err := SetAffinity(pid, nil); err != nil {
		t.Fatal(err)
	}
	if err := ResetAffinity(pid); err != nil {
		t.Fatal(err)
	}
	if err := unix.SchedGetaffinity(pid, &got); err != nil || got != all {
		t.Errorf("affinity is of %d CPUs, %v; want %d", got.Count(), err, all.Count())
	}
	if err := SetAffinity(pid, unix.NewCPUSet(1)); err == nil || !strings.Contains(err.Error(), "sched_setaffinity") {
		t.Errorf("no CPU at all: got %v", err)
	}
}

func TestNilSetsNothing(t *testing.T) {
	if err := SetScheduler(nil); err != nil {
		t.Error(err)
	}
	if err := SetIOPriority(nil); err != nil {
		t.Error(err)
	}
	if err := SetMemoryPolicy(nil); err != nil {
		t.Error(err)
	}
}
