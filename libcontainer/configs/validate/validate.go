// Package validate checks a container's configuration before anything of it
// is made.
//
// The words of the errors are known to callers of the runtime; what follows in
// parentheses names the field of config.json.
package validate

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/selinux/go-selinux"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/intelrdt"
	"runc/libcontainer/sched"
	"runc/libcontainer/sysctl"
)

// System is what validation asks about the machine. Tests replace it.
type System struct {
	Namespace func(configs.NamespaceType) bool
	SELinux   func() bool
	RDT       func() bool
	CgroupV2  func() bool
	// SameNetNS says whether a path leads to the caller's network namespace.
	SameNetNS func(path string) bool
}

var machine = System{
	Namespace: configs.IsNamespaceSupported,
	SELinux:   selinux.GetEnabled,
	RDT:       intelrdt.IsEnabled,
	CgroupV2:  cgroups.IsCgroup2UnifiedMode,
	SameNetNS: sameNetNS,
}

// Validate checks a configuration on this machine.
func Validate(c *configs.Config) error { return machine.Validate(c) }

// Validate runs every check, in the order in which callers have always met
// their errors, and stops at the first.
func (s System) Validate(c *configs.Config) error {
	for _, check := range []func(System, *configs.Config) error{
		cgroupsCheck, rootfs, network, netDevices, uts, security, namespaces, sysctls,
		intelRdt, rootless, mounts, scheduler, ioPriority, memoryPolicy,
	} {
		if err := check(s, c); err != nil {
			return err
		}
	}
	return nil
}

// Warnings gives a line for each setting that works today and is deprecated.
func Warnings(c *configs.Config) []string {
	var list []string
	for i, m := range c.Mounts {
		if !filepath.IsAbs(m.Destination) {
			list = append(list, fmt.Sprintf("mount destination %s is not absolute. Support for non-absolute mount destinations will be removed in a future release. (config.json: mounts[%d].destination)", m.Destination, i))
		}
	}
	return list
}

func rootfs(_ System, c *configs.Config) error {
	st, err := os.Stat(c.Rootfs)
	if err != nil {
		return fmt.Errorf("invalid rootfs: %w (config.json: root.path)", err)
	}
	if !st.IsDir() {
		return fmt.Errorf("invalid rootfs: %s is not a directory (config.json: root.path)", c.Rootfs)
	}
	clean := filepath.Clean(c.Rootfs)
	if !filepath.IsAbs(clean) {
		return errors.New("invalid rootfs: not an absolute path, or a symlink (config.json: root.path)")
	}
	real, err := filepath.EvalSymlinks(clean)
	if err != nil {
		return fmt.Errorf("invalid rootfs: %w (config.json: root.path)", err)
	}
	if real != clean {
		return errors.New("invalid rootfs: not an absolute path, or a symlink (config.json: root.path)")
	}
	return nil
}

func cgroupsCheck(s System, c *configs.Config) error {
	if c.Cgroups == nil || c.Cgroups.Resources == nil {
		return nil
	}
	r := c.Cgroups.Resources
	if len(r.Unified) > 0 && !s.CgroupV2() {
		return fmt.Errorf("%w (config.json: linux.resources.unified)", cgroups.ErrV1NoUnified)
	}
	if r.MemorySwap > 0 && r.Memory == 0 && r.MemorySwap != -1 && s.CgroupV2() {
		if _, err := cgroups.ConvertMemorySwapToCgroupV2Value(r.MemorySwap, r.Memory); err != nil {
			return fmt.Errorf("%w (config.json: linux.resources.memory.swap)", err)
		}
	}
	return nil
}

func network(_ System, c *configs.Config) error {
	if !c.Namespaces.Contains(configs.NEWNET) && (len(c.Networks) > 0 || len(c.Routes) > 0) {
		return errors.New("unable to apply network settings without a private NET namespace (config.json: linux.namespaces)")
	}
	return nil
}

func netDevices(_ System, c *configs.Config) error {
	if len(c.NetDevices) == 0 {
		return nil
	}
	if !c.Namespaces.Contains(configs.NEWNET) {
		return errors.New("unable to move network devices without a NET namespace (config.json: linux.netDevices)")
	}
	if c.RootlessEUID {
		return errors.New("network devices are not supported for rootless containers (config.json: linux.netDevices)")
	}
	from := map[string]string{}
	for _, host := range slices.Sorted(maps.Keys(c.NetDevices)) {
		inside := host
		if d := c.NetDevices[host]; d != nil && d.Name != "" {
			inside = d.Name
		}
		for _, name := range []string{host, inside} {
			if !validDeviceName(name) {
				return fmt.Errorf("invalid network device name %q (config.json: linux.netDevices[%q])", name, host)
			}
		}
		if other, ok := from[inside]; ok {
			return fmt.Errorf("network devices %q and %q cannot both be named %q (config.json: linux.netDevices)", other, host, inside)
		}
		from[inside] = host
	}
	return nil
}

