package rootfs

import (
	"fmt"
	"path"

	devices "github.com/opencontainers/cgroups/devices/config"
	"golang.org/x/sys/unix"
)

// devices decides about /dev.
func (d *decider) devices() error {
	for _, m := range d.cfg.Mounts {
		if m.IsBind() && d.target(m.Destination) == "/dev" {
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
			// It is always a link to the container's own devpts.
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
