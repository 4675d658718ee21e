package libcontainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"runc/libcontainer/cgroup"
)

// ErrBroken is in the error of [Load] for a container whose state file is empty,
// cut off, not JSON, or another container's.
var ErrBroken = errors.New("broken")

func broken(path string, err error) error {
	return fmt.Errorf("container state %s is %w: %w (delete --force removes the container)", path, ErrBroken, err)
}

// DestroyBroken removes a container that [Load] calls [ErrBroken]: its init, where
// the state file still tells which process that is; its cgroup, by the note of it
// in the state folder, by what the file still tells, or by the container's id; and
// the folder. Nothing is touched that the state file of another container below
// root claims. Without its configuration there are no hooks to run.
func DestroyBroken(root, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	dir := filepath.Join(root, id)
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := readState(dir, id); err == nil || !errors.Is(err, ErrBroken) {
		return fmt.Errorf("container %s was changed meanwhile: %w", id, or(err, ErrExist))
	}
	// What cannot be read tells nothing.
	text, _ := os.ReadFile(filepath.Join(dir, stateFilename))
	s := salvage(text, id)
	paths := append(noted(dir), s.cgroupPaths...)
	paths = append(paths, cgroup.Find(id, s.initPid)...)
	claimed := otherCgroups(root, id)
	paths = slices.DeleteFunc(paths, func(p string) bool { return slices.Contains(claimed, p) })
	slices.Sort(paths)
	paths = slices.Compact(paths)
	debugf("container %s is broken: init %d, cgroups %q", id, s.initPid, paths)
	if err := s.killInit(); err != nil {
		return err
	}
	err = cgroup.Clear(paths)
	if err == nil {
		err = cgroup.StopUnits(paths)
	}
	if err != nil {
		return fmt.Errorf("unable to remove container's cgroup: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("unable to remove container state dir: %w", err)
	}
	return nil
}

// salvaged is what can be told of a container by a part of its state file.
type salvaged struct {
	id          string
	initPid     int
	initStart   uint64
	cgroupPaths []string
}

// statePatterns find fields of a state file that need not be JSON.
type statePatterns struct{ id, pid, start, cgroups *regexp.Regexp }

// patterns are compiled when a state file is broken, not at each start of the
// program.
var patterns = sync.OnceValue(func() *statePatterns {
	return &statePatterns{
		id:      regexp.MustCompile(`^\{"id":"([^"\\]*)"`),
		pid:     regexp.MustCompile(`"init_process_pid":([0-9]{1,10})[,}\n]`),
		start:   regexp.MustCompile(`"init_process_start":([0-9]{1,20})[,}\n]`),
		cgroups: regexp.MustCompile(`"cgroup_paths":(\{[^{}]*\})`),
	}
})

// salvage looks for the fields of a state file that say what there is to remove.
// Of a file of another container's they say nothing. A pid counts only together
// with its start time: another process may have the number by now.
func salvage(text []byte, id string) salvaged {
	s := salvaged{id: id}
	if m := patterns().id.FindSubmatch(text); m == nil || string(m[1]) != id {
		return s
	}
	pid, start := patterns().pid.FindSubmatch(text), patterns().start.FindSubmatch(text)
	if pid != nil && start != nil {
		n, err := strconv.Atoi(string(pid[1]))
		began, e := strconv.ParseUint(string(start[1]), 10, 64)
		if err == nil && e == nil {
			if lives, err := alive(n, began); lives || err != nil {
				s.initPid, s.initStart = n, began
			}
		}
	}
	if m := patterns().cgroups.FindSubmatch(text); m != nil {
		var paths map[string]string
		if json.Unmarshal(m[1], &paths) == nil {
			for _, p := range paths {
				s.cgroupPaths = append(s.cgroupPaths, p)
			}
		}
	}
	return s
}

// killInit ends the init that the state file names, if it is known. In a frozen
// cgroup of v1 it dies when that is thawed.
func (s *salvaged) killInit() error {
	c := &Container{id: s.id, initPid: s.initPid, initStart: s.initStart}
	pidfd, err := c.openInit()
	if errors.Is(err, ErrNotRunning) {
		return nil
	} else if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("unable to signal init: %w", err)
	}
	// The processes of its PID namespace end before it does.
	_, err = waitReadable(pidfd, time.Now().Add(killWait))
	return err
}

// killWait bounds a wait for a process that was killed and may be frozen.
const killWait = 100 * time.Millisecond

// otherCgroups are the cgroups that the containers below root claim, without one.
func otherCgroups(root, id string) []string {
	var list []string
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if e.Name() == id {
			continue
		}
		if s, err := readState(filepath.Join(root, e.Name()), e.Name()); err == nil {
			for _, p := range s.CgroupPaths {
				list = append(list, p)
			}
		}
	}
	return list
}
