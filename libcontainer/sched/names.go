package sched

import (
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

type entry[K ~string] struct {
	name  K
	value int
}

type table[K ~string] []entry[K]

func (t table[K]) find(name K) (int, bool) {
	for _, e := range t {
		if e.name == name {
			return e.value, true
		}
	}
	return 0, false
}

func (t table[K]) names() []string {
	all := make([]string, len(t))
	for i, e := range t {
		all[i] = string(e.name)
	}
	return all
}

// Numbers that no header of x/sys has, from include/uapi/linux/sched.h,
// ioprio.h and personality.h.
const (
	schedOther    = 0
	schedFIFO     = 1
	schedRR       = 2
	schedBatch    = 3
	schedISO      = 4 // reserved by the kernel, never implemented
	schedIdle     = 5
	schedDeadline = 6

	ioprioClassRT   = 1
	ioprioClassBE   = 2
	ioprioClassIdle = 3

	perLinux   = 0
	perLinux32 = 8
)

var policies = table[specs.LinuxSchedulerPolicy]{
	{specs.SchedOther, schedOther},
	{specs.SchedFIFO, schedFIFO},
	{specs.SchedRR, schedRR},
	{specs.SchedBatch, schedBatch},
	{specs.SchedISO, schedISO},
	{specs.SchedIdle, schedIdle},
	{specs.SchedDeadline, schedDeadline},
}

var flags = table[specs.LinuxSchedulerFlag]{
	{specs.SchedFlagResetOnFork, unix.SCHED_FLAG_RESET_ON_FORK},
	{specs.SchedFlagReclaim, unix.SCHED_FLAG_RECLAIM},
	{specs.SchedFlagDLOverrun, unix.SCHED_FLAG_DL_OVERRUN},
	{specs.SchedFlagKeepPolicy, unix.SCHED_FLAG_KEEP_POLICY},
	{specs.SchedFlagKeepParams, unix.SCHED_FLAG_KEEP_PARAMS},
	{specs.SchedFlagUtilClampMin, unix.SCHED_FLAG_UTIL_CLAMP_MIN},
	{specs.SchedFlagUtilClampMax, unix.SCHED_FLAG_UTIL_CLAMP_MAX},
}

var ioClasses = table[specs.IOPriorityClass]{
	{specs.IOPRIO_CLASS_RT, ioprioClassRT},
	{specs.IOPRIO_CLASS_BE, ioprioClassBE},
	{specs.IOPRIO_CLASS_IDLE, ioprioClassIdle},
}

var domains = table[specs.LinuxPersonalityDomain]{
	{specs.PerLinux, perLinux},
	{specs.PerLinux32, perLinux32},
}

var memoryModes = table[specs.MemoryPolicyModeType]{
	{specs.MpolDefault, unix.MPOL_DEFAULT},
	{specs.MpolPreferred, unix.MPOL_PREFERRED},
	{specs.MpolBind, unix.MPOL_BIND},
	{specs.MpolInterleave, unix.MPOL_INTERLEAVE},
	{specs.MpolLocal, unix.MPOL_LOCAL},
	{specs.MpolPreferredMany, unix.MPOL_PREFERRED_MANY},
	{specs.MpolWeightedInterleave, unix.MPOL_WEIGHTED_INTERLEAVE},
}

var memoryFlags = table[specs.MemoryPolicyFlagType]{
	{specs.MpolFStaticNodes, unix.MPOL_F_STATIC_NODES},
	{specs.MpolFRelativeNodes, unix.MPOL_F_RELATIVE_NODES},
	{specs.MpolFNumaBalancing, unix.MPOL_F_NUMA_BALANCING},
}

// PolicyNumber is the SCHED_ number of a scheduling policy.
func PolicyNumber(p specs.LinuxSchedulerPolicy) (uint32, error) {
	n, ok := policies.find(p)
	if !ok {
		return 0, fmt.Errorf("invalid scheduler policy: %s", p)
	}
	return uint32(n), nil
}

// FlagBit is the SCHED_FLAG_ bit of a scheduling flag.
func FlagBit(f specs.LinuxSchedulerFlag) (uint64, error) {
	n, ok := flags.find(f)
	if !ok {
		return 0, fmt.Errorf("invalid scheduler flag: %s", f)
	}
	return uint64(n), nil
}

// IOClassNumber is the IOPRIO_CLASS_ number of an I/O scheduling class.
func IOClassNumber(c specs.IOPriorityClass) (int, error) {
	n, ok := ioClasses.find(c)
	if !ok {
		return 0, fmt.Errorf("invalid ioPriority.Class: %q", c)
	}
	return n, nil
}

// PersonalityNumber is the PER_ number of an execution domain.
func PersonalityNumber(d specs.LinuxPersonalityDomain) (int, error) {
	n, ok := domains.find(d)
	if !ok {
		return 0, fmt.Errorf("invalid personality domain %s", d)
	}
	return n, nil
}

// MemoryModeNumber is the MPOL_ number of a memory policy.
func MemoryModeNumber(m specs.MemoryPolicyModeType) (int, error) {
	n, ok := memoryModes.find(m)
	if !ok {
		return 0, fmt.Errorf("invalid memory policy mode %q", m)
	}
	return n, nil
}

// MemoryModeName is the name of a memory policy by its MPOL_ number.
func MemoryModeName(mode int) string {
	for _, e := range memoryModes {
		if e.value == mode {
			return string(e.name)
		}
	}
	return strconv.Itoa(mode)
}

// MemoryFlagBit is the MPOL_F_ bit of a memory policy flag.
func MemoryFlagBit(f specs.MemoryPolicyFlagType) (int, error) {
	n, ok := memoryFlags.find(f)
	if !ok {
		return 0, fmt.Errorf("invalid memory policy flag %q", f)
	}
	return n, nil
}

// KnownMemoryModes and KnownMemoryFlags are what `runc features` lists.
func KnownMemoryModes() []string { return memoryModes.names() }

// KnownMemoryFlags lists the names of the memory policy flags.
func KnownMemoryFlags() []string { return memoryFlags.names() }