// validDeviceName is dev_valid_name() of the kernel's net/core/dev.c.
func validDeviceName(name string) bool {
	return name != "" && len(name) < unix.IFNAMSIZ && name != "." && name != ".." && !strings.ContainsAny(name, "/: \t\n\v\f\r\u0085\u00a0")
}

func uts(_ System, c *configs.Config) error {
	if c.Hostname != "" && !c.Namespaces.Contains(configs.NEWUTS) {
		return errors.New("unable to set hostname without a private UTS namespace (config.json: hostname)")
	}
	if c.Domainname != "" && !c.Namespaces.Contains(configs.NEWUTS) {
		return errors.New("unable to set domainname without a private UTS namespace (config.json: domainname)")
	}
	return nil
}

func security(s System, c *configs.Config) error {
	if (len(c.MaskPaths) > 0 || len(c.ReadonlyPaths) > 0) && !c.Namespaces.Contains(configs.NEWNS) {
		return errors.New("unable to restrict sys entries without a private MNT namespace (config.json: linux.maskedPaths, linux.readonlyPaths)")
	}
	if c.ProcessLabel != "" && !s.SELinux() {
		return errors.New("selinux label is specified in config, but selinux is disabled or not supported (config.json: process.selinuxLabel)")
	}
	return nil
}

func namespaces(s System, c *configs.Config) error {
	ns := c.Namespaces
	for i := range ns {
		if ns[i].Path != "" && !filepath.IsAbs(ns[i].Path) {
			return fmt.Errorf("namespace path %q is not absolute (config.json: linux.namespaces[%d].path)", ns[i].Path, i)
		}
	}
	if ns.Contains(configs.NEWUSER) {
		if !s.Namespace(configs.NEWUSER) {
			return errors.New("user namespaces aren't enabled in the kernel (config.json: linux.namespaces)")
		}
		if ns.PathOf(configs.NEWUSER) == "" {
			if len(c.UIDMappings) == 0 && len(c.GIDMappings) == 0 {
				return errors.New("user namespaces enabled, but no namespace path to join nor mappings to apply specified (config.json: linux.uidMappings, linux.gidMappings)")
			}
			if len(c.UIDMappings) == 0 {
				return errors.New("user namespaces enabled, but no uid mappings found (config.json: linux.uidMappings)")
			}
			if len(c.GIDMappings) == 0 {
				return errors.New("user namespaces enabled, but no gid mappings found (config.json: linux.gidMappings)")
			}
		}
	} else if len(c.UIDMappings) > 0 || len(c.GIDMappings) > 0 {
		return errors.New("user namespace mappings specified, but user namespace isn't enabled in the config (config.json: linux.uidMappings, linux.gidMappings)")
	}
	if ns.Contains(configs.NEWCGROUP) && !s.Namespace(configs.NEWCGROUP) {
		return errors.New("cgroup namespaces aren't enabled in the kernel (config.json: linux.namespaces)")
	}
	if !ns.Contains(configs.NEWTIME) {
		if len(c.TimeOffsets) > 0 {
			return errors.New("time namespace offsets specified, but time namespace isn't enabled in the config (config.json: linux.timeOffsets)")
		}
		return nil
	}
	if !s.Namespace(configs.NEWTIME) {
		return errors.New("time namespaces aren't enabled in the kernel (config.json: linux.namespaces)")
	}
	if ns.PathOf(configs.NEWTIME) != "" && len(c.TimeOffsets) > 0 {
		return errors.New("time namespace enabled, but both namespace path and time offsets specified -- you may only provide one (config.json: linux.timeOffsets)")
	}
	for clock := range c.TimeOffsets {
		// The names go into /proc/PID/timens_offsets as they are.
		if clock != "monotonic" && clock != "boottime" {
			return fmt.Errorf("invalid clock %q (config.json: linux.timeOffsets)", clock)
		}
	}
	return nil
}

// ipcSysctls belong to an ipc namespace (ipc/ipc_sysctl.c).
var ipcSysctls = [...]string{
	"kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall",
	"kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced",
}

func sysctls(s System, c *configs.Config) error {
	for _, name := range slices.Sorted(maps.Keys(c.Sysctl)) {
		// What is judged is the very path that will be written to.
		path, err := sysctl.Path(name)
		if err == nil {
			err = sysctlAllowed(s, c, name, path)
		}
		if err != nil {
			return fmt.Errorf("%w (config.json: linux.sysctl[%q])", err, name)
		}
	}
	return nil
}

