package nsenter

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// WriteMaps writes the id maps of a process in a new user namespace
// (user_namespaces(7)). With the right to map any ids it writes them itself;
// otherwise a single map of the caller's own ids, with setgroups(2) denied, as
// the kernel then wants it, and for all else newuidmap(1) and newgidmap(1),
// found in PATH, which may write what /etc/subuid and /etc/subgid grant.
func WriteMaps(pid int, uids, gids []configs.IDMap) error {
	dir := "/proc/" + strconv.Itoa(pid)
	if err := writeMap(dir+"/uid_map", "uidMappings", "newuidmap", pid, uids, os.Geteuid(), nil); err != nil {
		return err
	}
	return writeMap(dir+"/gid_map", "gidMappings", "newgidmap", pid, gids, os.Getegid(), func() error {
		return os.WriteFile(dir+"/setgroups", []byte("deny"), 0)
	})
}

func writeMap(path, field, tool string, pid int, maps []configs.IDMap, own int, alone func() error) error {
	var text bytes.Buffer
	for _, m := range maps {
		fmt.Fprintf(&text, "%d %d %d\n", m.ContainerID, m.HostID, m.Size)
	}
	fail := func(err error) error {
		return fmt.Errorf("config.json: linux.%s: unable to map ids: %w", field, err)
	}
	err := os.WriteFile(path, text.Bytes(), 0)
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
		return fail(err)
	}
	single := len(maps) == 1 && maps[0].Size == 1 && maps[0].HostID == int64(own)
	if single && alone != nil {
		if err := alone(); err != nil {
			return fail(err)
		}
		if err := os.WriteFile(path, text.Bytes(), 0); err != nil {
			return fail(err)
		}
		return nil
	}
	prog, lerr := exec.LookPath(tool)
	if lerr != nil {
		return fail(fmt.Errorf("%w, and %s (package uidmap) is not installed", err, tool))
	}
	args := append([]string{strconv.Itoa(pid)}, strings.Fields(text.String())...)
	if out, err := exec.Command(prog, args...).CombinedOutput(); err != nil {
		return fail(fmt.Errorf("%s: %w: %s", filepath.Base(prog), err, bytes.TrimSpace(out)))
	}
	return nil
}

// NewUserNS makes a user namespace with these maps and nobody in it, for
// idmapped mounts (mount_setattr(2)).
func NewUserNS(uids, gids []configs.IDMap) (*os.File, error) {
	var ns *os.File
	p := &Plan{
		New: unix.CLONE_NEWUSER,
		MapIDs: func(pid int) error {
			if err := WriteMaps(pid, uids, gids); err != nil {
				return err
			}
			f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/ns/user")
			if err != nil {
				return err
			}
			ns = f
			// All that was wanted: the child need not go on.
			return errHaveNS
		},
	}
	_, err := p.Start()
	if errors.Is(err, ErrNoStub) {
		// The relay is killed before it executes anything.
		exe, oerr := os.Open("/proc/self/exe")
		if oerr != nil {
			return nil, oerr
		}
		defer exe.Close()
		p.NoStub, p.Sealed, p.Exec = true, exe, &Exec{File: exe, Argv: []string{"runc", "init"}}
		_, err = p.Start()
	}
	if !errors.Is(err, errHaveNS) {
		if err == nil {
			err = errors.New("user namespace for an idmapped mount: unexpected child")
		}
		return nil, err
	}
	return ns, nil
}

var errHaveNS = errors.New("have the namespace")
