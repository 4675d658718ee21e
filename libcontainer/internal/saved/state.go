// Package saved has the type of what is kept of a container.
package saved

import (
	"time"

	"runc/libcontainer/configs"
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

	// IntelRdtPath is the container's control group of resctrl, IntelRdtMonPath
	// its own monitoring group.
	IntelRdtPath    string `json:"intel_rdt_path,omitempty"`
	IntelRdtMonPath string `json:"intel_rdt_mon_path,omitempty"`
}
