package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"runc/libcontainer/cgroup"
)

// Processes gives the pids of all processes in the container's cgroup and those
// below it, as the caller's pid namespace has them. An ordinary user's container
// may have no cgroup: then they are the processes of its own pid namespace. A
// container that has ended, and whose cgroup has been removed, has none.
func (c *Container) Processes() ([]int, error) {
	pids, err := cgroup.Pids(c.cgroupPaths)
	if errors.Is(err, fs.ErrNotExist) {
		if ok, err := alive(c.initPid, c.initStart); err != nil || !ok {
			return nil, err
		}
		if private, e := c.privatePID(); e == nil && private {
			pids, err = namespacePids(c.initPid)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("unable to get all container pids: %w", err)
	}
	return pids, nil
}

// namespacePids gives the pids of the processes in the same pid namespace as the
// process given. Processes in a further namespace that one of them has made are
// left out, and so are those whose namespace the caller may not see (ptrace(2),
// access mode PTRACE_MODE_READ).
func namespacePids(pid int) ([]int, error) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		return nil, err
	}
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		// The process may have ended by now, or be another user's.
		if ns, err := os.Readlink("/proc/" + name + "/ns/pid"); err == nil && ns == own {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
