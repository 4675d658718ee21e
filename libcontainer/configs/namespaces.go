package configs

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// NamespaceType is the name of a namespace kind as state.json has it.
type NamespaceType string

// The kinds of namespaces(7).
const (
	NEWNET    NamespaceType = "NEWNET"
	NEWPID    NamespaceType = "NEWPID"
	NEWNS     NamespaceType = "NEWNS"
	NEWUTS    NamespaceType = "NEWUTS"
	NEWIPC    NamespaceType = "NEWIPC"
	NEWUSER   NamespaceType = "NEWUSER"
	NEWCGROUP NamespaceType = "NEWCGROUP"
	NEWTIME   NamespaceType = "NEWTIME"
)

// nsKinds is in the order in which namespaces have to be joined: user first,
// for the rights it gives, mount last, for the paths it takes away.
var nsKinds = []struct {
	t    NamespaceType
	file string
	flag uintptr
}{
	{NEWUSER, "user", unix.CLONE_NEWUSER},
	{NEWIPC, "ipc", unix.CLONE_NEWIPC},
	{NEWUTS, "uts", unix.CLONE_NEWUTS},
	{NEWNET, "net", unix.CLONE_NEWNET},
	{NEWPID, "pid", unix.CLONE_NEWPID},
	{NEWNS, "mnt", unix.CLONE_NEWNS},
	{NEWCGROUP, "cgroup", unix.CLONE_NEWCGROUP},
	{NEWTIME, "time", unix.CLONE_NEWTIME},
}

// NamespaceTypes lists every kind, in the order in which they are to be joined.
func NamespaceTypes() []NamespaceType {
	all := make([]NamespaceType, len(nsKinds))
	for i, k := range nsKinds {
		all[i] = k.t
	}
	return all
}

// NsName is the file below /proc/PID/ns of a kind, or "" for an unknown one.
func NsName(t NamespaceType) string {
	for _, k := range nsKinds {
		if k.t == t {
			return k.file
		}
	}
	return ""
}

// CloneFlag is the CLONE_NEW bit of a kind, or 0 for an unknown one.
func (t NamespaceType) CloneFlag() uintptr {
	for _, k := range nsKinds {
		if k.t == t {
			return k.flag
		}
	}
	return 0
}

var (
	nsMu        sync.Mutex
	nsSupported = map[NamespaceType]bool{}
)

// IsNamespaceSupported asks the kernel, once for each kind.
func IsNamespaceSupported(t NamespaceType) bool {
	nsMu.Lock()
	defer nsMu.Unlock()
	ok, known := nsSupported[t]
	if !known {
		var st unix.Stat_t
		ok = NsName(t) != "" && unix.Stat("/proc/self/ns/"+NsName(t), &st) == nil
		nsSupported[t] = ok
	}
	return ok
}

// Namespace is one that the container has; Path is empty for a new one.
type Namespace struct {
	Type NamespaceType `json:"type"`
	Path string        `json:"path,omitempty"`
}

// GetPath gives the namespace's path, for a process when it has none itself.
func (n *Namespace) GetPath(pid int) string {
	return fmt.Sprintf("/proc/%d/ns/%s", pid, NsName(n.Type))
}

// Namespaces are those of a container, at most one of each kind.
type Namespaces []Namespace

func (n Namespaces) index(t NamespaceType) int {
	for i := range n {
		if n[i].Type == t {
			return i
		}
	}
	return -1
}

// Contains says whether the container has the kind, new or joined.
func (n Namespaces) Contains(t NamespaceType) bool { return n.index(t) >= 0 }

// PathOf is the path to be joined; empty when the kind is new or absent.
func (n Namespaces) PathOf(t NamespaceType) string {
	if i := n.index(t); i >= 0 {
		return n[i].Path
	}
	return ""
}

// IsPrivate says whether a new namespace of the kind is made.
func (n Namespaces) IsPrivate(t NamespaceType) bool {
	i := n.index(t)
	return i >= 0 && n[i].Path == ""
}

// Add sets the path of a kind, adding the kind when it is missing.
func (n *Namespaces) Add(t NamespaceType, path string) {
	if i := n.index(t); i >= 0 {
		(*n)[i].Path = path
		return
	}
	*n = append(*n, Namespace{Type: t, Path: path})
}

// Remove takes a kind out and says whether it was there.
func (n *Namespaces) Remove(t NamespaceType) bool {
	i := n.index(t)
	if i < 0 {
		return false
	}
	*n = append((*n)[:i], (*n)[i+1:]...)
	return true
}

// CloneFlags are the CLONE_NEW bits of the new namespaces.
func (n Namespaces) CloneFlags() uintptr {
	var flags uintptr
	for _, ns := range n {
		if ns.Path == "" {
			flags |= ns.Type.CloneFlag()
		}
	}
	return flags
}

// HostUID maps an id of the container to the host's. Without a user namespace
// it is the same id.
func (c *Config) HostUID(id int) (int, error) {
	return c.hostID(id, c.UIDMappings, "uid")
}

// HostGID is to groups what [Config.HostUID] is to users.
func (c *Config) HostGID(id int) (int, error) {
	return c.hostID(id, c.GIDMappings, "gid")
}

// HostRootUID is the host's id of the container's root user.
func (c *Config) HostRootUID() (int, error) { return c.HostUID(0) }

// HostRootGID is the host's id of the container's root group.
func (c *Config) HostRootGID() (int, error) { return c.HostGID(0) }

func (c *Config) hostID(id int, maps []IDMap, kind string) (int, error) {
	if !c.Namespaces.Contains(NEWUSER) {
		return id, nil
	}
	if len(maps) == 0 {
		return -1, fmt.Errorf("user namespaces enabled, but no %s mappings found", kind)
	}
	for _, m := range maps {
		if d := int64(id) - m.ContainerID; d >= 0 && d < m.Size {
			return int(m.HostID + d), nil
		}
	}
	return -1, fmt.Errorf("user namespaces enabled, but no %s mapping for container %s %d: %w", kind, kind, id, os.ErrNotExist)
}
