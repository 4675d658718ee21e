// Package sched says when, where and how a process is run: scheduling policy
// (sched_setattr(2)), I/O priority (ioprio_set(2)), CPU affinity
// (sched_setaffinity(2)), NUMA memory policy (set_mempolicy(2)) and execution
// domain (personality(2)).
//
// All but the affinity act on the calling thread, which execve(2) makes the
// whole process; the goroutine must be locked to it. Utilisation clamps came
// with Linux 5.3, MPOL_PREFERRED_MANY with 5.15, MPOL_WEIGHTED_INTERLEAVE with
// 6.9: an older kernel answers EINVAL.
package sched

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// Attr turns the configuration into the kernel's structure. The runtime-spec
// has no values for the utilisation clamps; a clamp flag alone sets 0.
func Attr(s *configs.Scheduler) (*unix.SchedAttr, error) {
	policy, err := PolicyNumber(s.Policy)
	if err != nil {
		return nil, err
	}
	attr := &unix.SchedAttr{
		Size:     unix.SizeofSchedAttr,
		Policy:   policy,
		Nice:     s.Nice,
		Priority: uint32(s.Priority),
		Runtime:  s.Runtime,
		Deadline: s.Deadline,
		Period:   s.Period,
	}
	for _, f := range s.Flags {
		bit, err := FlagBit(f)
		if err != nil {
			return nil, err
		}
		attr.Flags |= bit
	}
	return attr, nil
}

// SetScheduler applies the policy to the calling thread; nil does nothing.
func SetScheduler(s *configs.Scheduler) error {
	if s == nil {
		return nil
	}
	attr, err := Attr(s)
	if err != nil {
		return err
	}
	if err := unix.SchedSetAttr(0, attr, 0); err != nil {
		return fmt.Errorf("error setting scheduler: %w", os.NewSyscallError("sched_setattr", err))
	}
	return nil
}

// ioprio_set(2): the class is above 13 bits of priority; who is a process (or
// thread), 0 the caller.
const (
	ioprioClassShift = 13
	ioprioWhoProcess = 1
)

// SetIOPriority applies class and priority (0 the highest, 7 the lowest) to
// the calling thread; nil does nothing.
func SetIOPriority(p *configs.IOPriority) error {
	if p == nil {
		return nil
	}
	class, err := IOClassNumber(p.Class)
	if err != nil {
		return err
	}
	if p.Priority < 0 || p.Priority > 7 {
		return fmt.Errorf("invalid ioPriority.Priority: %d", p.Priority)
	}
	v := uintptr(class<<ioprioClassShift | p.Priority)
	if _, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, v); errno != 0 {
		return fmt.Errorf("failed to set io priority: %w", os.NewSyscallError("ioprio_set", errno))
	}
	return nil
}

// SetPersonality applies the execution domain, a PER_ number.
func SetPersonality(domain int) error {
	if _, _, errno := unix.Syscall(unix.SYS_PERSONALITY, uintptr(domain), 0, 0); errno != 0 {
		return fmt.Errorf("unable to set personality: %w", os.NewSyscallError("personality", errno))
	}
	return nil
}

// SetMemoryPolicy applies the NUMA policy; nil does nothing.
func SetMemoryPolicy(p *configs.LinuxMemoryPolicy) error {
	if p == nil {
		return nil
	}
	// The kernel takes one bit less than it is told (get_nodes in
	// mm/mempolicy.c). x/sys passes the mask's size in bytes.
	var bits uintptr
	if len(p.Nodes) != 0 {
		bits = uintptr(len(p.Nodes))*unsafe.Sizeof(p.Nodes[0])*8 + 1
	}
	_, _, errno := unix.Syscall(unix.SYS_SET_MEMPOLICY, uintptr(p.Mode|p.Flags), uintptr(unsafe.Pointer(unsafe.SliceData(p.Nodes))), bits)
	if errno != 0 {
		return fmt.Errorf("unable to set memory policy: mode %s with %d nodes: %w",
			MemoryModeName(p.Mode), p.Nodes.Count(), os.NewSyscallError("set_mempolicy", errno))
	}
	return nil
}

// SetAffinity restricts a process's (main) thread to the CPUs; 0 is the caller.
// nil does nothing.
func SetAffinity(pid int, cpus unix.CPUSetDynamic) error {
	if cpus == nil {
		return nil
	}
	if err := unix.SchedSetaffinityDynamic(pid, cpus); err != nil {
		return fmt.Errorf("error setting process CPU affinity: %w", os.NewSyscallError("sched_setaffinity", err))
	}
	return nil
}

// maxCPUs is above what any architecture's NR_CPUS allows.
const maxCPUs = 8192

// ResetAffinity lets a process run on all CPUs of its cpuset cgroup. 0 is the
// caller.
//
// A mask set with sched_setaffinity(2) is inherited by children, so that a
// container would be confined to the CPUs that the runtime's caller (an engine
// pinned by its administrator) happens to run on: since Linux 6.2 even moving
// it to a cpuset leaves the intersection of both. The kernel cuts a mask of
// ones down to the CPUs that exist and that the cpuset has. To be called once
// the process is in its cgroup, and not when execCPUAffinity is set.
//
// Where it is forbidden (for another user's process without CAP_SYS_NICE, or by
// a seccomp filter around the runtime), the process keeps the mask it has, and
// that is no error.
func ResetAffinity(pid int) error {
	var all [maxCPUs / 8]byte
	for i := range all {
		all[i] = 0xff
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, uintptr(pid), unsafe.Sizeof(all), uintptr(unsafe.Pointer(&all)))
	if errno != 0 && errno != unix.EPERM && errno != unix.ENOSYS {
		return fmt.Errorf("reset CPU affinity of %d: %w", pid, os.NewSyscallError("sched_setaffinity", errno))
	}
	return nil
}
