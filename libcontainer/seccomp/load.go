package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Load puts the filter on the calling thread (seccomp(2)), which has to be
// locked. It gives the listener's fd, -1 without SCMP_ACT_NOTIFY; close-on-exec.
//
// Other threads go without even where the profile has SECCOMP_FILTER_FLAG_TSYNC:
// none of them lives to see the user's program, and until then they do what the
// rules may deny.
func (p *Program) Load() (listener int, err error) {
	if p.KillsThread {
		watch()
	}
	flags := p.Flags &^ unix.SECCOMP_FILTER_FLAG_TSYNC
	if p.Notify {
		flags |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	} else {
		// There is nobody for it to wait for.
		flags &^= waitKillableRecv
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
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags), uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(p.Filter)
	switch {
	case errno == unix.EINVAL && flags != 0:
		supported := SupportedFlags()
		for i, name := range p.FlagNames {
			if !slices.Contains(supported, name) {
				return -1, fmt.Errorf("config.json: linux.seccomp.flags[%d]: the kernel does not know %s: %w", i, name, errno)
			}
		}
		return -1, fmt.Errorf("seccomp(SECCOMP_SET_MODE_FILTER, flags %#x): %w", flags, errno)
	case errno == unix.EBUSY && p.Notify:
		return -1, fmt.Errorf("seccomp(SECCOMP_SET_MODE_FILTER): %w (a listener is in place already)", errno)
	case errno != 0:
		return -1, os.NewSyscallError("seccomp(SECCOMP_SET_MODE_FILTER)", errno)
	case p.Notify:
		return int(fd), nil
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
	n, _, err := conn.(*net.UnixConn).WriteMsgUnix(b, unix.UnixRights(listener), nil)
	if err == nil && n < len(b) {
		// More than the socket takes at once; the fd went with the first part.
		_, err = conn.Write(b[n:])
	}
	if err != nil {
		return fmt.Errorf("unable to send the seccomp listener to the agent at %s: %w", path, err)
	}
	return nil
}
