// Package specconv turns a bundle's config.json into the configuration that
// libcontainer works with.
//
// It decides only: nothing in it changes the system. Errors name the field of
// config.json, after the words that callers of the runtime know.
package specconv

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/rlimit"
	"runc/libcontainer/sched"
)

// CreateOpts is what a configuration depends on besides the spec.
type CreateOpts struct {
	// CgroupName is the container's id.
	CgroupName       string
	UseSystemdCgroup bool
	NoPivotRoot      bool
	NoNewKeyring     bool
	Spec             *specs.Spec
	RootlessEUID     bool
	RootlessCgroups  bool
	// Bundle is the folder that relative paths start from; empty for the
	// working directory.
	Bundle string
	// UserNamespaceMaps reads the id maps of an existing user namespace, as
	// libcontainer's function of that name does. It is called only for a spec
	// that joins one.
	UserNamespaceMaps func(path string) (uids, gids []configs.IDMap, err error)
}

type mapsFunc = func(path string) (uids, gids []configs.IDMap, err error)

var namespaceTypes = [...]struct {
	spec specs.LinuxNamespaceType
	ours configs.NamespaceType
}{
	{specs.CgroupNamespace, configs.NEWCGROUP},
	{specs.IPCNamespace, configs.NEWIPC},
	{specs.MountNamespace, configs.NEWNS},
	{specs.NetworkNamespace, configs.NEWNET},
	{specs.PIDNamespace, configs.NEWPID},
	{specs.TimeNamespace, configs.NEWTIME},
	{specs.UserNamespace, configs.NEWUSER},
	{specs.UTSNamespace, configs.NEWUTS},
}

// KnownNamespaces lists the types that config.json may name.
func KnownNamespaces() []string {
	var names []string
	for _, t := range namespaceTypes {
		names = append(names, string(t.spec))
	}
	return names
}

// KnownHookNames lists the moments at which hooks run.
func KnownHookNames() []string {
	var names []string
	for _, h := range configs.HookNames() {
		names = append(names, string(h))
	}
	return names
}

// CreateLibcontainerConfig makes the configuration of a container.
func CreateLibcontainerConfig(opts *CreateOpts) (*configs.Config, error) {
	spec := opts.Spec
	if spec == nil {
		return nil, errors.New("config cannot be null")
	}
	if spec.Root == nil {
		return nil, errors.New("root must be specified (config.json: root)")
	}
	cwd := opts.Bundle
	if cwd == "" {
		var err error
		if cwd, err = os.Getwd(); err != nil {
			return nil, err
		}
	}
	rootfs := spec.Root.Path
	if !filepath.IsAbs(rootfs) {
		rootfs = filepath.Join(cwd, rootfs)
	}
	config := &configs.Config{
		Rootfs:          rootfs,
		NoPivotRoot:     opts.NoPivotRoot,
		Readonlyfs:      spec.Root.Readonly,
		Hostname:        spec.Hostname,
		Domainname:      spec.Domainname,
		Labels:          labels(cwd, spec.Annotations),
		NoNewKeyring:    opts.NoNewKeyring,
		RootlessEUID:    opts.RootlessEUID,
		RootlessCgroups: opts.RootlessCgroups,
		Version:         spec.Version,
	}
	for i, m := range spec.Mounts {
		cm, err := toMount(cwd, i, m)
		if err != nil {
			return nil, err
		}
		config.Mounts = append(config.Mounts, cm)
	}
	devs, err := createDevices(spec, config)
	if err != nil {
		return nil, err
	}
	if config.Cgroups, err = createCgroupConfig(opts, devs); err != nil {
		return nil, err
	}
	if spec.Linux != nil {
		if err := setLinux(config, spec.Linux, opts.UserNamespaceMaps); err != nil {
			return nil, err
		}
	}
	// Only after the maps are known.
	if err := mapDeviceOwners(config); err != nil {
		return nil, err
	}
	if err := setCgroupOwner(config); err != nil {
		return nil, err
	}
	if err := setProcess(config, spec.Process); err != nil {
		return nil, err
	}
	config.Hooks = hooks(spec.Hooks)
	return config, nil
}

// labels are the annotations in a settled order, the bundle among them.
func labels(cwd string, annotations map[string]string) []string {
	var l []string
	for k, v := range annotations {
		l = append(l, k+"="+v)
	}
	sort.Strings(l)
	return append(l, "bundle="+cwd)
}

