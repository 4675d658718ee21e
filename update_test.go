package main

import (
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestSystemdHasNoSharesForAnIdleGroup(t *testing.T) {
	n := func(i int64) *int64 { return &i }
	u := func(i uint64) *uint64 { return &i }
	for _, c := range []struct {
		name  string
		now   *int64
		asked *specs.LinuxCPU
		ok    bool
	}{
		{"nothing", nil, nil, true},
		{"shares", nil, &specs.LinuxCPU{Shares: u(200)}, true},
		{"idle", nil, &specs.LinuxCPU{Idle: n(1)}, true},
		{"both", nil, &specs.LinuxCPU{Shares: u(200), Idle: n(1)}, false},
		{"default shares", nil, &specs.LinuxCPU{Shares: u(1024), Idle: n(1)}, true},
		{"shares that mean none", nil, &specs.LinuxCPU{Shares: u(0), Idle: n(1)}, true},
		{"no more idle", n(1), &specs.LinuxCPU{Shares: u(200), Idle: n(0)}, true},
		{"shares after idle", n(1), &specs.LinuxCPU{Shares: u(200)}, true},
	} {
		err := checkIdle(&cgroups.Resources{CPUIdle: c.now}, &specs.LinuxResources{CPU: c.asked})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
