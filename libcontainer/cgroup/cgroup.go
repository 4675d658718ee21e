// Package cgroup handles a container's cgroup through its life: it is made and
// entered, limited, frozen, killed and removed.
//
// Most of the work on the files is done by opencontainers/cgroups. This package
// has the order of the steps, and what that library leaves to its callers. See
// cgroups(7) and the kernel's Documentation/admin-guide/cgroup-v2.rst.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

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
	// fresh says that no limits have been set yet.
	fresh bool
	// late are the limits that wait for SetLate.
	late *cgroups.Resources
	// shared says that an ordinary user could make no cgroup, so the container is
	// in the cgroup of its caller.
	shared bool
	// patience has what GiveUpAfter set.
	patience patience
}

// New decides where a new container's cgroup will be. It makes nothing.
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

// Load gives the cgroup of a container that exists, at the paths of its state
// file.
func Load(config *cgroups.Cgroup, paths map[string]string) (*Manager, error) {
	if config != nil && config.Systemd && !oneSystemd(config.Rootless) {
		return nil, errors.New("one program cannot use the system's systemd for one container and a user's for another")
	}
	lib, err := manager.NewWithPaths(config, paths)
	if err != nil {
		return nil, err
	}
	return &Manager{config: config, lib: lib, v2: cgroups.IsCgroup2UnifiedMode()}, nil
}

// systemdOf is 1 for a program that uses the system's systemd, 2 for a user's.
var systemdOf atomic.Int32

// oneSystemd says whether the program may use the one systemd or the other. The
// library keeps one connection, and panics when both are asked for.
func oneSystemd(rootless bool) bool {
	which := int32(1)
	if rootless {
		which = 2
	}
	return systemdOf.CompareAndSwap(0, which) || systemdOf.Load() == which
}

// Unified says whether the host has cgroup v2 only.
func (m *Manager) Unified() bool { return m.v2 }

// BirthReady says whether a process can be born in the cgroup. If so, Create makes
// the cgroup, and Dir opens it for CLONE_INTO_CGROUP. If not, Join makes it
// together with the first process in it.
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

// Create makes the cgroup without a process in it, where that is possible. In any
// case it refuses a cgroup that another container or process uses.
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

// handOver gives the cgroup to the container's root, with the files in it that may
// be given (cgroup-v2.rst, "Delegation").
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
		// Controllers and kernel decide which of the files exist.
		if err := os.Chown(filepath.Join(dir, filepath.Base(f)), *m.config.OwnerUID, -1); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Dir opens the cgroup's folder for a process to be born in; nil when there is
// none.
func (m *Manager) Dir() (*os.File, error) {
	if !BirthReady(m.config) {
		return nil, nil
	}
	return openDir(m.lib.Path(""))
}

func openDir(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		// An ordinary user had no right to make one.
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

// tolerate drops the error with which the library says that an ordinary user may
// make no cgroup: a container that asks for no limits does without.
func (m *Manager) tolerate(err error) error {
	if errors.Is(err, cgroups.ErrRootless) {
		return nil
	}
	return err
}

// ExecDir opens the folder in which a process that joins the container is born.
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
			// The container has enabled controllers for its sub-cgroups, so its top
			// may hold no process any more (EBUSY, or systemd's word for it). The
			// sub-cgroup of init may.
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

// subgroup gives the path of a cgroup below the container's, and refuses names that
// lead elsewhere.
func subgroup(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	if path != dir && !strings.HasPrefix(path, dir+"/") {
		return "", fmt.Errorf("bad sub cgroup path: %s", name)
	}
	return path, nil
}

// Set applies limits. The first time, while init is at work, it leaves out those
// that SetLate applies.
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

// Paths gives the paths by controller, as the state file has them.
func (m *Manager) Paths() map[string]string { return m.lib.GetPaths() }

// Pids lists all processes in the cgroup and those below it.
func (m *Manager) Pids() ([]int, error) { return m.lib.GetAllPids() }

// Pids lists the same by the paths of the state file alone; [fs.ErrNotExist] when
// there is no such cgroup.
func Pids(paths map[string]string) ([]int, error) {
	// Every container on v1 has a cgroup in this hierarchy.
	dir, ok := paths["devices"]
	if !ok {
		if dir, ok = paths[""]; !ok || len(paths) != 1 {
			return nil, fmt.Errorf("container has no cgroup: %w", fs.ErrNotExist)
		}
	}
	return cgroups.GetAllPids(dir)
}

// Stats reads what `events` shows.
func (m *Manager) Stats() (*cgroups.Stats, error) { return m.lib.GetStats() }

// Usage reads the part of Stats that people watch, from fewer files.
func (m *Manager) Usage() (*cgroups.Stats, error) {
	return m.lib.Stats(&cgroups.StatsOptions{Controllers: cgroups.CPU | cgroups.Memory | cgroups.Pids | cgroups.IO})
}

// OOMKillCount counts processes killed for lack of memory.
func (m *Manager) OOMKillCount() (uint64, error) { return m.lib.OOMKillCount() }

// ThawKilled thaws a frozen cgroup, so that a process that was killed in it can
// end. On cgroup v2 SIGKILL ends a frozen process.
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

// Frozen says whether a container's cgroup is frozen, by the paths of its state
// file alone.
func Frozen(paths map[string]string) (bool, error) {
	if dir, ok := paths["freezer"]; ok {
		b, err := system.ReadFile(filepath.Join(dir, "freezer.state"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return false, nil
		}
		if err != nil || len(b) == 0 || b[0] != 'F' {
			return false, err
		}
		// A frozen cgroup above freezes this one as well, but resuming the
		// container does not thaw that one.
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