func setLinux(config *configs.Config, l *specs.Linux, mapsOf mapsFunc) error {
	for i, ns := range l.Namespaces {
		t, ok := namespaceType(ns.Type)
		if !ok {
			return fmt.Errorf("namespace {%q %q} does not exist (config.json: linux.namespaces[%d])", ns.Type, ns.Path, i)
		}
		if config.Namespaces.Contains(t) {
			return fmt.Errorf("malformed spec file: duplicated ns {%q %q} (config.json: linux.namespaces[%d])", ns.Type, ns.Path, i)
		}
		config.Namespaces.Add(t, ns.Path)
	}
	if config.Namespaces.IsPrivate(configs.NEWNET) {
		config.Networks = []*configs.Network{{Type: "loopback"}}
	}
	if config.Namespaces.Contains(configs.NEWUSER) {
		if err := setUserNamespace(config, l, mapsOf); err != nil {
			return err
		}
	}
	if l.RootfsPropagation != "" {
		o, ok := findOption(l.RootfsPropagation)
		if !ok || o.kind != optPropagation {
			return fmt.Errorf("rootfsPropagation=%s is not supported (config.json: linux.rootfsPropagation)", l.RootfsPropagation)
		}
		config.RootPropagation = int(o.flag)
		if config.NoPivotRoot && config.RootPropagation&unix.MS_PRIVATE != 0 {
			return errors.New("rootfsPropagation of [r]private is not safe without pivot_root (config.json: linux.rootfsPropagation)")
		}
	}
	config.MaskPaths = l.MaskedPaths
	config.ReadonlyPaths = l.ReadonlyPaths
	config.MountLabel = l.MountLabel
	config.Sysctl = l.Sysctl
	config.TimeOffsets = l.TimeOffsets
	if l.Seccomp != nil {
		s, err := SetupSeccomp(l.Seccomp)
		if err != nil {
			return err
		}
		config.Seccomp = s
	}
	if r := l.IntelRdt; r != nil {
		config.IntelRdt = &configs.IntelRdt{
			ClosID:           r.ClosID,
			Schemata:         r.Schemata,
			L3CacheSchema:    r.L3CacheSchema,
			MemBwSchema:      r.MemBwSchema,
			EnableMonitoring: r.EnableMonitoring,
		}
	}
	if l.Personality != nil {
		if len(l.Personality.Flags) > 0 {
			return errors.New("personality flags are not supported (config.json: linux.personality.flags)")
		}
		domain, err := sched.PersonalityNumber(l.Personality.Domain)
		if err != nil {
			return fmt.Errorf("%w (config.json: linux.personality.domain)", err)
		}
		config.Personality = &configs.LinuxPersonality{Domain: domain}
	}
	if l.MemoryPolicy != nil {
		p, err := memoryPolicy(l.MemoryPolicy)
		if err != nil {
			return err
		}
		config.MemoryPolicy = p
	}
	for name, d := range l.NetDevices {
		if config.NetDevices == nil {
			config.NetDevices = map[string]*configs.LinuxNetDevice{}
		}
		config.NetDevices[name] = &configs.LinuxNetDevice{Name: d.Name}
	}
	return nil
}

func namespaceType(t specs.LinuxNamespaceType) (configs.NamespaceType, bool) {
	for _, n := range namespaceTypes {
		if n.spec == t {
			return n.ours, true
		}
	}
	return "", false
}

// setUserNamespace takes the maps of config.json, or those of the namespace
// that is joined, which must not be other ones.
func setUserNamespace(config *configs.Config, l *specs.Linux, mapsOf mapsFunc) error {
	config.UIDMappings = toIDMaps(l.UIDMappings)
	config.GIDMappings = toIDMaps(l.GIDMappings)
	path := config.Namespaces.PathOf(configs.NEWUSER)
	if path == "" {
		return nil
	}
	if mapsOf == nil {
		return errors.New("a user namespace to join needs CreateOpts.UserNamespaceMaps (config.json: linux.namespaces)")
	}
	uids, gids, err := mapsOf(path)
	if err != nil {
		return fmt.Errorf("failed to cache mappings for userns: %w (config.json: linux.namespaces)", err)
	}
	if config.UIDMappings != nil && !equalMaps(config.UIDMappings, uids) ||
		config.GIDMappings != nil && !equalMaps(config.GIDMappings, gids) {
		return errors.New("user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only provide one (config.json: linux.uidMappings, linux.gidMappings)")
	}
	config.UIDMappings, config.GIDMappings = uids, gids
	return nil
}

func equalMaps(a, b []configs.IDMap) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func setProcess(config *configs.Config, p *specs.Process) error {
	if p == nil {
		return nil
	}
	config.OomScoreAdj = p.OOMScoreAdj
	config.NoNewPrivileges = p.NoNewPrivileges
	config.Umask = p.User.Umask
	config.ProcessLabel = p.SelinuxLabel
	config.AppArmorProfile = p.ApparmorProfile
	for i, r := range p.Rlimits {
		// They are the process's, not the container's: only their names are
		// looked at here.
		if _, err := ToRlimit(r); err != nil {
			return fmt.Errorf("%w (config.json: process.rlimits[%d].type)", err, i)
		}
	}
	if c := p.Capabilities; c != nil {
		config.Capabilities = ToCapabilities(c)
	}
	config.Scheduler = p.Scheduler
	config.IOPriority = p.IOPriority
	if p.ExecCPUAffinity != nil {
		a, err := ToAffinity(p.ExecCPUAffinity)
		if err != nil {
			return err
		}
		config.ExecCPUAffinity = a
	}
	return nil
}

