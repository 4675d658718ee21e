// Package cgroup is the container's cgroup, for the moments of its life: made
// and entered, limited, frozen, killed, removed.
//
// The work on the files is opencontainers/cgroups'; what is here is the order,
// and what that library leaves to its callers. See cgroups(7) and the kernel's
// Documentation/admin-guide/cgroup-v2.rst.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/cgroups"
	_ "github.com/opencontainers/cgroups/devices" // the rules of both versions
	"github.com/opencontainers/cgroups/manager"
	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// Manager is one container's cgroup.
type Manager struct {
	config *cgroups.Cgroup
	lib    cgroups.Manager
	v2     bool
	// fresh: limits have not been set yet.
	fresh bool
	// late are those that wait for SetLate.
	late *cgroups.Resources
	// shared: an ordinary user could make no cgroup, and the container is in
	// that of its caller.
	shared bool
	// patience has what GiveUpAfter set.
	patience patience
}

// New decides where a new container's cgroup is to be. It makes nothing.
func New(config *cgroups.Cgroup) (*Manager, error) {
	var paths map[string]string
	if config != nil && !config.Systemd && !cgroups.IsCgroup2UnifiedMode() {
		var err error
		if paths, err = v1Paths(config); err != nil {
			return nil, err
		}
	}
	m, err := Load(config, paths)
	if err != nil {
		return nil, err
	}
	m.fresh = true
	return m, nil
}

// Load is for a cgroup that exists, at the paths of the state file.
func Load(config *cgroups.Cgroup, paths map[string]string) (*Manager, error) {
	lib, err := manager.NewWithPaths(config, paths)
	if err != nil {
		return nil, err
	}
	return &Manager{config: config, lib: lib, v2: cgroups.IsCgroup2UnifiedMode()}, nil
}

// Unified says whether the host has cgroup v2 only.
func (m *Manager) Unified() bool { return m.v2 }

// BirthReady says whether a process can be born in a cgroup: Create makes it,
// and Dir opens it for CLONE_INTO_CGROUP. Else Join makes it with the first
// process in it.
func BirthReady(config *cgroups.Cgroup) bool {
	return !config.Systemd && cgroups.IsCgroup2UnifiedMode()
}

// Check refuses a cgroup that another container or process uses already, and
// one that is frozen: init would stop in it before its first step.
func (m *Manager) Check() error {
	if m.lib.Exists() {
		pids, err := m.lib.GetAllPids()
		// It may be removed at this moment, and an ordinary user may have no
		// right to look.
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("unable to get cgroup PIDs: %w", err)
		}
		if len(pids) != 0 {
			return fmt.Errorf("container's cgroup is not empty: %d process(es) found", len(pids))
		}
	}
	// On v1 lib.Exists looks at the devices hierarchy alone. Each hierarchy has
	// a cgroup of its own, so the freezer's is asked in any case.
	file, thawed := filepath.Join(m.lib.Path("freezer"), "freezer.state"), "THAWED"
	if m.v2 {
		file, thawed = filepath.Join(m.lib.Path(""), "cgroup.freeze"), "0"
	} else if m.lib.Path("freezer") == "" {
		return nil
	}
	state, err := system.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission), errors.Is(err, unix.ENODEV):
		return nil
	case err != nil:
		return fmt.Errorf("unable to get cgroup freezer state: %w", err)
	case strings.TrimSpace(string(state)) != thawed:
		return errors.New("container's cgroup unexpectedly frozen")
	}
	return nil
}

// Create makes the cgroup without a process in it, where that is possible, and
// in any case refuses one that somebody uses.
func (m *Manager) Create() error {
	if err := m.Check(); err != nil {
		return err
	}
	if !BirthReady(m.config) {
		return nil
	}
	err := m.lib.Apply(-1)
	if errors.Is(err, cgroups.ErrRootless) {
		return nil
	}
	if err == nil {
		err = m.handOver()
	}
	if err != nil {
		if e := m.Destroy(); e != nil {
			err = fmt.Errorf("%w; afterwards, unable to undo the container's cgroup: %w", err, e)
		}
	}
	return err
}

