package specconv

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"runc/libcontainer/configs"
	"runc/libcontainer/configs/validate"
	"runc/libcontainer/rootfs"
)

// FuzzConfig takes any config.json all the way to a validated configuration and
// to what is decided about its mounts: nothing may panic, and what passed must come back from state.json as it was.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
		f.Add(b, true)
	}
	bundle := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte, systemd bool) {
		spec, err := parse("config.json", text)
		if err != nil {
			return
		}
		if spec.Linux != nil {
			for i := range spec.Linux.Namespaces {
				// A path of the machine's may be anything, a device included.
				spec.Linux.Namespaces[i].Path = ""
			}
		}
		c, err := CreateLibcontainerConfig(&CreateOpts{CgroupName: "z", Spec: spec, Bundle: bundle, UseSystemdCgroup: systemd, RootlessEUID: systemd, RootlessCgroups: systemd})
		if err != nil {
			return
		}
		c.Rootfs = bundle
		if validate.Validate(c) != nil {
			return
		}
		for _, v2 := range []bool{false, true} {
			// Whether it can be mounted is another question.
			_, _ = rootfs.NewPlan(c, rootfs.Layout{Unified: v2, Paths: map[string]string{
				"": "/sys/fs/cgroup/z", "cpu": "/sys/fs/cgroup/cpu,cpuacct/z", "name=systemd": "/sys/fs/cgroup/systemd/z",
			}})
		}
		saved, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back configs.Config
		if err := json.Unmarshal(saved, &back); err != nil {
			t.Fatalf("state.json cannot be read back: %v", err)
		}
		again, err := json.Marshal(&back)
		if err != nil {
			t.Fatal(err)
		}
		if string(saved) != string(again) {
			t.Fatalf("state.json changes by being read:\n%s\n%s", saved, again)
		}
	})
}
