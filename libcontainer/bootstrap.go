package libcontainer

import (
	"os"
	"strings"

	"runc/libcontainer/capabilities"
	"runc/libcontainer/configs"
	"runc/libcontainer/internal/inside"
	"runc/libcontainer/keyring"
	"runc/libcontainer/rootfs"
)

// or gives the first that is set.
func or[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}

// newBootstrap decides what the process is to do inside, as far as the
// configuration and the process say it. It changes nothing.
func (c *Container) newBootstrap(p *Process) *inside.Bootstrap {
	config := c.config
	b := &inside.Bootstrap{
		Setns:             !p.Init,
		ID:                c.id,
		Debug:             Debug != nil,
		Extra:             len(p.ExtraFiles),
		Fifo:              -1,
		NewKeyring:        !config.NoNewKeyring,
		Cwd:               p.Cwd,
		MountLabel:        config.MountLabel,
		HasConsole:        p.Terminal,
		ConsoleWidth:      p.ConsoleWidth,
		ConsoleHeight:     p.ConsoleHeight,
		AppArmorProfile:   or(p.AppArmorProfile, config.AppArmorProfile),
		ProcessLabel:      or(p.Label, config.ProcessLabel),
		NoNewPrivileges:   config.NoNewPrivileges,
		Scheduler:         or(p.Scheduler, config.Scheduler),
		IOPriority:        or(p.IOPriority, config.IOPriority),
		Personality:       config.Personality,
		MemoryPolicy:      config.MemoryPolicy,
		AskRlimits:        len(c.rlimits(p)) != 0,
		UID:               p.UID,
		GID:               p.GID,
		Groups:            p.AdditionalGroups,
		SetGroups:         canSetGroups(config),
		ParentDeathSignal: config.ParentDeathSignal,
		Umask:             rootfs.DefaultUmask,
		Args:              p.Args,
		Env:               dedupEnv(p.Env),
	}
	if umask := or(p.Umask, config.Umask); umask != nil {
		b.Umask = *umask
	}
	if p.NoNewPrivileges != nil {
		b.NoNewPrivileges = *p.NoNewPrivileges
	}
	caps, warnings := capabilities.New(or(p.Capabilities, config.Capabilities))
	for _, w := range warnings {
		p.warn(w)
	}
	b.Caps = caps
	if !p.Init {
		return b
	}
	b.KeyringShare = keyring.ShareUser
	if config.Namespaces.Contains(configs.NEWUSER) {
		b.KeyringShare = keyring.ShareOther
	}
	b.Hostname, b.Domainname = config.Hostname, config.Domainname
	b.Sysctl = config.Sysctl
	b.CgroupNS = config.Namespaces.IsPrivate(configs.NEWCGROUP)
	b.LoopbackUp = config.Namespaces.IsPrivate(configs.NEWNET) && len(config.Networks) != 0
	b.AskHooks = len(config.Hooks[configs.Prestart])+len(config.Hooks[configs.CreateRuntime]) != 0
	b.CreateContainer = config.Hooks[configs.CreateContainer]
	b.StartContainer = config.Hooks[configs.StartContainer]
	return b
}

// rlimits are the process's own or else the container's.
func (c *Container) rlimits(p *Process) []configs.Rlimit {
	if p.Rlimits != nil {
		return p.Rlimits
	}
	return c.config.Rlimits
}

// canSetGroups: without newgidmap an unprivileged user can only map its own
// group, and the kernel then wants setgroups(2) denied (user_namespaces(7)).
func canSetGroups(config *configs.Config) bool {
	return !(config.RootlessEUID && config.Namespaces.Contains(configs.NEWUSER) &&
		len(config.GIDMappings) == 1 && config.GIDMappings[0].Size == 1)
}

// dedupEnv keeps the last of each name, in the order of first appearance of
// what is kept.
func dedupEnv(env []string) []string {
	last := make(map[string]int, len(env))
	name := func(kv string) string {
		k, _, _ := strings.Cut(kv, "=")
		return k
	}
	for i, kv := range env {
		last[name(kv)] = i
	}
	if len(last) == len(env) {
		return env
	}
	out := make([]string, 0, len(last))
	for i, kv := range env {
		if last[name(kv)] == i {
			out = append(out, kv)
		}
	}
	return out
}

// fdTable collects the files of a process, and gives each one's number there.
type fdTable []*os.File

func (t *fdTable) add(f *os.File) int {
	if f == nil {
		return -1
	}
	*t = append(*t, f)
	return len(*t) - 1
}
