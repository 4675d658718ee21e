package libcontainer

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/nsenter"
)

// planNamespaces opens what is to be joined and says what is to be made.
func (l *launch) planNamespaces() (opened []*os.File, err error) {
	config := l.c.config
	for i := range config.Namespaces {
		ns := &config.Namespaces[i]
		if ns.Path == "" {
			continue
		}
		f, err := openNamespace(ns)
		if err != nil {
			return opened, fmt.Errorf("%w (config.json: linux.namespaces[%d].path)", err, i)
		}
		opened = append(opened, f)
		l.plan.Join = append(l.plan.Join, nsenter.Join{Flag: ns.Type.CloneFlag(), File: f})
	}
	// init enters its cgroup namespace itself, once it is in its cgroup.
	l.plan.New = config.Namespaces.CloneFlags() &^ unix.CLONE_NEWCGROUP
	if config.Namespaces.IsPrivate(configs.NEWUSER) {
		l.plan.MapIDs = func(pid int) error {
			return nsenter.WriteMaps(pid, config.UIDMappings, config.GIDMappings)
		}
	}
	l.plan.BecomeRoot = config.Namespaces.Contains(configs.NEWUSER)
	if config.Namespaces.IsPrivate(configs.NEWTIME) {
		for _, clock := range []string{"monotonic", "boottime"} {
			if o, ok := config.TimeOffsets[clock]; ok {
				l.plan.TimeOffsets += fmt.Sprintf("%s %d %d\n", clock, o.Secs, o.Nanosecs)
			}
		}
	}
	return opened, nil
}

// openNamespace opens a namespace that is to be joined.
func openNamespace(ns *configs.Namespace) (*os.File, error) {
	// lstat first: that is the error that callers know.
	if _, err := os.Lstat(ns.Path); err != nil {
		return nil, err
	}
	return nsenter.OpenNamespace(ns.Path, ns.Type.CloneFlag())
}
