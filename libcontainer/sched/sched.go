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

// ioprio_set(2): the class is above 13 bits of priority.
const ioprioClassShift = 13

// IOPrioWhoProcess says that ioprio_set(2) is for a process, 0 being the caller.
const IOPrioWhoProcess = 1

// IOPriorityValue is class and priority (0 the highest, 7 the lowest) as
// ioprio_set(2) takes them.
func IOPriorityValue(p *configs.IOPriority) (int, error) {
	class, err := IOClassNumber(p.Class)
	if err != nil {
		return 0, err
	}
	if p.Priority < 0 || p.Priority > 7 {
		return 0, fmt.Errorf("invalid ioPriority.Priority: %d", p.Priority)
	}
	return class<<ioprioClassShift | p.Priority, nil
}

// SetAffinity restricts a process's (main) thread to the CPUs; 0 is the caller.
// nil does nothing.
func SetAffinity(pid int, cpus unix.CPUSetDynamic) error {
	if cpus == nil {
		return nil
	}
	if err := unix.SchedSetaffinityDynamic(pid, cpus); err != nil {
		return os.NewSyscallError("sched_setaffinity", err)
	}
	return nil
}

// AffinityMask gives the first 64 CPUs that a process may run on, as bits; 0
// where that cannot be asked for.
func AffinityMask(pid int) (mask uint64) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(pid, &set) != nil {
		return 0
	}
	for cpu := range 64 {
		if set.IsSet(cpu) {
			mask |= 1 << cpu
		}
	}
	return mask
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
