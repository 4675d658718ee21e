package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/saved"
	"runc/libcontainer/internal/statejson"
	"runc/libcontainer/system"
)

const (
	stateFilename = "state.json"
	fifoFilename  = "exec.fifo"
)

// State is what state.json holds. The names are an interface: engines, runc
// before and after a swap, and people's scripts read them.
type State = saved.State

// readState reads the state file of a container's folder. [ErrBroken] is in the
// error when it is none of that container's: there is no telling whose processes
// and cgroups it would name.
func readState(dir, id string) (*State, error) {
	path := filepath.Join(dir, stateFilename)
	b, err := system.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotExist
	} else if errors.Is(err, unix.EISDIR) {
		return nil, broken(path, err)
	} else if err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, broken(path, errors.New("it is empty"))
	}
	// Nothing else refers to the bytes, and nothing writes to them again.
	s, err := statejson.Decode(b)
	switch {
	case err != nil:
		return nil, broken(path, err)
	case s.ID == "":
		return nil, broken(path, errors.New("no id in it"))
	case s.ID != id:
		return nil, broken(path, fmt.Errorf("it is that of container %q", s.ID))
	}
	// Others may write none; here it is always there.
	if s.Config.Cgroups == nil {
		s.Config.Cgroups = new(cgroups.Cgroup)
	}
	if s.Config.Cgroups.Resources == nil {
		s.Config.Cgroups.Resources = new(cgroups.Resources)
	}
	return s, nil
}

// writeState replaces the state file as a whole, so that a reader sees the old
// one or the new one.
func writeState(dir string, s *State) (err error) {
	b := statejson.Append(nil, s)
	f, err := os.CreateTemp(dir, "state-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, stateFilename))
}

// alive tells whether pid is still the process that began at start. A zombie is
// not: it runs no more and holds nothing. An error means that this cannot be
// told, for lack of file descriptors or memory. It must not be taken for the
// end of a container, which delete would then remove under its processes.
func alive(pid int, start uint64) (bool, error) {
	if pid <= 0 {
		return false, nil
	}
	st, err := system.ProcStat(pid)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("unable to look at the container's init: %w", err)
	}
	return st.StartTime == start && st.State != 'Z' && st.State != 'X', nil
}
