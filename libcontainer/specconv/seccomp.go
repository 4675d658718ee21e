package specconv

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/libcontainer/configs"
	"runc/libcontainer/seccomp"
)

// SetupSeccomp translates a profile: strings to numbers, and one rule for each
// name of an entry. nil for a profile that forbids nothing.
func SetupSeccomp(s *specs.LinuxSeccomp) (*configs.Seccomp, error) {
	if s.DefaultAction == "" && len(s.Syscalls) == 0 {
		return nil, nil
	}
	where := func(format string, args ...any) string {
		return "config.json: linux.seccomp." + fmt.Sprintf(format, args...)
	}
	out := &configs.Seccomp{
		DefaultErrnoRet:  s.DefaultErrnoRet,
		ListenerPath:     s.ListenerPath,
		ListenerMetadata: s.ListenerMetadata,
	}
	var err error
	for i, f := range s.Flags {
		if !seccomp.FlagKnown(string(f)) {
			return nil, fmt.Errorf("seccomp flag %q not known to runc (%s)", f, where("flags[%d]", i))
		}
		out.Flags = append(out.Flags, string(f))
	}
	for i, a := range s.Architectures {
		name, err := seccomp.ArchFromString(string(a))
		if err != nil {
			return nil, fmt.Errorf("%w (%s)", err, where("architectures[%d]", i))
		}
		out.Architectures = append(out.Architectures, name)
	}
	if out.DefaultAction, err = seccomp.ActionFromString(string(s.DefaultAction)); err != nil {
		return nil, fmt.Errorf("%w (%s)", err, where("defaultAction"))
	}
	if out.DefaultAction == configs.Notify {
		return nil, errors.New("SCMP_ACT_NOTIFY cannot be used as default action (config.json: linux.seccomp.defaultAction)")
	}
	for i, call := range s.Syscalls {
		action, err := seccomp.ActionFromString(string(call.Action))
		if err != nil {
			return nil, fmt.Errorf("%w (%s)", err, where("syscalls[%d].action", i))
		}
		var args []*configs.Arg
		for j, a := range call.Args {
			op, err := seccomp.OperatorFromString(string(a.Op))
			if err != nil {
				return nil, fmt.Errorf("%w (%s)", err, where("syscalls[%d].args[%d].op", i, j))
			}
			args = append(args, &configs.Arg{Index: a.Index, Value: a.Value, ValueTwo: a.ValueTwo, Op: op})
		}
		for _, name := range call.Names {
			if action == configs.Notify && name == "write" {
				return nil, fmt.Errorf("SCMP_ACT_NOTIFY cannot be used for the write syscall (%s)", where("syscalls[%d]", i))
			}
			out.Syscalls = append(out.Syscalls, &configs.Syscall{
				Name: name, Action: action, ErrnoRet: call.ErrnoRet, Args: args,
			})
		}
	}
	return out, nil
}
