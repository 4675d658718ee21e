package specconv

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// optionKind is the kind of a mount option.
type optionKind uint8

const (
	optFlag optionKind = iota
	optPropagation
	optRecursive
	optExtension
	optIDMap
)

type mountOption struct {
	name  string
	kind  optionKind
	clear bool
	// flag is an MS_ flag, or for optRecursive a MOUNT_ATTR_ bit.
	flag uint64
}

// mountOptions is sorted by name. `features` lists the same table, so every
// option that is listed there works.
var mountOptions = [...]mountOption{
	{"async", optFlag, true, unix.MS_SYNCHRONOUS},
	{"atime", optFlag, true, unix.MS_NOATIME},
	{"bind", optFlag, false, unix.MS_BIND},
	{"defaults", optFlag, false, 0},
	{"dev", optFlag, true, unix.MS_NODEV},
	{"diratime", optFlag, true, unix.MS_NODIRATIME},
	{"dirsync", optFlag, false, unix.MS_DIRSYNC},
	{"exec", optFlag, true, unix.MS_NOEXEC},
	{"idmap", optIDMap, false, 0},
	{"iversion", optFlag, false, unix.MS_I_VERSION},
	{"lazytime", optFlag, false, unix.MS_LAZYTIME},
	{"loud", optFlag, true, unix.MS_SILENT},
	{"mand", optFlag, false, unix.MS_MANDLOCK},
	{"noatime", optFlag, false, unix.MS_NOATIME},
	{"nodev", optFlag, false, unix.MS_NODEV},
	{"nodiratime", optFlag, false, unix.MS_NODIRATIME},
	{"noexec", optFlag, false, unix.MS_NOEXEC},
	{"noiversion", optFlag, true, unix.MS_I_VERSION},
	{"nolazytime", optFlag, true, unix.MS_LAZYTIME},
	{"nomand", optFlag, true, unix.MS_MANDLOCK},
	{"norelatime", optFlag, true, unix.MS_RELATIME},
	{"nostrictatime", optFlag, true, unix.MS_STRICTATIME},
	{"nosuid", optFlag, false, unix.MS_NOSUID},
	{"nosymfollow", optFlag, false, unix.MS_NOSYMFOLLOW},
	{"private", optPropagation, false, unix.MS_PRIVATE},
	{"ratime", optRecursive, true, unix.MOUNT_ATTR_NOATIME},
	{"rbind", optFlag, false, unix.MS_BIND | unix.MS_REC},
	{"rdev", optRecursive, true, unix.MOUNT_ATTR_NODEV},
	{"rdiratime", optRecursive, true, unix.MOUNT_ATTR_NODIRATIME},
	{"relatime", optFlag, false, unix.MS_RELATIME},
	{"remount", optFlag, false, unix.MS_REMOUNT},
	{"rexec", optRecursive, true, unix.MOUNT_ATTR_NOEXEC},
	{"ridmap", optIDMap, false, unix.MS_REC},
	{"rnoatime", optRecursive, false, unix.MOUNT_ATTR_NOATIME},
	{"rnodev", optRecursive, false, unix.MOUNT_ATTR_NODEV},
	{"rnodiratime", optRecursive, false, unix.MOUNT_ATTR_NODIRATIME},
	{"rnoexec", optRecursive, false, unix.MOUNT_ATTR_NOEXEC},
	{"rnorelatime", optRecursive, true, unix.MOUNT_ATTR_RELATIME},
	{"rnostrictatime", optRecursive, true, unix.MOUNT_ATTR_STRICTATIME},
	{"rnosuid", optRecursive, false, unix.MOUNT_ATTR_NOSUID},
	{"rnosymfollow", optRecursive, false, unix.MOUNT_ATTR_NOSYMFOLLOW},
	{"ro", optFlag, false, unix.MS_RDONLY},
	{"rprivate", optPropagation, false, unix.MS_PRIVATE | unix.MS_REC},
	{"rrelatime", optRecursive, false, unix.MOUNT_ATTR_RELATIME},
	{"rro", optRecursive, false, unix.MOUNT_ATTR_RDONLY},
	{"rrw", optRecursive, true, unix.MOUNT_ATTR_RDONLY},
	{"rshared", optPropagation, false, unix.MS_SHARED | unix.MS_REC},
	{"rslave", optPropagation, false, unix.MS_SLAVE | unix.MS_REC},
	{"rstrictatime", optRecursive, false, unix.MOUNT_ATTR_STRICTATIME},
	{"rsuid", optRecursive, true, unix.MOUNT_ATTR_NOSUID},
	{"rsymfollow", optRecursive, true, unix.MOUNT_ATTR_NOSYMFOLLOW},
	{"runbindable", optPropagation, false, unix.MS_UNBINDABLE | unix.MS_REC},
	{"rw", optFlag, true, unix.MS_RDONLY},
	{"shared", optPropagation, false, unix.MS_SHARED},
	{"silent", optFlag, false, unix.MS_SILENT},
	{"slave", optPropagation, false, unix.MS_SLAVE},
	{"strictatime", optFlag, false, unix.MS_STRICTATIME},
	{"suid", optFlag, true, unix.MS_NOSUID},
	{"symfollow", optFlag, true, unix.MS_NOSYMFOLLOW},
	{"sync", optFlag, false, unix.MS_SYNCHRONOUS},
	{"tmpcopyup", optExtension, false, configs.ExtCopyUp},
	{"unbindable", optPropagation, false, unix.MS_UNBINDABLE},
}

