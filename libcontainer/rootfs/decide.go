package rootfs

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	devices "github.com/opencontainers/cgroups/devices/config"
	"github.com/opencontainers/selinux/go-selinux"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// DefaultUmask is the umask of processes that config.json gives none.
const DefaultUmask = 0o022

// decider turns a configuration into a plan.
type decider struct {
	cfg *configs.Config
	cg  Layout
	// label is the SELinux label of new file systems, empty without SELinux.
	label  string
	userns bool
	plan   *Plan
}

// NewPlan decides how the root of the container is made. It asks the kernel
// for nothing but, with a mount label, whether SELinux is on. Errors name
// mounts by their place in config.json.
func NewPlan(cfg *configs.Config, cg Layout) (*Plan, error) {
	d := &decider{cfg: cfg, cg: cg, userns: cfg.Namespaces.Contains(configs.NEWUSER)}
	d.plan = &Plan{
		Root: Root{
			Path:        cfg.Rootfs,
			OwnMounts:   cfg.Namespaces.Contains(configs.NEWNS),
			NoPivot:     cfg.NoPivotRoot,
			Readonly:    cfg.Readonlyfs,
			Propagation: cfg.RootPropagation,
			Umask:       DefaultUmask,
		},
		Ops: make([]Op, 0, len(cfg.Mounts)+len(cg.Paths)),
	}
	if cfg.Umask != nil {
		d.plan.Root.Umask = *cfg.Umask
	}
	d.plan.rootUID, d.plan.rootGID = -1, -1
	if uid, err := cfg.HostRootUID(); err == nil {
		d.plan.rootUID = uid
	}
	if gid, err := cfg.HostRootGID(); err == nil {
		d.plan.rootGID = gid
	}
	if cfg.MountLabel != "" && selinux.GetEnabled() {
		d.label = cfg.MountLabel
		d.plan.MaskParams = []Param{{"context", d.label, true}}
	}
	for i, m := range cfg.Mounts {
		if err := d.mount(i, m); err != nil {
			return nil, mountError(m.Source, m.Destination, fmt.Errorf("%w (config.json: mounts[%d])", err, i))
		}
	}
	if err := d.devices(); err != nil {
		return nil, err
	}
	d.plan.Masked = inContainer(cfg.MaskPaths)
	d.plan.Readonly = inContainer(cfg.ReadonlyPaths)
	return d.plan, nil
}

// inContainer makes the paths absolute. An empty one leads nowhere, least of
// all to the root.
func inContainer(paths []string) []string {
	var abs []string
	for _, p := range paths {
		if p != "" {
			abs = append(abs, path.Join("/", p))
		}
	}
	return abs
}

// mountError has the words that callers look for.
func mountError(source, target string, err error) error {
	return fmt.Errorf("error mounting %q to rootfs at %q: %w", source, target, err)
}

func (d *decider) add(op Op) { d.plan.Ops = append(d.plan.Ops, op) }

// mount decides about one entry of config.json's mounts.
func (d *decider) mount(i int, m *configs.Mount) error {
	op := Op{
		Place:       "mounts[" + strconv.Itoa(i) + "]",
		Source:      m.Source,
		Target:      path.Join("/", m.Destination),
		RecAttr:     m.RecAttr,
		Propagation: m.PropagationFlags,
	}
	if err := checkTarget(m, op.Target); err != nil {
		return err
	}
	op.ProcRoot = op.Target == "/proc"
	if m.Flags&unix.MS_REMOUNT != 0 {
		op.Kind, op.FSType, op.Flags, op.Data = Remount, m.Device, m.Flags, m.Data
		d.add(op)
		return nil
	}
	if m.IsBind() {
		return d.bind(op, m)
	}
	if m.Device == "cgroup" {
		d.cgroup(op, m)
		return nil
	}
	d.filesystem(op, m)
	return nil
}

func (d *decider) bind(op Op, m *configs.Mount) error {
	if m.Data != "" {
		return fmt.Errorf("bind mounts cannot have any filesystem-specific options applied: %q", m.Data)
	}
	op.Kind = Bind
	op.Recursive = m.Flags&unix.MS_REC != 0
	op.Set, op.Clear, op.Asked = bindAttr(m.Flags, m.ClearedFlags)
	// The root of a user namespace may not be able to reach what the caller
	// means. A caller without rights of its own has nothing better to offer.
	op.FromRuntime = d.plan.Root.OwnMounts && d.userns && !d.cfg.RootlessEUID
	// What init clones in its own namespace is what the root's propagation has
	// made of it; a clone from the host's namespace must become the same. In a
	// user namespace the kernel lets nothing propagate out, nor do we.
	slave := d.userns || d.cfg.RootPropagation&unix.MS_SHARED == 0
	if m.IDMapping != nil {
		op.IDMap = m.IDMapping
		op.FromRuntime = d.userns || !d.plan.Root.OwnMounts
	}
	op.Slave = op.FromRuntime && slave
	if d.cfg.MountLabel != "" && m.Relabel != "" {
		op.Relabel, op.RelabelTo = m.Relabel, d.cfg.MountLabel
	}
	d.add(op)
	return nil
}

