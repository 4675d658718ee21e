package rootfs

import (
	"fmt"
	"os"
	"slices"

	"runc/libcontainer/configs"
)

// maxMaps bounds the user namespaces that are kept for later mounts.
const maxMaps = 4

// mapCache keeps the user namespaces of id-mapped mounts, so that mounts with
// the same maps share one. The one used least recently is closed first.
type mapCache struct {
	open func(*configs.MountIDMapping) (*os.File, error)
	kept []keptMaps
}

type keptMaps struct {
	maps *configs.MountIDMapping
	ns   *os.File
}

func (c *mapCache) get(m *configs.MountIDMapping) (*os.File, error) {
	i := slices.IndexFunc(c.kept, func(k keptMaps) bool { return sameMaps(k.maps, m) })
	if i >= 0 {
		k := c.kept[i]
		c.kept = append(slices.Delete(c.kept, i, i+1), k)
		return k.ns, nil
	}
	if len(c.kept) == maxMaps {
		c.kept[0].ns.Close()
		c.kept = slices.Delete(c.kept, 0, 1)
	}
	ns, err := c.open(m)
	if err != nil {
		return nil, fmt.Errorf("id-mapped mount: open its user namespace: %w", err)
	}
	c.kept = append(c.kept, keptMaps{m, ns})
	return ns, nil
}

func sameMaps(a, b *configs.MountIDMapping) bool {
	return a.UserNSPath == b.UserNSPath && slices.Equal(a.UIDMappings, b.UIDMappings) && slices.Equal(a.GIDMappings, b.GIDMappings)
}

func (c *mapCache) close() {
	for _, k := range c.kept {
		k.ns.Close()
	}
	c.kept = nil
}
