package runner

import (
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"

	"runc/libcontainer"
	"runc/libcontainer/specconv"
)

// newProcess makes libcontainer's process of config.json's.
func newProcess(p *specs.Process) (*libcontainer.Process, error) {
	lp := &libcontainer.Process{
		Args:            p.Args,
		Env:             p.Env,
		UID:             int(p.User.UID),
		GID:             int(p.User.GID),
		Cwd:             p.Cwd,
		Terminal:        p.Terminal,
		Label:           p.SelinuxLabel,
		AppArmorProfile: p.ApparmorProfile,
		NoNewPrivileges: &p.NoNewPrivileges,
		Scheduler:       p.Scheduler,
		IOPriority:      p.IOPriority,
		Umask:           p.User.Umask,
		OOMScoreAdj:     p.OOMScoreAdj,
		Warn:            func(msg string) { logrus.Warn(msg) },
	}
	if p.ConsoleSize != nil {
		lp.ConsoleWidth, lp.ConsoleHeight = uint16(p.ConsoleSize.Width), uint16(p.ConsoleSize.Height)
	}
	if p.Capabilities != nil {
		lp.Capabilities = specconv.ToCapabilities(p.Capabilities)
	}
	for _, g := range p.User.AdditionalGids {
		lp.AdditionalGroups = append(lp.AdditionalGroups, int(g))
	}
	for _, l := range p.Rlimits {
		r, err := specconv.ToRlimit(l)
		if err != nil {
			return nil, err
		}
		lp.Rlimits = append(lp.Rlimits, r)
	}
	if p.ExecCPUAffinity != nil {
		a, err := specconv.ToAffinity(p.ExecCPUAffinity)
		if err != nil {
			return nil, err
		}
		lp.CPUAffinity = a
	}
	return lp, nil
}
