package configs

import (
	"errors"
	"io/fs"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNamespaces(t *testing.T) {
	var n Namespaces
	n.Add(NEWNET, "/a")
	n.Add(NEWPID, "")
	n.Add(NEWNET, "/b")
	if len(n) != 2 || n.PathOf(NEWNET) != "/b" || n.IsPrivate(NEWNET) || !n.IsPrivate(NEWPID) || n.Contains(NEWUSER) {
		t.Errorf("%+v", n)
	}
	if got := n.CloneFlags(); got != unix.CLONE_NEWPID {
		t.Errorf("clone flags %#x: those of new namespaces alone", got)
	}
	if !n.Remove(NEWNET) || n.Remove(NEWNET) || n.Contains(NEWNET) || n.PathOf(NEWNET) != "" || n.IsPrivate(NEWNET) {
		t.Errorf("after Remove: %+v", n)
	}
}

func TestNamespaceKinds(t *testing.T) {
	for kind, want := range map[NamespaceType]struct {
		file string
		flag uintptr
	}{
		NEWUSER: {"user", 0x10000000}, NEWIPC: {"ipc", 0x08000000}, NEWUTS: {"uts", 0x04000000}, NEWNET: {"net", 0x40000000},
		NEWPID: {"pid", 0x20000000}, NEWNS: {"mnt", 0x00020000}, NEWCGROUP: {"cgroup", 0x02000000}, NEWTIME: {"time", 0x80},
		"NOSUCH": {"", 0},
	} {
		if NsName(kind) != want.file || kind.CloneFlag() != want.flag {
			t.Errorf("%s: %s %#x", kind, NsName(kind), kind.CloneFlag())
		}
	}
	if IsNamespaceSupported("NOSUCH") || !IsNamespaceSupported(NEWNS) || !IsNamespaceSupported(NEWNS) {
		t.Error("support is told wrongly")
	}
	ns := Namespace{Type: NEWNS}
	if got := ns.GetPath(7); got != "/proc/7/ns/mnt" {
		t.Error(got)
	}
	if all := NamespaceTypes(); all[0] != NEWUSER || len(all) != 8 {
		t.Errorf("order of joining: %v", all)
	}
}

func TestHostIDs(t *testing.T) {
	c := &Config{UIDMappings: []IDMap{{0, 1000, 1}, {1, 100000, 10}}}
	if id, err := c.HostUID(5); id != 5 || err != nil {
		t.Errorf("without a user namespace: %d, %v", id, err)
	}
	c.Namespaces.Add(NEWUSER, "")
	for id, want := range map[int]int{0: 1000, 1: 100000, 10: 100009} {
		if got, err := c.HostUID(id); got != want || err != nil {
			t.Errorf("%d: got %d, %v, want %d", id, got, err, want)
		}
	}
	for _, id := range []int{11, -1} {
		if _, err := c.HostUID(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d, which is not mapped: %v", id, err)
		}
	}
	if _, err := c.HostRootGID(); err == nil || err.Error() != "user namespaces enabled, but no gid mappings found" {
		t.Error(err)
	}
	if id, err := c.HostRootUID(); id != 1000 || err != nil {
		t.Error(id, err)
	}
}

func TestHookNames(t *testing.T) {
	if got := HookNames(); len(got) != 6 || got[0] != Prestart || got[5] != Poststop {
		t.Error(got)
	}
}
