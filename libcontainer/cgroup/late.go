package cgroup

import (
	"fmt"

	"github.com/opencontainers/cgroups"
)

// initThreads is more than the number of threads that `runc init` ever has.
const initThreads = 32

// FewPids says whether the threads of `runc init` could reach the limit on pids.
func FewPids(r *cgroups.Resources) bool {
	return r != nil && r.PidsLimit != nil && *r.PidsLimit >= 0 && *r.PidsLimit < initThreads
}

// deferPids leaves a limit on pids out that init could reach while it sets the
// container up: the threads of `runc init` count, and its Go runtime would crash.
// The user's program, which takes the place of init, begins with one thread.
func (m *Manager) deferPids(r *cgroups.Resources) *cgroups.Resources {
	if !FewPids(r) {
		return r
	}
	m.late = &cgroups.Resources{PidsLimit: r.PidsLimit, SkipDevices: true}
	rest := *r
	rest.PidsLimit = nil
	return &rest
}

// HasLate says whether SetLate has something to do.
func (m *Manager) HasLate() bool { return m.late != nil }

// SetLate applies the limits that have to wait until init is ready.
func (m *Manager) SetLate() error {
	if m.late == nil {
		return nil
	}
	r := m.late
	m.late = nil
	if err := m.explain(m.lib.Set(r), r); err != nil {
		return fmt.Errorf("unable to start container process: error during container init: error setting cgroup config for procHooks process: %w", err)
	}
	return nil
}
