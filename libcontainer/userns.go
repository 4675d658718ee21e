package libcontainer

import (
	"runc/libcontainer/configs"
	"runc/libcontainer/internal/usernsmap"
)

// UserNamespaceMaps reads the id maps of the user namespace at path, in ids of
// the caller's own user namespace. It is what specconv.CreateOpts asks for.
func UserNamespaceMaps(path string) (uids, gids []configs.IDMap, err error) {
	return usernsmap.Read(path)
}
