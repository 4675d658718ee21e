package rootfs

import (
	"fmt"
	"path"
	"strconv"
	"strings"

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
// for nothing, except, with a mount label, whether SELinux is on. Errors name
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
	if !d.plan.Root.OwnMounts {
		// The mount of the root is the host's, and stays as it is.
		d.plan.Root.Readonly = false
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

// inContainer makes the paths absolute, and keeps the first of equal ones: a
// second mask would lie on the first. An empty path is left out, for it would
// become the root.
func inContainer(paths []string) []string {
	var abs []string
	have := make(map[string]bool, len(paths))
	for _, p := range paths {
		if p == "" {
			continue
		}
		if p = path.Join("/", p); !have[p] {
			have[p] = true
			abs = append(abs, p)
		}
	}
	return abs
}

// target gives the place of a mount inside the container. A destination that
// begins with the path of the root file system on the host means the path
// below that, as in runc.
func (d *decider) target(destination string) string {
	p := path.Join("/", destination)
	if root := d.cfg.Rootfs; root != "/" && within(p, root) {
		return path.Join("/", p[len(root):])
	}
	return p
}

// within says whether the clean path p is dir or lies below it.
func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir) && p[len(dir)] == '/'
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
		Target:      d.target(m.Destination),
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
	if m.Source == "" {
		return fmt.Errorf("a bind mount needs a source")
	}
	op.Kind = Bind
	op.Recursive = m.Flags&unix.MS_REC != 0
	op.Change, op.IfLocked = bindAttr(m.Flags, m.ClearedFlags)
	// The root of a user namespace may not be able to reach a source that the
	// caller can reach, and it may not map ids. A rootless caller has no more
	// rights than its container, so there init opens all sources.
	op.Sent = m.IDMapping != nil || d.userns && d.plan.Root.OwnMounts && !d.cfg.RootlessEUID
	if op.Sent {
		d.plan.sent = append(d.plan.sent, sentSource{len(d.plan.Ops), m.IDMapping})
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
		// LSMs and masks rely on the contents of these places, so no symlink
		// of the image may move them (CVE-2019-19921, CVE-2023-27561).
		op.RealDir = true
		label = ""
	case "mqueue":
		// It takes no options, and is labelled after the mount.
		op.Label, label = d.label, ""
	case "devpts":
		data = d.devptsData(data)
	case "tmpfs":
		op.CopyUp = m.Extensions&configs.ExtCopyUp != 0
	}
	if flags&unix.MS_RDONLY != 0 && (m.Device == "tmpfs" || op.Target == "/dev") {
		// Later operations make mount points and nodes in it.
		op.LateReadonly = true
		flags &^= unix.MS_RDONLY
	}
	op.Set = newAttr(flags)
	d.options(&op, flags, data, label)
	if m.Device == "tmpfs" && !hasParam(op.Params, "mode") {
		// The tmpfs takes the mode of the folder that it covers. A missing
		// folder is made with the mode of a new tmpfs, so that the container
		// finds the same mode at its first start and at the next ones.
		op.ModeFromTarget, op.TargetMode = true, newTmpfsMode
	}
	if m.Device == "sysfs" && m.Flags&unix.MS_RDONLY != 0 {
		op.Else = hostSysfs(&op, m)
	}
	d.add(op)
}

// newTmpfsMode is the mode of a tmpfs that is mounted without the option.
const newTmpfsMode = 0o1777

func hasParam(ps []Param, key string) bool {
	for _, p := range ps {
		if p.Key == key {
			return true
		}
	}
	return false
}

// hostSysfs stands in for a read-only sysfs where the kernel refuses to mount
// one. A sysfs shows one network namespace, and only the owner of that may
// mount it: a container with its own user namespace and the host's network
// namespace may not. So the host's own /sys is bound, recursively, for in a
// user namespace the mounts below are locked to it, and read-only with all of
// them, for there are writable cgroups below (CVE-2023-25809).
func hostSysfs(op *Op, m *configs.Mount) *Op {
	bind := &Op{
		Kind: Bind, Place: op.Place, Source: "/sys", Target: op.Target, RealDir: true,
		Recursive: true, RecAttr: op.RecAttr, Propagation: op.Propagation,
	}
	bind.Change, bind.IfLocked = bindAttr(m.Flags, 0)
	if bind.RecAttr == nil {
		bind.RecAttr = &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	} else {
		all := *bind.RecAttr
		all.Attr_set |= unix.MOUNT_ATTR_RDONLY
		all.Attr_clr &^= unix.MOUNT_ATTR_RDONLY
		bind.RecAttr = &all
	}
	return bind
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
// namespace: the kernel would refuse the mount because of it.
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

// checkTarget refuses places that must not be covered.
func checkTarget(m *configs.Mount, target string) error {
	if target == "/" {
		return fmt.Errorf("the root of the container cannot be mounted over")
	}
	if target == "/proc" {
		// The type of a bind is looked at when its source is open.
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

// coverable are the files of /proc that a mount may cover, to show programs
// other resources than the host has. No label or limit is written to them.
func coverable(target string) bool {
	switch target {
	case "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",
		"/proc/swaps", "/proc/uptime", "/proc/loadavg", "/proc/slabinfo",
		"/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled":
		return true
	}
	return false
}
