package specconv

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestTheExampleHasACgroupNamespaceOnV2Alone(t *testing.T) {
	has := slices.Contains(Example().Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	if has != cgroups.IsCgroup2UnifiedMode() {
		t.Errorf("cgroup namespace: %v", has)
	}
}

func TestARootlessSpecAsksForNothingThatNeedsRoot(t *testing.T) {
	s := Example()
	s.Mounts[1].Options = append(s.Mounts[1].Options, "uid=7")
	ToRootless(s)
	var kinds []string
	for _, ns := range s.Linux.Namespaces {
		kinds = append(kinds, string(ns.Type))
	}
	if !slices.Contains(kinds, "user") || slices.Contains(kinds, "network") {
		t.Errorf("namespaces %v", kinds)
	}
	want := specs.LinuxIDMapping{HostID: uint32(os.Geteuid()), Size: 1}
	if l := s.Linux; len(l.UIDMappings) != 1 || l.UIDMappings[0] != want || len(l.GIDMappings) != 1 || l.Resources != nil {
		t.Errorf("%+v", l)
	}
	var sys []string
	for _, m := range s.Mounts {
		for _, o := range m.Options {
			if strings.HasPrefix(o, "gid=") || strings.HasPrefix(o, "uid=") {
				t.Errorf("%s: %s is not mapped", m.Destination, o)
			}
		}
		if strings.HasPrefix(m.Destination, "/sys") {
			sys = append(sys, m.Destination+" "+m.Type+" "+m.Options[0])
		}
	}
	if got := strings.Join(sys, ", "); got != "/sys none rbind, /sys/fs/cgroup cgroup nosuid" {
		t.Errorf("/sys: %s", got)
	}
	if !slices.Contains(Example().Mounts[2].Options, "gid=5") {
		t.Error("the next example is changed, too")
	}
}
