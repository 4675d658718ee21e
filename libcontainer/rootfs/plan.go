package rootfs

import "golang.org/x/sys/unix"

// Layout says where the container's cgroup is. Mounts of type cgroup need it.
type Layout struct {
	// Unified: /sys/fs/cgroup is cgroup v2.
	Unified bool

	// Paths are the absolute folders of the container's own cgroup on the
	// host: under "" on v2, by controller (or name=X) on v1. They need not
	// exist yet.
	Paths map[string]string
}

// Plan is the list of what init does to make the root file system, in order.
// It is plain data, so that it can be sent to init. The fields that are not
// exported belong to one side only and are not sent.
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

	// sent are the bind mounts whose source the runtime opens.
	sent []sentSource

	// console is the fd on which Console attaches the terminal, -1 for none.
	console fd
}

// NeedsDevices says whether a mount may open a block device. The container's
// device rules need not allow that device: they are about the processes in the
// container, not about its set-up.
func (p *Plan) NeedsDevices() bool {
	for i := range p.Ops {
		if op := &p.Ops[i]; op.Kind == Filesystem && !withoutDevice(op.FSType) {
			return true
		}
	}
	return false
}

// withoutDevice knows the usual file systems that need no block device.
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

	// OwnMounts: the container has a mount namespace. Without one the host's
	// mounts stay as they are, and chroot(2) enters the root.
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
	// Remount changes the mount at the target.
	Remount
	// Link makes a symbolic link where nothing is so far.
	Link
	// Hide covers a folder with an empty read-only one.
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

	// Sent: the runtime opens the source of this Bind and sends it to init, as
	// a detached mount. See [Sources].
	Sent bool

	// Batch is how many sources the runtime sends when init asks for this one:
	// this one and the next Sent ones. 0: this one came with an earlier one.
	Batch int

	// Target is a clean absolute path in the container.
	Target string

	// FSType and Params are for Filesystem.
	FSType string
	Params []Param

	// Set are the MOUNT_ATTR_ bits of a new mount (Filesystem).
	Set uint64

	// Change is what a Bind changes of the attributes of its source. Where the
	// kernel refuses that (EPERM) because the owner of the source has locked
	// some of them, IfLocked is tried instead.
	Change, IfLocked Change

	// RecAttr is applied to the whole tree after that.
	RecAttr *unix.MountAttr

	// Propagation types are applied in order, as MS_ flags.
	Propagation []int

	// Recursive: the Bind takes the mounts below its source, too.
	Recursive bool

	// Legacy: only mount(2) can do it, with Flags (MS_) and Data.
	Legacy bool
	Flags  int
	Data   string

	// RealDir: the target must be a folder reached without any symlink.
	RealDir bool

	// ProcRoot: the target is /proc, so a bind must be of a procfs.
	ProcRoot bool

	// TargetMode is the mode of the folder that is made where the target is
	// missing. 0: madeMode.
	TargetMode uint32

	// ModeFromTarget: the tmpfs takes the mode of the folder that it covers.
	ModeFromTarget bool

	// CopyUp fills the tmpfs from the folder that it covers.
	CopyUp bool

	// LateReadonly: the mount is made read-only after everything is in place.
	LateReadonly bool

	// Label is the SELinux label of the new mount's root.
	Label string

	// Else is tried when the kernel refuses (EPERM, EBUSY, EACCES), or when,
	// for Bind, there is no such source.
	Else *Op
}

// Change is one call of mount_setattr(2): MOUNT_ATTR_ bits to set and to clear.
type Change struct{ Set, Clear uint64 }

// none says that there is nothing to change.
func (c Change) none() bool { return c == Change{} }

// Param is an option of a file system; one without HasValue is a flag.
type Param struct {
	Key, Value string
	HasValue   bool
}

// Dev are the entries to be made in /dev.
type Dev struct {
	Nodes []Node

	// BindOnly: the kernel lets nobody make device nodes in a user namespace,
	// so those of the host are bound.
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
