package cgroup

import "testing"

func TestOneSystemd(t *testing.T) {
	defer systemdOf.Store(systemdOf.Load())
	systemdOf.Store(0)
	for _, step := range []struct{ rootless, want bool }{{true, true}, {true, true}, {false, false}, {true, true}} {
		if got := oneSystemd(step.rootless); got != step.want {
			t.Errorf("%+v: got %v", step, got)
		}
	}
}