// ToRlimit turns one of a process's limits into numbers.
func ToRlimit(r specs.POSIXRlimit) (configs.Rlimit, error) {
	t, err := rlimit.Number(r.Type)
	if err != nil {
		return configs.Rlimit{}, err
	}
	return configs.Rlimit{Type: t, Hard: r.Hard, Soft: r.Soft}, nil
}

// ToCapabilities gives the five sets of a process.
func ToCapabilities(c *specs.LinuxCapabilities) *configs.Capabilities {
	return &configs.Capabilities{
		Bounding:    c.Bounding,
		Effective:   c.Effective,
		Permitted:   c.Permitted,
		Inheritable: c.Inheritable,
		Ambient:     c.Ambient,
	}
}

// ToAffinity parses the CPU lists of execCPUAffinity.
func ToAffinity(a *specs.CPUAffinity) (*configs.CPUAffinity, error) {
	initial, err := parseList(a.Initial)
	if err != nil {
		return nil, fmt.Errorf("bad CPUAffinity.Initial: %w (config.json: process.execCPUAffinity.initial)", err)
	}
	final, err := parseList(a.Final)
	if err != nil {
		return nil, fmt.Errorf("bad CPUAffinity.Final: %w (config.json: process.execCPUAffinity.final)", err)
	}
	return &configs.CPUAffinity{Initial: initial, Final: final}, nil
}

func memoryPolicy(p *specs.LinuxMemoryPolicy) (*configs.LinuxMemoryPolicy, error) {
	mode, err := sched.MemoryModeNumber(p.Mode)
	if err != nil {
		return nil, fmt.Errorf("%w (config.json: linux.memoryPolicy.mode)", err)
	}
	c := &configs.LinuxMemoryPolicy{Mode: mode}
	for i, f := range p.Flags {
		bit, err := sched.MemoryFlagBit(f)
		if err != nil {
			return nil, fmt.Errorf("%w (config.json: linux.memoryPolicy.flags[%d])", err, i)
		}
		c.Flags |= bit
	}
	if c.Nodes, err = parseList(p.Nodes); err != nil {
		return nil, fmt.Errorf("invalid memory policy nodes %q: %w (config.json: linux.memoryPolicy.nodes)", p.Nodes, err)
	}
	return c, nil
}

func hooks(h *specs.Hooks) configs.Hooks {
	if h == nil {
		return nil
	}
	out := configs.Hooks{}
	for _, k := range []struct {
		name configs.HookName
		list []specs.Hook
	}{
		//lint:ignore SA1019 deprecated, and still used
		{configs.Prestart, h.Prestart},
		{configs.CreateRuntime, h.CreateRuntime},
		{configs.CreateContainer, h.CreateContainer},
		{configs.StartContainer, h.StartContainer},
		{configs.Poststart, h.Poststart},
		{configs.Poststop, h.Poststop},
	} {
		for _, s := range k.list {
			c := configs.Hook{Path: s.Path, Args: s.Args, Env: s.Env}
			if s.Timeout != nil {
				// What does not fit is as good as no end.
				d := time.Duration(min(int64(*s.Timeout), math.MaxInt64/int64(time.Second))) * time.Second
				c.Timeout = &d
			}
			out[k.name] = append(out[k.name], c)
		}
	}
	return out
}

// mapDeviceOwners: the nodes are made from outside the user namespace's view.
func mapDeviceOwners(config *configs.Config) error {
	uid, err := config.HostRootUID()
	if err != nil {
		return fmt.Errorf("%w (config.json: linux.uidMappings)", err)
	}
	gid, err := config.HostRootGID()
	if err != nil {
		return fmt.Errorf("%w (config.json: linux.gidMappings)", err)
	}
	for _, d := range config.Devices {
		if d.Uid == 0 {
			d.Uid = uint32(uid)
		}
		if d.Gid == 0 {
			d.Gid = uint32(gid)
		}
	}
	return nil
}

// setCgroupOwner has the cgroup given to the container's root, where that one
// can see no more than it, and may write to it: with a user namespace, its own
// cgroup namespace, and a writable cgroup mount.
func setCgroupOwner(config *configs.Config) error {
	if !config.Namespaces.IsPrivate(configs.NEWUSER) || !config.Namespaces.IsPrivate(configs.NEWCGROUP) {
		return nil
	}
	for _, m := range config.Mounts {
		if (m.Device == "cgroup" || m.Device == "cgroup2") && m.Flags&unix.MS_RDONLY == 0 {
			uid, err := config.HostRootUID()
			if err != nil {
				return err
			}
			config.Cgroups.OwnerUID = &uid
		}
	}
	return nil
}

func parseList(s string) (unix.CPUSetDynamic, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	return listSet(s)
}
