package libcontainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"runc/libcontainer/configs"
	"runc/libcontainer/internal/wire"
	"runc/libcontainer/rootfs"
)

// mountsFilename is a file in the folder of a container without a mount
// namespace. It names the mounts that init has made on the host: they outlive
// init, so the runtime undoes them.
const mountsFilename = "mounts.json"

// mountsOnHost says whether the container's mounts are the host's.
func (c *Container) mountsOnHost() bool {
	return !c.config.Namespaces.Contains(configs.NEWNS) && len(c.config.Mounts) != 0
}

// noteMounts saves what init sends by MsgMounts.
func (c *Container) noteMounts(payload []byte) error {
	var list []rootfs.HostMount
	if err := wire.Decode(payload, &list); err != nil {
		return err
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.dir, mountsFilename), b, 0o600)
}

// unmountHost undoes the mounts that noteMounts has saved.
func (c *Container) unmountHost() error {
	if !c.mountsOnHost() {
		return nil
	}
	path := filepath.Join(c.dir, mountsFilename)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var list []rootfs.HostMount
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := rootfs.UnmountHost(list); err != nil {
		return fmt.Errorf("unable to unmount what the container has mounted on the host: %w", err)
	}
	return os.Remove(path)
}
