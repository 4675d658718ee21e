package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// flagTSyncESRCH is SECCOMP_FILTER_FLAG_TSYNC_ESRCH (Linux 5.7).
const flagTSyncESRCH = 0x10

// Load puts the filter on the calling thread (seccomp(2)), which has to be
// locked, and with the TSYNC flag on all threads. It gives the listener's fd,
// -1 without SCMP_ACT_NOTIFY; close-on-exec.
func (p *Program) Load() (listener int, err error) {
	if p.KillsThread {
		watch()
	}
	flags := p.Flags
	switch {
	case !p.Notify:
		// There is nobody for it to wait for.
		flags &^= waitKillableRecv
	case flags&unix.SECCOMP_FILTER_FLAG_TSYNC != 0:
		// Both want to be the return value; so TSYNC's failure is an error.
		flags |= flagTSyncESRCH
	}
	if p.Notify {
		flags |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	if p.NoFlags {
		// A filter that was not asked for has not to slow down all else
		// (Speculative Store Bypass; Linux 4.17).
		listener, err = p.set(flags | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW)
		if !errors.Is(err, unix.EINVAL) {
			return listener, err
		}
	}
	return p.set(flags)
}

// LoneFlags are those of seccomp(2) for a process that has one thread and loads
// the filter by a bare system call, without a listener. A kernel that does not
// know all of them refuses it.
func (p *Program) LoneFlags() uint32 {
	flags := p.Flags &^ (waitKillableRecv | unix.SECCOMP_FILTER_FLAG_TSYNC)
	if p.NoFlags {
		flags |= unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	}
	return flags
}

func (p *Program) set(flags uint32) (int, error) {
	if len(p.Filter) == 0 {
		return -1, errors.New("empty seccomp filter")
	}
	prog := unix.SockFprog{Len: uint16(len(p.Filter) / 8), Filter: (*unix.SockFilter)(unsafe.Pointer(&p.Filter[0]))}
	r, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags), uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(p.Filter)
	switch {
	case errno == unix.EINVAL && flags != 0:
		return -1, fmt.Errorf("seccomp(SECCOMP_SET_MODE_FILTER, flags %#x): %w (a flag that this kernel does not know?)", flags, errno)
	case errno == unix.EBUSY && p.Notify:
		return -1, fmt.Errorf("seccomp(SECCOMP_SET_MODE_FILTER): %w (a listener is in place already)", errno)
	case errno != 0:
		return -1, os.NewSyscallError("seccomp(SECCOMP_SET_MODE_FILTER)", errno)
	case p.Notify:
		return int(r), nil
	case r != 0:
		return -1, fmt.Errorf("seccomp(SECCOMP_SET_MODE_FILTER): thread %d could not take the filter", r)
	}
	return -1, nil
}

// SupportedFlags are those of a profile's flags that the kernel knows: with a
// filter at NULL it complains of the address only if the flag is all right.
func SupportedFlags() []string {
	var list []string
	for _, name := range KnownFlags() {
		bit, _ := flagBit(name)
		if bit == waitKillableRecv {
			bit |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
		}
		_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(bit), 0)
		if errno == unix.EFAULT {
			list = append(list, name)
		}
	}
	return list
}

// SendListener gives a filter's listener to the agent that listens at path:
// one message, state as JSON and the fd (runtime-spec, config-linux.md,
// "The Container Process State").
func SendListener(path string, state *specs.ContainerProcessState, listener int) error {
	b, err := json.Marshal(state)
	if err != nil {
		return err
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return fmt.Errorf("config.json: linux.seccomp.listenerPath: unable to connect to the seccomp agent: %w", err)
	}
	defer conn.Close()
	if _, _, err := conn.(*net.UnixConn).WriteMsgUnix(b, unix.UnixRights(listener), nil); err != nil {
		return fmt.Errorf("unable to send the seccomp listener to the agent at %s: %w", path, err)
	}
	return nil
}
