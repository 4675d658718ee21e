package seccomp

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Prepare gives the flags of seccomp(2) for the calling thread, which has to be
// locked, to load the filter.
//
// Other threads go without even where the profile has SECCOMP_FILTER_FLAG_TSYNC:
// none of them lives to see the user's program, and until then they do what the
// rules may deny.
func (p *Program) Prepare() (flags uint32) {
	if p.KillsThread {
		watch()
	}
	if p.Notify {
		return p.LoneFlags() | p.Flags&waitKillableRecv | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	// The kernel refuses WAIT_KILLABLE_RECV without a listener.
	return p.LoneFlags()
}

// AskedFlags are the flags of seccomp(2) that the profile asks for. Scripts look
// for the number in the log. It has SECCOMP_FILTER_FLAG_TSYNC, which Prepare
// leaves out.
func (p *Program) AskedFlags() uint32 {
	flags := p.LoneFlags() | p.Flags&unix.SECCOMP_FILTER_FLAG_TSYNC
	if p.Notify {
		flags |= p.Flags&waitKillableRecv | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	return flags
}

// LoneFlags are those of a process that has one thread, without a listener.
func (p *Program) LoneFlags() uint32 {
	flags := p.Flags &^ (waitKillableRecv | unix.SECCOMP_FILTER_FLAG_TSYNC)
	if p.NoFlags && knowsFlags(unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW) {
		// A filter that was not asked for has not to slow down all else
		// (Speculative Store Bypass; Linux 4.17).
		flags |= unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	}
	return flags
}

// SizeofInsn is the size of an instruction of a filter, in bytes.
const SizeofInsn = int(unsafe.Sizeof(unix.SockFilter{}))

// Fprog is the filter as seccomp(2) takes it.
func (p *Program) Fprog() *unix.SockFprog {
	return &unix.SockFprog{
		Len:    uint16(len(p.Filter) / SizeofInsn),
		Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(p.Filter))),
	}
}

// Refused says why seccomp(2) did not take the filter.
func (p *Program) Refused(flags uint32, errno unix.Errno) error {
	const call = "seccomp(SECCOMP_SET_MODE_FILTER)"
	switch {
	case errno == unix.EINVAL && flags != 0:
		supported := SupportedFlags()
		for i, name := range p.FlagNames {
			if !slices.Contains(supported, name) {
				return fmt.Errorf("config.json: linux.seccomp.flags[%d]: the kernel does not know %s: %w", i, name, errno)
			}
		}
		return fmt.Errorf("seccomp(SECCOMP_SET_MODE_FILTER, flags %#x): %w", flags, errno)
	case errno == unix.EBUSY && p.Notify:
		return fmt.Errorf("%s: %w (a listener is in place already)", call, errno)
	}
	return os.NewSyscallError(call, errno)
}

// Load puts the filter on the calling thread, which has to be locked. It gives
// the listener's fd, -1 without SCMP_ACT_NOTIFY; close-on-exec.
//
// What the caller does after that, and the Go runtime for it, is under the
// filter. Package inside loads it as a step of a program instead.
func (p *Program) Load() (listener int, err error) {
	flags := p.Prepare()
	prog := p.Fprog()
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags), uintptr(unsafe.Pointer(prog)))
	runtime.KeepAlive(p.Filter)
	switch {
	case errno != 0:
		return -1, p.Refused(flags, errno)
	case p.Notify:
		return int(fd), nil
	}
	return -1, nil
}

// SupportedFlags are those of a profile's flags that the kernel knows.
func SupportedFlags() []string {
	var list []string
	for _, name := range KnownFlags() {
		bit, _ := flagBit(name)
		if bit == waitKillableRecv {
			bit |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
		}
		if knowsFlags(bit) {
			list = append(list, name)
		}
	}
	return list
}

// knowsFlags asks the kernel: with a filter at NULL it complains of the address
// only if the flags are all right.
func knowsFlags(flags uint32) bool {
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags), 0)
	return errno == unix.EFAULT
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
		return fmt.Errorf("failed to connect with seccomp agent specified in the seccomp profile: %w (config.json: linux.seccomp.listenerPath)", err)
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
