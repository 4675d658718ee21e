// Package usernsmap reads the id maps of an existing user namespace
// (user_namespaces(7)).
//
// The kernel shows the maps of a namespace only beside a process in it, as
// /proc/PID/uid_map and gid_map. For a path that is not /proc/PID/ns/user, a
// bind mount of an engine's say, a child of this process enters the namespace
// and ends at once. The files of a child that has ended can be read until its
// parent collects it.
//
// The owner of the namespace may be hostile. In the namespace it has every
// capability over the child: it may signal the child and, if the kernel lets it,
// trace the child. See child.go for what keeps the child worthless to it. This
// package waits for nothing that the owner could hold up.
package usernsmap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/nsenter"
	"runc/libcontainer/system"
)

// limit bounds the wait for the child, which makes a handful of system calls.
// Only a process that the owner of the namespace has stopped takes that long.
const limit = 5 * time.Second

// Read gives the maps of the user namespace at path, told in the ids of the
// caller's own user namespace.
func Read(path string) (uids, gids []configs.IDMap, err error) {
	if dir, ok := strings.CutSuffix(path, "/ns/user"); ok && strings.HasPrefix(path, "/proc/") {
		return readFiles(dir)
	}
	ns, err := nsenter.OpenNamespace(path, unix.CLONE_NEWUSER)
	if err != nil {
		return nil, nil, err
	}
	defer ns.Close()
	return visit(ns)
}

// visit reads the maps beside a child that has entered the namespace.
func visit(ns *os.File) (uids, gids []configs.IDMap, err error) {
	pid, pidfd, err := enter(ns)
	if err != nil {
		return nil, nil, err
	}
	defer unix.Close(pidfd)
	// A pidfd tells of the end of a process also to a parent that cannot collect
	// it because another process traces it.
	ended, err := awaitEnd(pidfd, limit)
	if err == nil && ended {
		uids, gids, err = readFiles("/proc/" + strconv.Itoa(pid))
	}
	if !ended {
		// Nobody has collected the child, so the number is still its own.
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = awaitEnd(pidfd, limit)
	}
	var status unix.WaitStatus
	collected, e := collect(pid, &status, unix.WNOHANG)
	if e == nil && collected == 0 {
		// The child ends when its tracer does. In a program that lives on,
		// something has to collect it then.
		go func() { _, _ = collect(pid, nil, 0) }()
	}
	switch {
	case err != nil:
		return nil, nil, err
	case e != nil:
		return nil, nil, os.NewSyscallError("wait4", e)
	case !ended:
		return nil, nil, fmt.Errorf("a process in the namespace has stopped the runtime's child for %v", limit)
	case collected == 0:
		return nil, nil, errors.New("a process in the namespace traces the runtime's child")
	case status.Signaled():
		return nil, nil, fmt.Errorf("a process in the namespace has ended the runtime's child by signal %d (%s)", int(status.Signal()), status.Signal())
	case status.ExitStatus() != 0:
		return nil, nil, fmt.Errorf("join user namespace: %w", unix.Errno(status.ExitStatus()))
	}
	return uids, gids, nil
}

// awaitEnd waits until a process has ended, and says whether it has.
func awaitEnd(pidfd int, limit time.Duration) (bool, error) {
	return system.PollUntil([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, time.Now().Add(limit))
}

// collect is wait4(2) for a child whose end sends no signal (__WALL).
func collect(pid int, status *unix.WaitStatus, options int) (int, error) {
	for {
		n, err := unix.Wait4(pid, status, options|unix.WALL, nil)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// readFiles reads the maps of a process's user namespace from its folder in
// /proc.
func readFiles(dir string) (uids, gids []configs.IDMap, err error) {
	if uids, err = readFile(filepath.Join(dir, "uid_map")); err != nil {
		return nil, nil, err
	}
	if gids, err = readFile(filepath.Join(dir, "gid_map")); err != nil {
		return nil, nil, err
	}
	return uids, gids, nil
}

func readFile(path string) ([]configs.IDMap, error) {
	lines, err := user.ParseIDMapFile(path)
	if err != nil {
		return nil, err
	}
	var maps []configs.IDMap
	for _, m := range lines {
		maps = append(maps, configs.IDMap{ContainerID: m.ID, HostID: m.ParentID, Size: m.Count})
	}
	return maps, nil
}
