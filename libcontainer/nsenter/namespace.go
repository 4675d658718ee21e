package nsenter

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// OpenNamespace opens a namespace of one kind, a CLONE_NEW flag, by its path,
// which may be anything: a FIFO would hold the caller up, and setns(2) has no
// words for what is not the right namespace.
func OpenNamespace(path string, kind uintptr) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	is, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err == nil && uintptr(is) == kind {
		return f, nil
	}
	f.Close()
	for _, t := range configs.NamespaceTypes() {
		if t.CloneFlag() == kind {
			return nil, fmt.Errorf("%s is not a %s namespace", path, configs.NsName(t))
		}
	}
	return nil, fmt.Errorf("%s is not a namespace of kind %#x", path, kind)
}