func sysctlAllowed(s System, c *configs.Config, name, path string) error {
	ipc := strings.HasPrefix(path, "fs/mqueue/")
	for _, k := range ipcSysctls {
		ipc = ipc || k == path
	}
	switch {
	case ipc:
		if c.Namespaces.Contains(configs.NEWIPC) {
			return nil
		}
		return fmt.Errorf("sysctl %q is not allowed in the hosts ipc namespace", name)
	case strings.HasPrefix(path, "net/"):
		// A path may lead to the host's own.
		if ns := c.Namespaces.PathOf(configs.NEWNET); !c.Namespaces.Contains(configs.NEWNET) || ns != "" && s.SameNetNS(ns) {
			return fmt.Errorf("sysctl %q not allowed in host network namespace", name)
		}
		return nil
	case strings.HasPrefix(path, "user/"):
		if c.Namespaces.Contains(configs.NEWUSER) {
			return nil
		}
		return fmt.Errorf("setting ucounts without a user namespace not allowed: %q", name)
	case path == "kernel/domainname":
		if c.Namespaces.Contains(configs.NEWUTS) {
			return nil
		}
		return fmt.Errorf("sysctl %q is not allowed in the hosts uts namespace", name)
	case path == "kernel/hostname":
		return fmt.Errorf("sysctl %q is not allowed as it conflicts with the OCI \"hostname\" field", name)
	}
	return fmt.Errorf("sysctl %q is not in a separate kernel namespace", name)
}