// handOver gives the cgroup to the container's root, with those files of it
// that may be given (cgroup-v2.rst, "Delegation").
func (m *Manager) handOver() error {
	if m.config.OwnerUID == nil {
		return nil
	}
	dir := m.lib.Path("")
	files := []string{"cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "memory.oom.group"}
	if b, err := os.ReadFile("/sys/kernel/cgroup/delegate"); err == nil {
		files = append(files, strings.Fields(string(b))...)
	}
	if err := os.Chown(dir, *m.config.OwnerUID, -1); err != nil {
		return err
	}
	for _, f := range files {
		// Which of them there are depends on controllers and kernel.
		if err := os.Chown(filepath.Join(dir, filepath.Base(f)), *m.config.OwnerUID, -1); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Dir opens the cgroup's folder; nil when there is none to be born in.
func (m *Manager) Dir() (*os.File, error) {
	if !BirthReady(m.config) {
		return nil, nil
	}
	return openDir(m.lib.Path(""))
}

func openDir(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		// Rootless, without the right to make one.
		return nil, nil
	} else if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Join puts a process into the cgroup, making it where Create does not.
func (m *Manager) Join(pid int) error {
	err := m.lib.Apply(pid)
	m.shared = errors.Is(err, cgroups.ErrRootless)
	return m.tolerate(err)
}

// tolerate: a rootless container may do without a cgroup when it asks for no
// limits, says the library.
func (m *Manager) tolerate(err error) error {
	if errors.Is(err, cgroups.ErrRootless) {
		return nil
	}
	return err
}

// ExecDir is the folder for a process that joins the container to be born in.
func (m *Manager) ExecDir(sub map[string]string, initPid int) (*os.File, error) {
	if !m.v2 || m.lib.Path("") == "" {
		return nil, nil
	}
	s, ok := sub[""]
	if !ok && len(sub) != 0 {
		return nil, nil
	}
	path, err := subgroup(m.lib.Path(""), s)
	if err != nil {
		return nil, err
	}
	return openDir(path)
}

// JoinExec puts a process that joins the container where it belongs.
func (m *Manager) JoinExec(sub map[string]string, initPid, pid int) error {
	if s, ok := sub[""]; ok || len(sub) == 0 {
		err := m.lib.AddPid(s, pid)
		if m.v2 && s == "" && err != nil && !errors.Is(err, cgroups.ErrRootless) {
			// The container has handed controllers down: its top may hold no
			// process any more (EBUSY, or systemd's word for it), but init's own
			// sub-cgroup may.
			own, e := cgroups.ParseCgroupFile(fmt.Sprintf("/proc/%d/cgroup", initPid))
			if e != nil {
				return err
			}
			if e := cgroups.WriteCgroupProc(filepath.Join("/sys/fs/cgroup", own[""]), pid); e != nil {
				return err
			}
			return nil
		}
		return m.tolerate(err)
	}
	paths := m.lib.GetPaths()
	for ctrl := range sub {
		if _, ok := paths[ctrl]; !ok {
			return fmt.Errorf("unknown controller %s in SubCgroupPaths", ctrl)
		}
	}
	for ctrl, dir := range paths {
		path, err := subgroup(dir, sub[ctrl])
		if err != nil {
			return err
		}
		if err := cgroups.WriteCgroupProc(path, pid); err != nil {
			return err
		}
	}
	return nil
}

// subgroup is a cgroup below the container's, and not elsewhere.
func subgroup(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	if path != dir && !strings.HasPrefix(path, dir+"/") {
		return "", fmt.Errorf("bad sub cgroup path: %s", name)
	}
	return path, nil
}

// Set applies limits. The first time, while init is at work, it leaves out what
// SetLate has to do.
func (m *Manager) Set(r *cgroups.Resources) error {
	r, err := m.heedIdle(r)
	if err != nil {
		return err
	}
	first := m.fresh
	m.fresh = false
	if first {
		r = m.deferPids(r)
	}
	if !first || m.v2 || m.config.Systemd || r == nil {
		return m.explain(m.lib.Set(r), r)
	}
	done, err := setDevicesV1(m.lib.Path("devices"), r)
	if err != nil {
		return err
	}
	if done {
		rest := *r
		rest.SkipDevices = true
		r = &rest
	}
	return m.explain(m.lib.Set(r), r)
}

// Paths by controller, as the state file has them.
func (m *Manager) Paths() map[string]string { return m.lib.GetPaths() }

// Pids are those of all processes in the cgroup and those below it.
func (m *Manager) Pids() ([]int, error) { return m.lib.GetAllPids() }

// Pids is the same by the paths of the state file alone; [fs.ErrNotExist] when
// there is no such cgroup.
func Pids(paths map[string]string) ([]int, error) {
	// Every container on v1 has this one.
	dir, ok := paths["devices"]
	if !ok {
		if dir, ok = paths[""]; !ok || len(paths) != 1 {
			return nil, fmt.Errorf("container has no cgroup: %w", fs.ErrNotExist)
		}
	}
	return cgroups.GetAllPids(dir)
}

// Stats is what `events` shows.
func (m *Manager) Stats() (*cgroups.Stats, error) { return m.lib.GetStats() }

// Usage is the part of Stats that people watch, with fewer files to read.
func (m *Manager) Usage() (*cgroups.Stats, error) {
	return m.lib.Stats(&cgroups.StatsOptions{Controllers: cgroups.CPU | cgroups.Memory | cgroups.Pids | cgroups.IO})
}

// OOMKillCount counts processes killed for lack of memory.
func (m *Manager) OOMKillCount() (uint64, error) { return m.lib.OOMKillCount() }

// ThawKilled lets a killed process of a frozen cgroup die; cgroup v2 does that
// by itself.
func (m *Manager) ThawKilled() error {
	if m.v2 {
		return nil
	}
	state, err := m.lib.GetFreezerState()
	if err != nil || state != cgroups.Frozen {
		return err
	}
	return m.Thaw()
}

// Frozen looks at a container's freezer, by the paths of its state file alone.
func Frozen(paths map[string]string) (bool, error) {
	if dir, ok := paths["freezer"]; ok {
		b, err := system.ReadFile(filepath.Join(dir, "freezer.state"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return false, nil
		}
		if err != nil || len(b) == 0 || b[0] != 'F' {
			return false, err
		}
		// A frozen cgroup above freezes this one too, and is not for the
		// container's resume to thaw.
		own, err := system.ReadFile(filepath.Join(dir, "freezer.self_freezing"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return false, nil
		}
		return err == nil && len(own) > 0 && own[0] == '1', err
	}
	if dir, ok := paths[""]; ok && len(paths) == 1 {
		b, err := system.ReadFile(filepath.Join(dir, "cgroup.freeze"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return false, nil
		}
		return err == nil && len(b) > 0 && b[0] == '1', err
	}
	return false, nil
}
