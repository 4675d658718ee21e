package libcontainer

import (
	"os"
	"path/filepath"
	"testing"

	"runc/libcontainer/configs"
	"runc/libcontainer/intelrdt"
)

// What a state file says of the resctrl group is kept by whoever writes it next,
// and decides what is removed.
func TestStateKeepsTheRDTGroup(t *testing.T) {
	root := t.TempDir()
	groups := t.TempDir()
	control, mon := filepath.Join(groups, "box"), filepath.Join(groups, "box/mon_groups/box")
	for _, tc := range []struct {
		closID, mon        string
		hasControl, hasMon bool
	}{
		{"", mon, false, false},
		{"box", mon, true, false},
		{"box", "", true, true},
	} {
		if err := os.MkdirAll(mon, 0o755); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(root, "box")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		config := configs.Config{IntelRdt: &configs.IntelRdt{ClosID: tc.closID, EnableMonitoring: true}}
		c := &Container{id: "box", dir: dir, config: &config,
			rdt: &intelrdt.Group{Path: control, MonPath: tc.mon, ID: "box", Config: config.IntelRdt}}
		if err := c.save(); err != nil {
			t.Fatal(err)
		}
		c, err := Load(root, "box")
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.State()
		if err != nil || s.IntelRdtPath != control || s.IntelRdtMonPath != tc.mon {
			t.Errorf("%+v: got %q, %q, %v", tc, s.IntelRdtPath, s.IntelRdtMonPath, err)
		}
		if !tc.hasControl {
			// The kernel removes it with what is below.
			os.RemoveAll(filepath.Join(control, "mon_groups"))
		}
		if err := c.removeRDT(); err != nil {
			t.Error(err)
		}
		for path, want := range map[string]bool{control: tc.hasControl, mon: tc.hasMon} {
			if _, err := os.Stat(path); (err == nil) != want {
				t.Errorf("%+v: %s: %v", tc, path, err)
			}
		}
		os.RemoveAll(dir)
	}
}
