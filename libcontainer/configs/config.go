package configs

import (
	"github.com/opencontainers/cgroups"
	devices "github.com/opencontainers/cgroups/devices/config"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Config says everything about a container that does not differ between the
// processes in it.
type Config struct {
	// NoPivotRoot moves the root by MS_MOVE and chroot(2) instead of
	// pivot_root(2), for a rootfs on the initial ramdisk.
	NoPivotRoot bool `json:"no_pivot_root,omitempty"`

	// ParentDeathSignal is sent to the container's init when the process
	// that made it dies. 0 sends none.
	ParentDeathSignal int `json:"parent_death_signal,omitempty"`

	// Rootfs is the absolute path of the container's root on the host.
	Rootfs string `json:"rootfs"`

	// Umask of the init process; nil means 0022.
	Umask *uint32 `json:"umask,omitempty"`

	// Readonlyfs remounts the root read-only once everything is in place.
	Readonlyfs bool `json:"readonlyfs,omitempty"`

	// RootPropagation is the propagation of the root mount as MS_ flags
	// (MS_REC included); 0 means MS_SLAVE|MS_REC.
	RootPropagation int `json:"rootPropagation,omitempty"`

	// Mounts are made in this order.
	Mounts []*Mount `json:"mounts"`

	// Devices are the nodes made in /dev.
	Devices []*devices.Device `json:"devices"`

	// MountLabel is the SELinux context of the container's file systems.
	MountLabel string `json:"mount_label,omitempty"`

	Hostname   string `json:"hostname,omitempty"`
	Domainname string `json:"domainname,omitempty"`

	// Namespaces that the container has of its own, or joins by path. A type
	// that is missing is shared with the runtime's caller.
	Namespaces Namespaces `json:"namespaces"`

	// Capabilities of processes that do not bring their own; nil drops all.
	Capabilities *Capabilities `json:"capabilities,omitempty"`

	Networks []*Network `json:"networks,omitempty"`
	Routes   []*Route   `json:"routes,omitempty"`

	// NetDevices are moved into the container's network namespace, keyed by
	// their name on the host.
	NetDevices map[string]*LinuxNetDevice `json:"net_devices,omitempty"`

	// Cgroups names the container's cgroup and its limits.
	Cgroups *cgroups.Cgroup `json:"cgroups"`

	AppArmorProfile string `json:"apparmor_profile,omitempty"`

	// ProcessLabel is the SELinux context of the container's processes.
	ProcessLabel string `json:"process_label,omitempty"`

	Rlimits []Rlimit `json:"rlimits,omitempty"`

	// OomScoreAdj is written to /proc/self/oom_score_adj; nil leaves the
	// runtime's own.
	OomScoreAdj *int `json:"oom_score_adj,omitempty"`

	// UIDMappings and GIDMappings are those of the user namespace, whether it
	// is new or joined.
	UIDMappings []IDMap `json:"uid_mappings,omitempty"`
	GIDMappings []IDMap `json:"gid_mappings,omitempty"`

	// MaskPaths are hidden, ReadonlyPaths made read-only; missing ones ignored.
	MaskPaths     []string `json:"mask_paths,omitempty"`
	ReadonlyPaths []string `json:"readonly_paths,omitempty"`

	// Sysctl by name, with . or / as separator, as config.json has them.
	Sysctl map[string]string `json:"sysctl,omitempty"`

	Seccomp *Seccomp `json:"seccomp,omitempty"`

	NoNewPrivileges bool `json:"no_new_privileges,omitempty"`

	Hooks Hooks `json:"Hooks,omitempty"`

	// Version is config.json's ociVersion.
	Version string `json:"version"`

	// Labels are bundle=DIR and the annotations, as k=v.
	Labels []string `json:"labels"`

	// NoNewKeyring leaves the caller's session keyring in place.
	NoNewKeyring bool `json:"no_new_keyring,omitempty"`

	IntelRdt *IntelRdt `json:"intel_rdt,omitempty"`

	// RootlessEUID: the runtime does not run as euid 0 of the initial user
	// namespace, so privileged steps must be left to newuidmap and friends.
	RootlessEUID bool `json:"rootless_euid,omitempty"`

	// RootlessCgroups: failing to use cgroups is no error.
	RootlessCgroups bool `json:"rootless_cgroups,omitempty"`

	// TimeOffsets of the time namespace, keyed by clock (monotonic, boottime).
	TimeOffsets map[string]specs.LinuxTimeOffset `json:"time_offsets,omitempty"`

	Scheduler       *Scheduler         `json:"scheduler,omitempty"`
	Personality     *LinuxPersonality  `json:"personality,omitempty"`
	IOPriority      *IOPriority        `json:"io_priority,omitempty"`
	ExecCPUAffinity *CPUAffinity       `json:"exec_cpu_affinity,omitempty"`
	MemoryPolicy    *LinuxMemoryPolicy `json:"memory_policy,omitempty"`
}

// Capabilities are the five sets, each a list of CAP_ names.
type Capabilities struct {
	Bounding    []string `json:"Bounding,omitempty"`
	Effective   []string `json:"Effective,omitempty"`
	Inheritable []string `json:"Inheritable,omitempty"`
	Permitted   []string `json:"Permitted,omitempty"`
	Ambient     []string `json:"Ambient,omitempty"`
}

// Rlimit is one resource limit; Type is the RLIMIT_ number.
type Rlimit struct {
	Type int    `json:"type"`
	Hard uint64 `json:"hard"`
	Soft uint64 `json:"soft"`
}

// IDMap maps Size ids from ContainerID on to HostID on.
type IDMap struct {
	ContainerID int64 `json:"container_id"`
	HostID      int64 `json:"host_id"`
	Size        int64 `json:"size"`
}

// Network is an interface to bring up; only loopback is made by the runtime.
type Network struct {
	Type string `json:"type"`
}

// Route is kept for state files of other versions; the runtime sets none.
type Route struct {
	Destination   string `json:"destination,omitempty"`
	Source        string `json:"source,omitempty"`
	Gateway       string `json:"gateway,omitempty"`
	InterfaceName string `json:"interface_name,omitempty"`
}

// LinuxNetDevice is a network device to move; an empty Name keeps the host's.
type LinuxNetDevice struct {
	Name string `json:"name,omitempty"`
}

// IntelRdt is the resctrl group of the container.
type IntelRdt struct {
	// ClosID names the group; empty takes the container's id.
	ClosID string `json:"closID,omitempty"`
	// Schemata lines are written after L3CacheSchema and MemBwSchema.
	Schemata         []string `json:"schemata,omitempty"`
	L3CacheSchema    string   `json:"l3_cache_schema,omitempty"`
	MemBwSchema      string   `json:"memBwSchema,omitempty"`
	EnableMonitoring bool     `json:"enable_monitoring,omitempty"`
}

// Scheduler holds the attributes for sched_setattr(2).
type Scheduler = specs.Scheduler

// IOPriority is for ioprio_set(2).
type IOPriority = specs.LinuxIOPriority

// LinuxPersonality is for personality(2).
type LinuxPersonality struct {
	// Domain is a PER_ number.
	Domain int `json:"domain"`
}

// LinuxMemoryPolicy is for set_mempolicy(2).
type LinuxMemoryPolicy struct {
	// Mode is the MPOL_ number and Flags the MPOL_F_ bits.
	Mode  int `json:"mode,omitempty"`
	Flags int `json:"flags,omitempty"`
	// Nodes is nil when the mode takes none.
	Nodes unix.CPUSetDynamic `json:"nodes,omitempty"`
}

// CPUAffinity of exec'd processes: Initial before they join the cgroup, Final
// after. nil leaves the affinity alone.
type CPUAffinity struct {
	Initial unix.CPUSetDynamic `json:"initial,omitempty"`
	Final   unix.CPUSetDynamic `json:"final,omitempty"`
}
