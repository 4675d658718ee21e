package cgroup

import (
	"fmt"

	"github.com/opencontainers/cgroups"
)

// initThreads is more than init's Go runtime ever has.
const initThreads = 32

// FewPids says whether the limit on pids is such that init's threads may hit it.
func FewPids(r *cgroups.Resources) bool {
	return r != nil && r.PidsLimit != nil && *r.PidsLimit >= 0 && *r.PidsLimit < initThreads
}

// late is the cgroup of a container that is being set up. A limit on pids that
// init could run into meanwhile is left out: its threads count, and its Go
// runtime would crash. The user's process, which takes init's place, is one
// thread to begin with.
type late struct {
	cgroups.Manager
	pids *cgroups.Resources
}

func (l *late) Set(r *cgroups.Resources) error {
	if !FewPids(r) {
		return l.Manager.Set(r)
	}
	l.pids = &cgroups.Resources{PidsLimit: r.PidsLimit, SkipDevices: true}
	rest := *r
	rest.PidsLimit = nil
	return l.Manager.Set(&rest)
}

// SetLate applies what had to wait until init is ready.
func (m *Manager) SetLate() error {
	l, ok := m.lib.(*late)
	if !ok {
		return nil
	}
	m.lib = l.Manager
	if l.pids == nil {
		return nil
	}
	if err := m.explain(m.lib.Set(l.pids), l.pids); err != nil {
		return fmt.Errorf("unable to start container process: error during container init: error setting cgroup config for procHooks process: %w", err)
	}
	return nil
}
