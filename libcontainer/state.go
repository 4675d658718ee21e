package libcontainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/system"
)

const (
	stateFilename = "state.json"
	fifoFilename  = "exec.fifo"
)

// State is what state.json holds. The names are an interface: engines, runc
// before and after a swap, and people's scripts read them.
type State struct {
	ID string `json:"id"`

	// InitProcessPid is init's pid in the namespace of the runtime, and
	// InitProcessStartTime its start in clock ticks since boot (field 22 of
	// /proc/PID/stat); together they name the process though pids are reused.
	InitProcessPid       int    `json:"init_process_pid"`
	InitProcessStartTime uint64 `json:"init_process_start"`

	// Created is in UTC.
	Created time.Time `json:"created"`

	Config configs.Config `json:"config"`

	// Rootless is read from older state files, in place of
	// Config.RootlessEUID.
	Rootless bool `json:"rootless,omitempty"`

	// CgroupPaths by controller; on cgroup v2 the only key is "".
	CgroupPaths map[string]string `json:"cgroup_paths"`

	// NamespacePaths are those of init, for exec to join.
	NamespacePaths map[configs.NamespaceType]string `json:"namespace_paths"`

	// ExternalDescriptors are what init's stdio was, for a checkpoint.
	ExternalDescriptors []string `json:"external_descriptors,omitempty"`

	IntelRdtPath string `json:"intel_rdt_path,omitempty"`
}

// stateHead is State with the configuration left as text: most commands on a
// container need little or nothing of it, and it is nine tenths of the file.
type stateHead struct {
	ID                   string                           `json:"id"`
	InitProcessPid       int                              `json:"init_process_pid"`
	InitProcessStartTime uint64                           `json:"init_process_start"`
	Created              time.Time                        `json:"created"`
	Config               json.RawMessage                  `json:"config"`
	Rootless             bool                             `json:"rootless"`
	CgroupPaths          map[string]string                `json:"cgroup_paths"`
	NamespacePaths       map[configs.NamespaceType]string `json:"namespace_paths"`
	ExternalDescriptors  []string                         `json:"external_descriptors"`
	IntelRdtPath         string                           `json:"intel_rdt_path"`
}

// readState reads the state file of a container's folder.
func readState(dir string) (*stateHead, error) {
	b, err := os.ReadFile(filepath.Join(dir, stateFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotExist
	} else if err != nil {
		return nil, err
	}
	s := new(stateHead)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("container state %s: %w", filepath.Join(dir, stateFilename), err)
	}
	return s, nil
}

// writeState replaces the state file as a whole, so that a reader sees the old
// one or the new one.
func writeState(dir string, s *State) (err error) {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("container state: %w", err)
	}
	f, err := os.CreateTemp(dir, "state-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, stateFilename))
}

// lock keeps other commands from changing the container meanwhile; the
// returned function lets them. It is the state folder itself that is locked,
// so that nothing is left behind.
func (c *Container) lock() (func(), error) {
	d, err := os.Open(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotExist
	} else if err != nil {
		return nil, err
	}
	if err := retry(func() error { return unix.Flock(int(d.Fd()), unix.LOCK_EX) }); err != nil {
		d.Close()
		return nil, fmt.Errorf("lock %s: %w", c.dir, err)
	}
	return func() { d.Close() }, nil
}

// alive says whether pid is still the process that began at start. A zombie
// is not: it no longer runs and holds nothing.
func alive(pid int, start uint64) bool {
	if pid <= 0 {
		return false
	}
	st, err := system.ProcStat(pid)
	return err == nil && st.StartTime == start && st.State != 'Z' && st.State != 'X'
}
