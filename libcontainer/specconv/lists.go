package specconv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/nsenter"
)

// listSet parses "0-2,5", the kernel's format for CPUs and nodes.
func listSet(s string) (*unix.CPUSet, error) {
	set := new(unix.CPUSet)
	limit := len(set) * strconv.IntSize
	for _, r := range strings.Split(s, ",") {
		r = strings.TrimSpace(r)
		if r == "" {
			continue
		}
		first, last, isRange := strings.Cut(r, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			return nil, err
		}
		b := a
		if isRange {
			if b, err = strconv.Atoi(last); err != nil {
				return nil, err
			}
		}
		if a < 0 || b < a || b >= limit {
			return nil, fmt.Errorf("invalid range %q (numbers go up to %d)", r, limit-1)
		}
		for n := a; n <= b; n++ {
			set.Set(n)
		}
	}
	if set.Count() == 0 {
		return nil, fmt.Errorf("no numbers in %q", s)
	}
	return set, nil
}

// mapsOf reads the id maps of an existing user namespace. A namespace has no
// file for them but its processes': /proc/PID/ns/user has one beside it; for a
// bind mount somebody has to enter it and look.
func mapsOf(path string) (uids, gids []configs.IDMap, err error) {
	if dir, ok := strings.CutSuffix(path, "/ns/user"); ok && strings.HasPrefix(path, "/proc/") {
		return readMaps(dir)
	}
	ns, err := nsenter.OpenNamespace(path, unix.CLONE_NEWUSER)
	if err != nil {
		return nil, nil, err
	}
	defer ns.Close()
	return visit(ns)
}

func readMaps(dir string) (uids, gids []configs.IDMap, err error) {
	u, err := user.ParseIDMapFile(filepath.Join(dir, "uid_map"))
	if err != nil {
		return nil, nil, err
	}
	g, err := user.ParseIDMapFile(filepath.Join(dir, "gid_map"))
	if err != nil {
		return nil, nil, err
	}
	return fromUserMaps(u), fromUserMaps(g), nil
}

// visit puts a child into the namespace and reads the maps of that one, from
// here, so that they are told in our own ids. The child waits on its stdin.
func visit(ns *os.File) (uids, gids []configs.IDMap, err error) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		return nil, nil, fmt.Errorf("to wait in the user namespace: %w", err)
	}
	exe, err := os.Open(cat)
	if err != nil {
		return nil, nil, err
	}
	defer exe.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	p := &nsenter.Plan{
		Join:  []nsenter.Join{{Flag: unix.CLONE_NEWUSER, File: ns}},
		Exe:   exe,
		Argv:  []string{"cat"},
		Files: []*os.File{r},
	}
	child, err := p.Start()
	r.Close()
	if err != nil {
		return nil, nil, err
	}
	if err := child.Executed(); err != nil {
		_, _ = unix.Wait4(child.Pid, nil, 0, nil)
		child.PidFD.Close()
		return nil, nil, err
	}
	defer func() {
		_ = unix.PidfdSendSignal(int(child.PidFD.Fd()), unix.SIGKILL, nil, 0)
		_, _ = unix.Wait4(child.Pid, nil, 0, nil)
		child.PidFD.Close()
	}()
	return readMaps("/proc/" + strconv.Itoa(child.Pid))
}
