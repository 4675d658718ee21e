package rootfs

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

func TestHolder(t *testing.T) {
	bind := func(source, dest string) *configs.Mount {
		return &configs.Mount{Source: source, Destination: dest, Flags: unix.MS_BIND}
	}
	config := &configs.Config{Rootfs: "/image", Mounts: []*configs.Mount{
		{Device: "tmpfs", Destination: "/run"},
		bind("/a", "/mnt/a"), bind("/b", "/mnt/a/x/b"), bind("/c", "/run/c"), bind("/d", "run/../mnt/ab"), bind("/e", "/mnt/a/x/b/e"),
	}}
	for i, want := range [][2]string{{"/image", "/run"}, {"/image", "/mnt/a"}, {"/a", "/x/b"}, {"", ""}, {"/image", "/mnt/ab"}, {"/b", "/e"}} {
		root, rest, ok := holder(config, i)
		if ok != (want[0] != "") || ok && (root != want[0] || rest != want[1]) {
			t.Errorf("%d: %s %s %v", i, root, rest, ok)
		}
	}
}

func TestMakeMountpoints(t *testing.T) {
	image, source := t.TempDir(), t.TempDir()
	file := filepath.Join(source, "file")
	outside := t.TempDir()
	for _, err := range []error{os.WriteFile(file, nil, 0o600), os.Symlink(outside, filepath.Join(image, "link")), os.MkdirAll(image+outside, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	config := &configs.Config{Rootfs: image, Mounts: []*configs.Mount{
		{Device: "proc", Destination: "/proc"},
		{Source: source, Destination: "/mnt/s", Flags: unix.MS_BIND},
		{Source: file, Destination: "/mnt/s/sub/f", Flags: unix.MS_BIND},
		{Source: file, Destination: "/link/f", Flags: unix.MS_BIND},
	}}
	if err := MakeMountpoints(config); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{image + "/proc", image + "/mnt/s", source + "/sub/f", image + outside + "/f"} {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(outside + "/f"); err == nil {
		t.Error("a symlink of the image led outside")
	}
	if err := MakeMountpoints(config); err != nil {
		t.Errorf("again: %v", err)
	}
}