func sameNetNS(path string) bool {
	var a, b unix.Stat_t
	return unix.Stat(path, &a) == nil && unix.Stat("/proc/self/ns/net", &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

func intelRdt(s System, c *configs.Config) error {
	r := c.IntelRdt
	if r == nil {
		return nil
	}
	if !s.RDT() {
		return fmt.Errorf("%w (config.json: linux.intelRdt)", intelrdt.ErrNotEnabled)
	}
	if r.ClosID == "." || r.ClosID == ".." || r.ClosID != "/" && strings.Contains(r.ClosID, "/") {
		return fmt.Errorf("invalid intelRdt.ClosID %q (config.json: linux.intelRdt.closID)", r.ClosID)
	}
	for i, line := range r.Schemata {
		if strings.ContainsRune(line, '\n') {
			return fmt.Errorf("config.json: linux.intelRdt.schemata[%d] must not contain newlines", i)
		}
	}
	return nil
}

func mapped(maps []configs.IDMap, id int64) bool {
	for _, m := range maps {
		if id >= m.ContainerID && id-m.ContainerID < m.Size {
			return true
		}
	}
	return false
}

func rootless(_ System, c *configs.Config) error {
	if !c.RootlessEUID {
		return nil
	}
	if !c.Namespaces.Contains(configs.NEWUSER) {
		return errors.New("rootless container requires user namespaces (config.json: linux.namespaces)")
	}
	// A namespace that is joined has its maps already.
	if c.Namespaces.PathOf(configs.NEWUSER) == "" {
		if len(c.UIDMappings) == 0 {
			return errors.New("rootless containers requires at least one UID mapping (config.json: linux.uidMappings)")
		}
		if len(c.GIDMappings) == 0 {
			return errors.New("rootless containers requires at least one GID mapping (config.json: linux.gidMappings)")
		}
	}
	for i, m := range c.Mounts {
		for opt := range strings.SplitSeq(m.Data, ",") {
			for _, k := range []struct {
				prefix string
				maps   []configs.IDMap
			}{{"uid=", c.UIDMappings}, {"gid=", c.GIDMappings}} {
				text, ok := strings.CutPrefix(opt, k.prefix)
				if !ok {
					continue
				}
				id, err := strconv.ParseUint(text, 10, 32)
				if err != nil {
					// Not a number: the file system will say so.
					continue
				}
				if !mapped(k.maps, int64(id)) {
					return fmt.Errorf("cannot specify %s mount option for rootless container: %d is not mapped in the user namespace (config.json: mounts[%d].options)", k.prefix, id, i)
				}
			}
		}
	}
	return nil
}

func mounts(_ System, c *configs.Config) error {
	for i, m := range c.Mounts {
		where := fmt.Sprintf("(config.json: mounts[%d])", i)
		if m.IsBind() && m.Flags&unix.MS_REMOUNT == 0 && m.Source == "" {
			return fmt.Errorf("invalid mount %s: a bind mount needs a source (config.json: mounts[%d].source)", m.Destination, i)
		}
		if m.IsBind() && m.Data != "" {
			return fmt.Errorf("invalid mount %s: bind mounts cannot have any filesystem-specific options applied: %s %s", m.Destination, m.Data, where)
		}
		if m.RecAttr != nil && (m.RecAttr.Attr_set|m.RecAttr.Attr_clr)&unix.MOUNT_ATTR_IDMAP != 0 {
			return fmt.Errorf("invalid mount %s: mount configuration cannot contain recAttr for MOUNT_ATTR_IDMAP %s", m.Destination, where)
		}
		if m.IDMapping == nil {
			continue
		}
		if err := idmap(c, m); err != nil {
			return fmt.Errorf("invalid mount %s: %w %s", m.Destination, err, where)
		}
	}
	return nil
}

func idmap(c *configs.Config, m *configs.Mount) error {
	switch {
	case !m.IsBind():
		return errors.New("id-mapped mounts are only supported for bind-mounts")
	case c.RootlessEUID:
		return errors.New("id-mapped mounts are not supported for rootless containers")
	}
	if m.IDMapping.UserNSPath == "" && len(m.IDMapping.UIDMappings) == 0 && len(m.IDMapping.GIDMappings) == 0 {
		// The container's own then.
		if !c.Namespaces.Contains(configs.NEWUSER) {
			return errors.New("id-mapped mounts must have both uid and gid mappings specified")
		}
		return nil
	}
	if len(m.IDMapping.UIDMappings) == 0 || len(m.IDMapping.GIDMappings) == 0 {
		return errors.New("id-mapped mounts must have both uid and gid mappings specified")
	}
	return nil
}

func scheduler(_ System, c *configs.Config) error {
	p := c.Scheduler
	if p == nil {
		return nil
	}
	if p.Policy == "" {
		return errors.New("scheduler policy is required (config.json: process.scheduler.policy)")
	}
	if _, err := sched.PolicyNumber(p.Policy); err != nil {
		return fmt.Errorf("%w (config.json: process.scheduler.policy)", err)
	}
	for i, f := range p.Flags {
		if _, err := sched.FlagBit(f); err != nil {
			return fmt.Errorf("%w (config.json: process.scheduler.flags[%d])", err, i)
		}
	}
	if p.Nice < -20 || p.Nice > 19 {
		return fmt.Errorf("invalid scheduler.nice: %d (config.json: process.scheduler.nice)", p.Nice)
	}
	if p.Priority != 0 && p.Policy != specs.SchedFIFO && p.Policy != specs.SchedRR {
		return errors.New("scheduler.priority can only be specified for SchedFIFO or SchedRR policy (config.json: process.scheduler.priority)")
	}
	if p.Policy != specs.SchedDeadline && (p.Runtime != 0 || p.Deadline != 0 || p.Period != 0) {
		return errors.New("scheduler runtime/deadline/period can only be specified for SchedDeadline policy (config.json: process.scheduler)")
	}
	if c.Cgroups != nil && c.Cgroups.Resources != nil && c.Cgroups.Resources.CpusetCpus != "" && p.Policy == specs.SchedDeadline {
		return errors.New("process scheduler can't be used together with AllowedCPUs (config.json: process.scheduler, linux.resources.cpu.cpus)")
	}
	return nil
}

func ioPriority(_ System, c *configs.Config) error {
	p := c.IOPriority
	if p == nil {
		return nil
	}
	if p.Priority < 0 || p.Priority > 7 {
		return fmt.Errorf("invalid ioPriority.Priority: %d (config.json: process.ioPriority.priority)", p.Priority)
	}
	if _, err := sched.IOClassNumber(p.Class); err != nil {
		return fmt.Errorf("%w (config.json: process.ioPriority.class)", err)
	}
	return nil
}

// memoryPolicy refuses what set_mempolicy(2) refuses with EINVAL alone.
func memoryPolicy(_ System, c *configs.Config) error {
	p := c.MemoryPolicy
	if p == nil {
		return nil
	}
	name, nodes := sched.MemoryModeName(p.Mode), p.Nodes.Count()
	switch p.Mode {
	case unix.MPOL_DEFAULT, unix.MPOL_LOCAL:
		if nodes != 0 {
			return fmt.Errorf("invalid memory policy %s: mode requires 0 nodes but got %d (config.json: linux.memoryPolicy.nodes)", name, nodes)
		}
	case unix.MPOL_PREFERRED:
		// Without nodes it means the node of the CPU, as MPOL_LOCAL does.
	default:
		if nodes == 0 {
			return fmt.Errorf("invalid memory policy %s: mode requires at least 1 node but got 0 (config.json: linux.memoryPolicy.nodes)", name)
		}
	}
	return nil
}
