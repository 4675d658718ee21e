// Package system holds thin, typed system calls and procfs readings that
// golang.org/x/sys lacks.
package system

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Stat is what the runtime wants of /proc/PID/stat (proc_pid_stat(5)).
type Stat struct {
	// State is one letter: R running, S sleeping, Z zombie, X dead, ...
	State byte
	PPid  int
	// Exiting: it has begun to end (PF_EXITING of the kernel's sched.h).
	Exiting bool
	// StartTime is in clock ticks since boot; with the pid it names a process.
	StartTime uint64
}

// ProcStat reads a process's stat file; the error is os.ErrNotExist when
// there is no such process.
func ProcStat(pid int) (Stat, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Stat{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var buf [1024]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		// The process ended between the two calls.
		return Stat{}, &os.PathError{Op: "read", Path: path, Err: err}
	}
	st, err := parseStat(buf[:n])
	if err != nil {
		return Stat{}, fmt.Errorf("%s: %w", path, err)
	}
	return st, nil
}

var errStat = errors.New("not in the format of proc_pid_stat(5)")

func parseStat(b []byte) (Stat, error) {
	// The name in field 2 may hold blanks and parentheses; nothing after it does.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return Stat{}, errStat
	}
	f := bytes.Fields(b[i+1:])
	// Fields 3, 4, 9 and 22, counted from the third.
	const state, ppid, flags, start = 0, 1, 6, 19
	const exiting = 4
	if len(f) <= start || len(f[state]) != 1 {
		return Stat{}, errStat
	}
	parent, err1 := strconv.Atoi(string(f[ppid]))
	ticks, err2 := strconv.ParseUint(string(f[start]), 10, 64)
	bits, err3 := strconv.ParseUint(string(f[flags]), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return Stat{}, errStat
	}
	return Stat{State: f[state][0], PPid: parent, Exiting: bits&exiting != 0, StartTime: ticks}, nil
}

// CloseExecFrom makes every fd from first on close-on-exec (close_range(2),
// the flag came with Linux 5.11).
func CloseExecFrom(first int) error {
	err := unix.CloseRange(uint(first), math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	// EPERM: a filter around the runtime.
	if err != unix.EINVAL && err != unix.ENOSYS && err != unix.EPERM {
		return os.NewSyscallError("close_range", err)
	}
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd >= first {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