func findOption(name string) (mountOption, bool) {
	i, ok := slices.BinarySearchFunc(mountOptions[:], name, func(o mountOption, n string) int {
		return strings.Compare(o.name, n)
	})
	if !ok {
		return mountOption{}, false
	}
	return mountOptions[i], true
}

// KnownMountOptions lists the options that the runtime handles. All others go to
// the file system.
func KnownMountOptions() []string {
	var names []string
	for _, o := range mountOptions {
		// features lists these as mountExtensions.
		if o.kind != optIDMap {
			names = append(names, o.name)
		}
	}
	return names
}

// parseOptions sorts a mount's options.
func parseOptions(options []string) *configs.Mount {
	m := new(configs.Mount)
	var data []string
	for _, name := range options {
		o, known := findOption(name)
		switch {
		case name == "z" || name == "Z":
			m.Relabel = name
		case !known:
			data = append(data, name)
		case o.kind == optFlag && o.clear:
			m.Flags &^= int(o.flag)
			m.ClearedFlags |= int(o.flag)
		case o.kind == optFlag:
			m.Flags |= int(o.flag)
			m.ClearedFlags &^= int(o.flag)
		case o.kind == optPropagation:
			m.PropagationFlags = append(m.PropagationFlags, int(o.flag))
		case o.kind == optRecursive:
			addRecursive(m, o)
		case o.kind == optExtension:
			m.Extensions |= int(o.flag)
		case o.kind == optIDMap:
			m.IDMapping = &configs.MountIDMapping{Recursive: o.flag&unix.MS_REC != 0}
		}
	}
	m.Data = strings.Join(data, ",")
	return m
}

// addRecursive adds one attribute for mount_setattr(2). There the kinds of
// access times share a field, which has to be cleared as a whole.
func addRecursive(m *configs.Mount, o mountOption) {
	if m.RecAttr == nil {
		m.RecAttr = new(unix.MountAttr)
	}
	a := m.RecAttr
	const atimes = unix.MOUNT_ATTR_RELATIME | unix.MOUNT_ATTR_NOATIME | unix.MOUNT_ATTR_STRICTATIME
	isAtime := o.flag&atimes != 0 || o.flag == unix.MOUNT_ATTR_RELATIME
	if o.clear {
		a.Attr_clr |= o.flag
		a.Attr_set &^= o.flag
		if isAtime {
			a.Attr_clr |= unix.MOUNT_ATTR__ATIME
		}
		return
	}
	if isAtime {
		a.Attr_clr |= unix.MOUNT_ATTR__ATIME
		a.Attr_set &^= atimes
	} else {
		a.Attr_clr &^= o.flag
	}
	a.Attr_set |= o.flag
}

func toMount(cwd string, i int, m specs.Mount) (*configs.Mount, error) {
	if m.Destination == "" {
		return nil, fmt.Errorf("config.json: mounts[%d].destination must not be empty", i)
	}
	for _, text := range append([]string{m.Destination, m.Type, m.Source}, m.Options...) {
		if strings.IndexByte(text, 0) >= 0 {
			return nil, fmt.Errorf("invalid mount %q: mount field contains null byte (config.json: mounts[%d])", m.Destination, i)
		}
	}
	c := parseOptions(m.Options)
	c.Destination, c.Device, c.Source = m.Destination, m.Type, m.Source
	if c.Device == "bind" && c.Flags&unix.MS_BIND == 0 {
		c.Flags |= unix.MS_BIND
	}
	if c.IsBind() {
		// The type of a bind mount means nothing to the kernel.
		c.Device = "bind"
		// An empty source would become the bundle's folder.
		if c.Source == "" && c.Flags&unix.MS_REMOUNT == 0 {
			return nil, fmt.Errorf("invalid mount %q: a bind mount needs a source (config.json: mounts[%d].source)", m.Destination, i)
		}
		if !filepath.IsAbs(c.Source) {
			c.Source = filepath.Join(cwd, c.Source)
		}
	}
	if m.UIDMappings != nil || m.GIDMappings != nil {
		if c.IDMapping == nil {
			c.IDMapping = new(configs.MountIDMapping)
		}
		c.IDMapping.UIDMappings = toIDMaps(m.UIDMappings)
		c.IDMapping.GIDMappings = toIDMaps(m.GIDMappings)
	}
	return c, nil
}

func toIDMaps(in []specs.LinuxIDMapping) []configs.IDMap {
	var out []configs.IDMap
	for _, m := range in {
		out = append(out, configs.IDMap{
			ContainerID: int64(m.ContainerID), HostID: int64(m.HostID), Size: int64(m.Size),
		})
	}
	return out
}
