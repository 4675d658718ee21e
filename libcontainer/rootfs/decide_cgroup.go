package rootfs

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

const cgroupRoot = "/sys/fs/cgroup"

// cgroup decides about a mount of type cgroup, which shows the container its
// own cgroup, of whichever version.
func (d *decider) cgroup(op Op, m *configs.Mount) {
	if d.cg.Unified {
		d.cgroupV2(op, m)
	} else {
		d.cgroupV1(op, m)
	}
}

// cgroupV2 mounts a cgroup2 of the container's own cgroup namespace. Without one
// it binds the host's tree as it is mounted there: mounting that anew from the
// first namespace would change the host's mount options (nsdelegate, ...).
//
// A container without an own cgroup shares its caller's. A cgroup2, or a bind of
// the host's tree, would show the caller's cgroup, in which folders belong to an
// ordinary user who is the container's root: so the folder is hidden, whatever
// the options of the mount say (CVE-2023-25809). Hiding it is also the last
// fallback of a container that has a cgroup.
func (d *decider) cgroupV2(op Op, m *configs.Mount) {
	hide := &Op{Kind: Hide, Place: op.Place, Target: op.Target}
	own := d.cg.Paths[""]
	if own == "" {
		d.add(*hide)
		return
	}
	bind := op
	bind.Kind, bind.Source = Bind, cgroupRoot
	bind.Change, bind.IfLocked = bindAttr(m.Flags, 0)
	if d.userns || d.cfg.Namespaces.Contains(configs.NEWCGROUP) {
		bind.Source = own
	}
	if d.cfg.RootlessCgroups || d.userns {
		bind.Else = hide
	}
	if !d.cfg.Namespaces.Contains(configs.NEWCGROUP) {
		d.add(bind)
		return
	}
	op.Kind, op.FSType = Filesystem, "cgroup2"
	op.Set = newAttr(m.Flags)
	// The mount is read-only, not the file system: the host has the same one.
	d.options(&op, m.Flags&^unix.MS_RDONLY, m.Data, d.label)
	op.Else = &bind
	d.add(op)
}

// hierarchy is a cgroup v1 hierarchy.
type hierarchy struct {
	// name of its folder below /sys/fs/cgroup; joint ones have commas.
	name string
	// own is the container's cgroup in it.
	own string
	// keys are its controllers, or name=X.
	keys []string
}

// hierarchies sorts the paths of the container's cgroup by hierarchy.
func hierarchies(paths map[string]string) []hierarchy {
	var hs []hierarchy
	for key, own := range paths {
		// On v1 the container is not shown the unified hierarchy.
		if key == "" || own == "" {
			continue
		}
		name := strings.TrimPrefix(key, "name=")
		if rest, ok := strings.CutPrefix(own, cgroupRoot+"/"); ok {
			name, _, _ = strings.Cut(rest, "/")
		}
		i := slices.IndexFunc(hs, func(h hierarchy) bool { return h.name == name })
		if i < 0 {
			hs = append(hs, hierarchy{name: name, own: own})
			i = len(hs) - 1
		}
		hs[i].keys = append(hs[i].keys, key)
	}
	slices.SortFunc(hs, func(a, b hierarchy) int { return strings.Compare(a.name, b.name) })
	for i := range hs {
		slices.Sort(hs[i].keys)
	}
	return hs
}

// cgroupV1 makes a tmpfs with a folder for each hierarchy, and links for the
// names of joint ones. Only the hierarchies are read-only where the options say
// so: programs make mount points in the tmpfs, and runc lets them.
func (d *decider) cgroupV1(op Op, m *configs.Mount) {
	// Nothing in it is ever executed or a device, whatever the options say.
	const always = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	base := op
	base.Kind, base.FSType, base.Source = Filesystem, "tmpfs", "tmpfs"
	base.Flags = m.Flags&^unix.MS_RDONLY | always
	base.Set = newAttr(base.Flags)
	d.options(&base, base.Flags, "mode=755", d.label)
	base.RecAttr = nil
	d.add(base)

	ownNS := d.cfg.Namespaces.Contains(configs.NEWCGROUP)
	for _, h := range hierarchies(d.cg.Paths) {
		sub := Op{
			Place: op.Place, Target: path.Join(op.Target, h.name),
			RecAttr: op.RecAttr, Propagation: op.Propagation,
		}
		bind := sub
		bind.Kind, bind.Source = Bind, h.own
		flags := m.Flags
		if d.cfg.RootlessCgroups && !ownNS {
			// It may be the caller's own cgroup, with all cgroups below.
			flags |= unix.MS_RDONLY
		}
		bind.Change, bind.IfLocked = bindAttr(flags, 0)
		if d.cfg.RootlessCgroups || d.userns {
			bind.Else = &Op{Kind: Hide, Place: op.Place, Target: sub.Target}
		}
		if ownNS {
			sub.Kind, sub.FSType, sub.Source = Filesystem, "cgroup", "cgroup"
			if h.name == "systemd" {
				sub.Source = h.name // as systemd itself calls it
			}
			flags := m.Flags | always
			sub.Set = newAttr(flags)
			d.options(&sub, flags&^unix.MS_RDONLY, strings.Join(h.keys, ","), "")
			sub.Else = &bind
			d.add(sub)
		} else {
			d.add(bind)
		}
		if !strings.Contains(h.name, ",") {
			continue
		}
		for _, one := range strings.Split(h.name, ",") {
			d.add(Op{Kind: Link, Place: op.Place, Source: h.name, Target: path.Join(op.Target, one)})
		}
	}
}
