package configs

import "golang.org/x/sys/unix"

// ExtCopyUp is the one bit of [Mount.Extensions]: fill a tmpfs from the image's
// folder that it covers.
const ExtCopyUp = 1 << 0

// Mount is one entry of config.json's mounts, with its options sorted by their
// meaning to the kernel.
type Mount struct {
	// Source is an absolute path on the host for a bind mount, otherwise the
	// name of the device that the file system gets.
	Source string `json:"source"`

	// Destination is a path inside the container, or one on the host that
	// begins with the path of the root file system.
	Destination string `json:"destination"`

	// Device is the file system type; "bind" for a bind mount.
	Device string `json:"device"`

	// Flags are the MS_ bits that the options set. ClearedFlags are those that
	// the options switch off, as a bind mount may need to.
	Flags        int `json:"flags,omitempty"`
	ClearedFlags int `json:"cleared_flags,omitempty"`

	// PropagationFlags, in order, each an MS_ propagation type with or
	// without MS_REC.
	PropagationFlags []int `json:"propagation_flags,omitempty"`

	// Data is the comma-separated rest, for the file system.
	Data string `json:"data,omitempty"`

	// Relabel is "z", "Z" or empty. It has no effect: whoever makes the bundle
	// labels what it mounts.
	Relabel string `json:"relabel,omitempty"`

	// RecAttr is applied recursively by mount_setattr(2) (Linux 5.12); nil
	// when no recursive option is given.
	RecAttr *unix.MountAttr `json:"rec_attr,omitempty"`

	Extensions int `json:"extensions,omitempty"`

	// IDMapping of the mount itself (Linux 5.12); nil for none.
	IDMapping *MountIDMapping `json:"id_mapping,omitempty"`
}

// MountIDMapping says which owners an id-mapped mount shows.
type MountIDMapping struct {
	// Recursive maps all mounts below the source as well (ridmap).
	Recursive bool `json:"recursive"`

	// UserNSPath is the user namespace whose maps are used where there are no
	// maps here. Empty: the container's own.
	UserNSPath string `json:"userns_path,omitempty"`

	UIDMappings []IDMap `json:"uid_mappings,omitempty"`
	GIDMappings []IDMap `json:"gid_mappings,omitempty"`
}

// IsBind says whether the mount binds an existing tree.
func (m *Mount) IsBind() bool { return m.Flags&unix.MS_BIND != 0 }

// IsIDMapped says whether owners are mapped by the mount.
func (m *Mount) IsIDMapped() bool { return m.IDMapping != nil }
