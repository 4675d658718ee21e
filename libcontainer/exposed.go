package libcontainer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"runc/libcontainer/capabilities"
	"runc/libcontainer/configs"
)

// tracersFilename is a file in the state folder of a container that has had a
// process with CAP_SYS_PTRACE, though the container itself has not.
const tracersFilename = "tracers"

// exposed says whether a process that joins the container's PID namespace may
// be seen there by one that can trace any process: see nsenter.Plan.Exposed.
// What is started now is noted, for those that come after it.
func (c *Container) exposed(boot *bootstrap) (bool, error) {
	ns := c.config.Namespaces
	if ns.Contains(configs.NEWUSER) || !ns.Contains(configs.NEWPID) {
		// Rights in a user namespace below are none over the runtime; and with
		// the host's processes in sight the runtime itself is, too.
		return false, nil
	}
	if !ns.IsPrivate(configs.NEWPID) {
		// Who else is in there is not known.
		return true, nil
	}
	own, _ := capabilities.New(c.config.Capabilities)
	if (own.Bounding|own.Permitted)&capabilities.Trace != 0 {
		return true, nil
	}
	note := filepath.Join(c.dir, tracersFilename)
	err := unix.Access(note, unix.F_OK)
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, &os.PathError{Op: "access", Path: note, Err: err}
	}
	if (boot.Caps.Bounding|boot.Caps.Permitted)&capabilities.Trace != 0 {
		if err := os.WriteFile(note, nil, 0o600); err != nil {
			return false, err
		}
	}
	return false, nil
}
