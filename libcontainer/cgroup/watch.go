package cgroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// removalLimit bounds the wait for the kernel's event about the removal of a v1
// cgroup, which comes some tens of milliseconds after the folder has disappeared.
const removalLimit = 100 * time.Millisecond

// Watch is a file descriptor that poll(2) reports when something happens to the
// memory of a cgroup.
type Watch struct {
	fd int

	dir string // v1: the cgroup, whose events the eventfd counts

	// WatchOOM on v2: memory.events, which has the number of events, and that
	// number at the last look.
	events *os.File
	last   uint64

	trigger bool // WatchPressure on v2: fd is memory.pressure
}

// WatchOOM starts to watch for a container's cgroup that runs out of memory, by
// the paths of its state file; [fs.ErrNotExist] when there is no memory controller
// in it. On v1 the watch is an eventfd on memory.oom_control (cgroup-v1/memory.rst,
// section 10), on v2 an inotify watch on memory.events (cgroup-v2.rst).
func WatchOOM(paths map[string]string) (*Watch, error) {
	if dir, ok := paths["memory"]; ok {
		return watchV1(dir, "memory.oom_control", "")
	}
	if dir, ok := paths[""]; ok && len(paths) == 1 {
		return watchV2(dir)
	}
	return nil, fs.ErrNotExist
}

// watchV1 has the kernel count the events of a file of the cgroup in an eventfd.
func watchV1(dir, file, argument string) (*Watch, error) {
	watched, err := os.Open(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	// The kernel keeps no reference to the file: it has registered the event with
	// the cgroup.
	defer watched.Close()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	line := fmt.Sprintf("%d %d %s", fd, watched.Fd(), argument)
	if err := os.WriteFile(filepath.Join(dir, "cgroup.event_control"), []byte(line), 0); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &Watch{fd: fd, dir: dir}, nil
}

func watchV2(dir string) (*Watch, error) {
	events, err := os.Open(filepath.Join(dir, "memory.events"))
	if err != nil {
		return nil, err
	}
	w := &Watch{fd: -1, events: events}
	if w.fd, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		events.Close()
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	if _, err := unix.InotifyAddWatch(w.fd, events.Name(), unix.IN_MODIFY); err != nil {
		w.Close()
		return nil, &os.PathError{Op: "inotify_add_watch", Path: events.Name(), Err: err}
	}
	// The watch has begun, so that no event between the two is missed.
	if w.last, err = oomKills(events); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// Poll is what to give to poll(2).
func (w *Watch) Poll() unix.PollFd {
	if w.trigger {
		return unix.PollFd{Fd: int32(w.fd), Events: unix.POLLPRI}
	}
	return unix.PollFd{Fd: int32(w.fd), Events: unix.POLLIN}
}

// Count says how many events there were since the last call, without waiting
// for any. revents is what poll(2) has said. The result is 0 when it was something
// else, such as another event of memory or the cgroup's removal.
func (w *Watch) Count(revents int16) (uint64, error) {
	switch {
	case w.trigger:
		return w.countTrigger(revents), nil
	case w.events == nil:
		return w.countV1()
	}
	// The file has the number; the queue only says that it has changed.
	var queue [4096]byte
	if _, err := readNow(w.fd, queue[:]); err != nil {
		return 0, err
	}
	now, err := oomKills(w.events)
	if errors.Is(err, unix.ENODEV) {
		return 0, nil // removed
	} else if err != nil {
		return 0, err
	}
	n := now - w.last
	w.last = now
	return n, nil
}

// countV1 reads the number of events from the eventfd. The kernel counts the
// removal of the cgroup there as one more.
func (w *Watch) countV1() (uint64, error) {
	n, err := w.takeV1()
	if n == 0 || err != nil || exists(w.dir) {
		return n, err
	}
	if n == 1 {
		// It is the removal, or an event before the removal.
		if err := poll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}, time.Now().Add(removalLimit)); err != nil {
			return 0, err
		}
		more, err := w.takeV1()
		return more, err
	}
	return n - 1, nil
}

func (w *Watch) takeV1() (uint64, error) {
	var buf [8]byte
	if n, err := readNow(w.fd, buf[:]); n != len(buf) || err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint64(buf[:]), nil
}

// readNow reads from a non-blocking fd, and gives 0 when nothing is there.
func readNow(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, os.NewSyscallError("read", err)
		}
	}
}

// Close ends the watch.
func (w *Watch) Close() error {
	if w.events != nil {
		w.events.Close()
	}
	if w.fd < 0 {
		return nil
	}
	return unix.Close(w.fd)
}

func exists(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil
}

// oomKills is the number of processes killed, of a memory.events file.
func oomKills(events io.ReaderAt) (uint64, error) {
	buf := make([]byte, 4096)
	n, err := events.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	for line := range strings.Lines(string(buf[:n])) {
		if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 10, 64)
		}
	}
	return 0, nil
}
