package seccomp

import (
	"fmt"
	"slices"

	"runc/libcontainer/configs"
)

// The words of config.json are plain switches and slices rather than maps: a
// map built when the package starts would be paid for by every command.

// ActionFromString gives the number that state.json has for an action's name
// (SCMP_ACT_ALLOW and so on, config-linux.md).
func ActionFromString(s string) (configs.Action, error) {
	switch s {
	case "SCMP_ACT_KILL":
		return configs.Kill, nil
	case "SCMP_ACT_ERRNO":
		return configs.Errno, nil
	case "SCMP_ACT_TRAP":
		return configs.Trap, nil
	case "SCMP_ACT_ALLOW":
		return configs.Allow, nil
	case "SCMP_ACT_TRACE":
		return configs.Trace, nil
	case "SCMP_ACT_LOG":
		return configs.Log, nil
	case "SCMP_ACT_NOTIFY":
		return configs.Notify, nil
	case "SCMP_ACT_KILL_THREAD":
		return configs.KillThread, nil
	case "SCMP_ACT_KILL_PROCESS":
		return configs.KillProcess, nil
	}
	return 0, fmt.Errorf("string %s is not a valid action for seccomp", s)
}

// OperatorFromString gives the number that state.json has for an operator's
// name (SCMP_CMP_EQ and so on).
func OperatorFromString(s string) (configs.Operator, error) {
	switch s {
	case "SCMP_CMP_NE":
		return configs.NotEqualTo, nil
	case "SCMP_CMP_LT":
		return configs.LessThan, nil
	case "SCMP_CMP_LE":
		return configs.LessThanOrEqualTo, nil
	case "SCMP_CMP_EQ":
		return configs.EqualTo, nil
	case "SCMP_CMP_GE":
		return configs.GreaterThanOrEqualTo, nil
	case "SCMP_CMP_GT":
		return configs.GreaterThan, nil
	case "SCMP_CMP_MASKED_EQ":
		return configs.MaskEqualTo, nil
	}
	return 0, fmt.Errorf("string %s is not a valid operator for seccomp", s)
}

// ArchFromString gives the short name that state.json has for an architecture:
// amd64 for SCMP_ARCH_X86_64.
func ArchFromString(s string) (string, error) {
	for i := range arches {
		if arches[i].scmp == s {
			return arches[i].name, nil
		}
	}
	return "", fmt.Errorf("string %s is not a valid arch for seccomp", s)
}

// FlagKnown tells whether the runtime knows a filter flag by its name
// (SECCOMP_FILTER_FLAG_TSYNC and so on). The kernel may still not have it.
func FlagKnown(name string) bool {
	_, ok := flagBit(name)
	return ok
}

// KnownFlags are all flags that a profile may name.
func KnownFlags() []string {
	return []string{"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG",
		"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}
}

// KnownActions are the words of [ActionFromString].
func KnownActions() []string {
	return []string{"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
		"SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}
}

// KnownOperators are the words of [OperatorFromString].
func KnownOperators() []string {
	return []string{"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"}
}

// KnownArchitectures are the words of [ArchFromString], sorted.
func KnownArchitectures() []string {
	list := make([]string, len(arches))
	for i := range arches {
		list[i] = arches[i].scmp
	}
	slices.Sort(list)
	return list
}

// Notifies says whether a rule of the profile asks a listener.
func Notifies(profile *configs.Seccomp) bool {
	return slices.ContainsFunc(profile.Syscalls, func(s *configs.Syscall) bool { return s.Action == configs.Notify })
}
