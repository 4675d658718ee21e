package cgroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// OOMWatch is a file descriptor that becomes readable when the cgroup runs out
// of memory: on v1 an eventfd on memory.oom_control (cgroup-v1/memory.rst,
// section 10), on v2 an inotify watch on memory.events.
type OOMWatch struct {
	fd     int
	dir    string
	events string // v2: memory.events
	last   uint64
}

// WatchOOM starts to watch a container's cgroup, by the paths of its state
// file; [fs.ErrNotExist] when there is no memory controller in it.
func WatchOOM(paths map[string]string) (*OOMWatch, error) {
	if dir, ok := paths["memory"]; ok {
		return watchV1(dir)
	}
	if dir, ok := paths[""]; ok && len(paths) == 1 {
		return watchV2(dir)
	}
	return nil, fs.ErrNotExist
}

func watchV1(dir string) (*OOMWatch, error) {
	control, err := os.Open(filepath.Join(dir, "memory.oom_control"))
	if err != nil {
		return nil, err
	}
	// The kernel takes a reference of its own.
	defer control.Close()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	line := fmt.Sprintf("%d %d", fd, control.Fd())
	if err := os.WriteFile(filepath.Join(dir, "cgroup.event_control"), []byte(line), 0); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &OOMWatch{fd: fd, dir: dir}, nil
}

func watchV2(dir string) (*OOMWatch, error) {
	w := &OOMWatch{dir: dir, events: filepath.Join(dir, "memory.events")}
	var err error
	if w.fd, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	if _, err := unix.InotifyAddWatch(w.fd, w.events, unix.IN_MODIFY); err != nil {
		unix.Close(w.fd)
		return nil, &os.PathError{Op: "inotify_add_watch", Path: w.events, Err: err}
	}
	// After the watch began, so that none is missed between.
	if w.last, err = oomKills(w.events); err != nil {
		unix.Close(w.fd)
		return nil, err
	}
	return w, nil
}

// FD is what to poll(2) for reading.
func (w *OOMWatch) FD() int { return w.fd }

// Count says how many events there were since the last call. It is 0 when
// readable was for something else, such as the cgroup's removal.
func (w *OOMWatch) Count(readable bool) (uint64, error) {
	var buf [4096]byte
	if readable {
		n, err := unix.Read(w.fd, buf[:])
		if err != nil && err != unix.EAGAIN {
			return 0, os.NewSyscallError("read", err)
		}
		// The removal of a v1 cgroup is told in the same way.
		if w.events == "" && n == 8 && exists(w.dir) {
			return binary.NativeEndian.Uint64(buf[:8]), nil
		}
	}
	if w.events == "" {
		return 0, nil
	}
	now, err := oomKills(w.events)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	n := now - w.last
	w.last = now
	return n, nil
}

// Close ends the watch.
func (w *OOMWatch) Close() error { return unix.Close(w.fd) }

func exists(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil
}

// oomKills is the number of processes killed, of a memory.events file.
func oomKills(path string) (uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 10, 64)
		}
	}
	return 0, nil
}
