package rootfs

import (
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// Layout says where the container's cgroup is, for mounts of type cgroup.
type Layout struct {
	// Unified: /sys/fs/cgroup is cgroup v2.
	Unified bool

	// Paths are the absolute folders of the container's own cgroup on the
	// host: under "" on v2, by controller (or name=X) on v1. They need not
	// exist yet.
	Paths map[string]string
}

// Plan is what is to be done, in order. It is plain data, so that it can be
// carried to init; only what [Plan.Setup] learns is kept beside it.
type Plan struct {
	Root Root

	// Ops make the mounts of the configuration.
	Ops []Op

	// Dev is nil when the configuration brings its own /dev.
	Dev *Dev

	// Masked and Readonly are absolute paths in the container.
	Masked, Readonly []string

	// MaskParams are mount options of the file system that hides folders.
	MaskParams []Param

	// rootUID and rootGID are the host's ids of the container's root user,
	// -1 when it has none.
	rootUID, rootGID int

	// console is the fd on which Console is going to attach, -1 for none.
	console fd
}

// NeedsDevices says whether to mount takes devices, which the container's own
// rules need not allow: they concern what runs in it.
func (p *Plan) NeedsDevices() bool {
	for i := range p.Ops {
		if op := &p.Ops[i]; op.Kind == Filesystem && !withoutDevice(op.FSType) {
			return true
		}
	}
	return false
}

// withoutDevice knows file systems, those that containers usually have, that
// come out of the kernel itself.
func withoutDevice(fstype string) bool {
	switch fstype {
	case "proc", "sysfs", "tmpfs", "ramfs", "devpts", "mqueue", "cgroup", "cgroup2", "overlay",
		"securityfs", "debugfs", "tracefs", "bpf", "hugetlbfs", "binfmt_misc":
		return true
	}
	return false
}

// Root is the root file system itself.
type Root struct {
	// Path of the root on the host, absolute.
	Path string

	// OwnMounts: the container has a mount namespace. Without one nothing
	// of the caller's mounts is changed and the root is entered by chroot(2).
	OwnMounts bool

	NoPivot     bool
	Readonly    bool
	Propagation int // MS_ flags
	Umask       uint32
}

// Kind is the type of an operation.
type Kind uint8

// The kinds.
const (
	// Bind attaches a clone of an existing tree.
	Bind Kind = iota + 1
	// Filesystem attaches a new mount of a file system.
	Filesystem
	// Remount changes what is mounted at the target.
	Remount
	// Link makes a symbolic link, where nothing is yet.
	Link
	// Hide covers a folder by an empty read-only one.
	Hide
)

// Op is one operation.
type Op struct {
	Kind Kind

	// Place is the path of the field in config.json.
	Place string

	// Source is a path on the host for Bind, the text of a Link, the name of
	// the device for the other kinds.
	Source string

	// SourceFD counts from 1 into Env.Sources: the tree was opened by the
	// runtime, attributes and all. 0: it was not.
	SourceFD int

	// UserNSFD likewise counts from 1 into Env.Sources: a user namespace whose
	// maps the tree is to have, once it was opened. 0: none.
	UserNSFD int

	// Target is a clean absolute path in the container.
	Target string

	// FSType and Params are for Filesystem.
	FSType string
	Params []Param

	// Set and Clear are MOUNT_ATTR_ bits. Clear, for Bind, is what the
	// configuration implies; Asked is the part of it that it spells out, which
	// must not be kept silently.
	Set, Clear, Asked uint64

	// RecAttr is applied to the whole tree after that. RecIfAble: a kernel
	// that cannot is no error.
	RecAttr   *unix.MountAttr
	RecIfAble bool

	// Propagation types are applied in order, as MS_ flags.
	Propagation []int

	// Recursive: the Bind takes what is mounted below its source, too.
	Recursive bool

	// Slave: before anything else, nothing that is mounted in the tree may
	// propagate out of it.
	Slave bool

	// FromRuntime: OpenSources opens the source of this Bind, unless the
	// container's root can by itself.
	FromRuntime bool

	// IDMap shows other owners through the mount. In a user namespace it implies
	// FromRuntime, for init lacks the right to map; otherwise the runtime makes
	// the user namespace, and init maps what it finds behind the mounts that
	// came before.
	IDMap *configs.MountIDMapping

	// Relabel is how SELinux is to label the source: z, Z or nothing.
	Relabel, RelabelTo string

	// Legacy: only mount(2) can do it, with Flags (MS_) and Data.
	Legacy bool
	Flags  int
	Data   string

	// RealDir: the target must be a folder reached without any symlink.
	RealDir bool

	// ProcRoot: the target is /proc, so a bind must be of a procfs.
	ProcRoot bool

	// ModeFromTarget: the tmpfs takes the mode of the folder it covers, if the
	// image has one: else it has its own, 1777.
	ModeFromTarget bool

	// CopyUp fills the tmpfs from the folder it covers.
	CopyUp bool

	// LateReadonly: read-only once everything is in place.
	LateReadonly bool

	// Label is the SELinux label of the new mount's root.
	Label string

	// Else is tried when the kernel refuses (EPERM, EBUSY), or when, for
	// Bind, there is no such source.
	Else *Op
}

// Param is an option of a file system; one without HasValue is a flag.
type Param struct {
	Key, Value string
	HasValue   bool
}

// Dev is what is made in /dev.
type Dev struct {
	Nodes []Node

	// BindOnly: device nodes cannot be made in a user namespace, so the
	// host's are bound.
	BindOnly bool
}

// Node is a device node, or with mode S_IFIFO a named pipe.
type Node struct {
	// Path is clean and absolute.
	Path string
	// Mode includes the type (S_IFCHR, ...).
	Mode     uint32
	Dev      uint64
	UID, GID uint32
}