func (d *decider) filesystem(op Op, m *configs.Mount) {
	op.Kind = Filesystem
	op.FSType = m.Device
	data := m.Data
	label := d.label
	flags := m.Flags
	switch m.Device {
	case "proc", "sysfs":
		// LSMs and masks rely on what is found at these places, so no symlink
		// of the image may say where they are (CVE-2019-19921, CVE-2023-27561).
		op.RealDir = true
		label = ""
	case "mqueue":
		// Takes no options; it is labelled afterwards.
		op.Label, label = d.label, ""
	case "devpts":
		data = d.devptsData(data)
	case "tmpfs":
		op.CopyUp = m.Extensions&configs.ExtCopyUp != 0
		op.ModeFromTarget = true
	}
	if flags&unix.MS_RDONLY != 0 && (m.Device == "tmpfs" || op.Target == "/dev") {
		// There is more to be put there first.
		op.LateReadonly = true
		flags &^= unix.MS_RDONLY
	}
	op.Set = newAttr(flags)
	d.options(&op, flags, data, label)
	if m.Device == "tmpfs" {
		for _, p := range op.Params {
			if p.Key == "mode" {
				op.ModeFromTarget = false
			}
		}
	}
	if m.Device == "sysfs" {
		// A sysfs shows one network namespace, and only its owner may mount
		// it: with the host's, the host's /sys is the one there is. All of it,
		// since what is mounted below is locked to it in a user namespace.
		op.Else = &Op{
			Kind: Bind, Place: op.Place, Source: "/sys", Target: op.Target, RealDir: true,
			Recursive: true, Set: op.Set, RecAttr: op.RecAttr, Propagation: op.Propagation,
		}
		if op.RecAttr == nil && op.Set&unix.MOUNT_ATTR_RDONLY != 0 {
			// What the options of the one mount promised: there are writable
			// cgroups below the host's (CVE-2023-25809).
			op.Else.RecIfAble = true
			op.Else.RecAttr = &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
		}
	}
	d.add(op)
}

// options sorts flags, data and label into what fsconfig(2) takes.
func (d *decider) options(op *Op, flags int, data, label string) {
	for _, f := range fsFlags {
		if flags&f.ms != 0 {
			op.Params = append(op.Params, Param{Key: f.key})
		}
	}
	op.Params = append(op.Params, params(data)...)
	if label != "" {
		op.Params = append(op.Params, Param{"context", label, true})
	}
	op.Flags, op.Data = flags, data
	if label != "" {
		op.Data = strings.TrimPrefix(data+`,context="`+label+`"`, ",")
	}
	op.Legacy = needLegacy(flags, op.Params)
}

// devptsData leaves gid=5 out where that group does not exist in the user
// namespace: the kernel would refuse the mount for it.
func (d *decider) devptsData(data string) string {
	if !d.userns || data == "" {
		return data
	}
	for _, m := range d.cfg.GIDMappings {
		if m.ContainerID <= 5 && 5-m.ContainerID < m.Size {
			return data
		}
	}
	items := strings.Split(data, ",")
	kept := items[:0]
	for _, item := range items {
		if item != "gid=5" {
			kept = append(kept, item)
		}
	}
	return strings.Join(kept, ",")
}

// checkTarget refuses what must not be covered.
func checkTarget(m *configs.Mount, target string) error {
	if target == "/" {
		return fmt.Errorf("the root of the container cannot be mounted over")
	}
	if target == "/proc" {
		// A bind is looked at when it is there.
		if m.Device != "proc" && !m.IsBind() && m.Flags&unix.MS_REMOUNT == 0 {
			return fmt.Errorf("%q cannot be mounted because it is not of type proc", target)
		}
		return nil
	}
	if strings.HasPrefix(target, "/proc/") && !coverable(target) {
		return fmt.Errorf("%q cannot be mounted because it is inside /proc", target)
	}
	return nil
}

// coverable are the files of /proc that may be covered, to lie to programs
// about what they have: nothing that anybody writes a label to.
func coverable(target string) bool {
	switch target {
	case "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",
		"/proc/swaps", "/proc/uptime", "/proc/loadavg", "/proc/slabinfo",
		"/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled":
		return true
	}
	return false
}

// devices decides about /dev.
func (d *decider) devices() error {
	for _, m := range d.cfg.Mounts {
		if m.IsBind() && path.Join("/", m.Destination) == "/dev" {
			return nil
		}
	}
	dev := &Dev{BindOnly: d.userns, Nodes: make([]Node, 0, len(d.cfg.Devices))}
	for _, c := range d.cfg.Devices {
		n := Node{
			Path: path.Join("/", c.Path),
			Mode: uint32(c.FileMode.Perm()),
			UID:  c.Uid, GID: c.Gid,
		}
		if n.Path == "/dev/ptmx" {
			// Always the container's own.
			continue
		}
		switch c.Type {
		case devices.CharDevice, 'u':
			n.Mode |= unix.S_IFCHR
		case devices.BlockDevice:
			n.Mode |= unix.S_IFBLK
		case devices.FifoDevice:
			n.Mode |= unix.S_IFIFO
		default:
			return fmt.Errorf("device %q: invalid device type %q", c.Path, string(rune(c.Type)))
		}
		if c.Type != devices.FifoDevice {
			rdev, err := c.Mkdev()
			if err != nil {
				return fmt.Errorf("device %q: %w", c.Path, err)
			}
			n.Dev = rdev
		}
		dev.Nodes = append(dev.Nodes, n)
	}
	d.plan.Dev = dev
	return nil
}
