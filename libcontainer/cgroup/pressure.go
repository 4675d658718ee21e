package cgroup

import (
	"io/fs"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pressure is how hard the kernel has to work for the memory of a cgroup.
type Pressure int

// The levels are those of memory.pressure_level (cgroup-v1/memory.rst, section
// 11). The kernel has no levels on v2, but the share of time in which processes
// wait for memory (accounting/psi.rst).
const (
	// LowPressure: the kernel reclaims memory. On v2, some process waits for
	// memory for 5 % of two seconds.
	LowPressure Pressure = iota
	// MediumPressure: the kernel swaps, or writes out the cache. On v2, some
	// process waits for 20 %.
	MediumPressure
	// CriticalPressure: the cgroup is about to run out of memory. On v2, all
	// processes wait at once for 20 %.
	CriticalPressure
)

// triggers are the lines for memory.pressure: which processes wait, for how many
// microseconds, of how many. Without CAP_SYS_RESOURCE the kernel accepts multiples
// of two seconds alone.
var triggers = map[Pressure]string{
	LowPressure:      "some 100000 2000000",
	MediumPressure:   "some 400000 2000000",
	CriticalPressure: "full 400000 2000000",
}

var levels = map[Pressure]string{
	LowPressure:      "low",
	MediumPressure:   "medium",
	CriticalPressure: "critical",
}

// WatchPressure starts to watch for a level of pressure in a container's cgroup,
// by the paths of its state file; [fs.ErrNotExist] when the kernel does not measure
// it there.
func WatchPressure(paths map[string]string, level Pressure) (*Watch, error) {
	if _, ok := levels[level]; !ok {
		return nil, &strconv.NumError{Func: "level of memory pressure", Num: strconv.Itoa(int(level)), Err: strconv.ErrRange}
	}
	if dir, ok := paths["memory"]; ok {
		return watchV1(dir, "memory.pressure_level", levels[level])
	}
	dir, ok := paths[""]
	if !ok || len(paths) != 1 {
		return nil, fs.ErrNotExist
	}
	path := filepath.Join(dir, "memory.pressure")
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	// The trigger lasts as long as the file is open. The kernel takes the last
	// byte for a newline or a zero, and overwrites it.
	if _, err := unix.Write(fd, append([]byte(triggers[level]), 0)); err != nil {
		unix.Close(fd)
		return nil, &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return &Watch{fd: fd, trigger: true}, nil
}

// countTrigger takes what poll(2) has said of memory.pressure. The kernel reports
// a trigger once in each of its windows, and POLLERR once the cgroup has been
// removed.
func (w *Watch) countTrigger(revents int16) uint64 {
	switch {
	case revents&unix.POLLERR != 0:
		unix.Close(w.fd)
		w.fd = -1 // poll(2) leaves out negative ones
		return 0
	case revents&unix.POLLPRI != 0:
		return 1
	}
	return 0
}
