package sched

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

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
	_, priority := IOPriorityValue(&configs.IOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 8})
	_, flag := MemoryFlagBit("MPOL_F_X")
	for want, err := range map[string]error{
		`invalid ioPriority.Class: "x"`:         class,
		"invalid personality domain x":          domain,
		`invalid memory policy mode "MPOL_X"`:   mode,
		`invalid memory policy flag "MPOL_F_X"`: flag,
		"invalid ioPriority.Priority: 8":        priority,
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
