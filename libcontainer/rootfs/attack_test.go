package rootfs

import (
	"os"
	"path/filepath"
	"testing"

	devices "github.com/opencontainers/cgroups/devices/config"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// victim makes a folder of the host's that must stay as it is.
func (b *box) victim() string {
	b.t.Helper()
	dir := b.host("victim")
	check(b.t, os.Mkdir(dir, 0o755))
	b.t.Cleanup(func() {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 0 {
			b.t.Errorf("the host's folder was touched: %v %v", entries, err)
		}
	})
	return dir
}

func TestLinksOfTheImageLeadInside(t *testing.T) {
	for _, c := range []struct {
		name   string
		link   func(b *box, victim string) error
		target string
		// where the mount must be, below the root
		want string
	}{
		{"absolute", func(b *box, v string) error { return os.Symlink(v, b.root("a")) }, "/a/new", "VICTIM/new"},
		{"relative", func(b *box, v string) error { return os.Symlink("../../../../../../../.."+v, b.root("a")) }, "/a/new", "VICTIM/new"},
		{"as the target itself", func(b *box, v string) error { return os.Symlink(v, b.root("a")) }, "/a", "VICTIM"},
		{"through two links", func(b *box, v string) error {
			if err := os.Symlink("b", b.root("a")); err != nil {
				return err
			}
			return os.Symlink(v, b.root("b"))
		}, "/a/x/y", "VICTIM/x/y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t)
			v := b.victim()
			check(t, c.link(b, v))
			b.mount(&configs.Mount{Source: "hostile", Destination: c.target, Device: "tmpfs"})
			want := v
			if c.want != "VICTIM" {
				want = v + c.want[len("VICTIM"):]
			}
			expect(t, b.must("grep hostile /proc/self/mountinfo"), " "+want+" rw")
		})
	}
	t.Run("and files are made there, too", func(t *testing.T) {
		b := newBox(t)
		v := b.victim()
		check(t, os.Symlink(v+"/new", b.root("a")))
		check(t, os.WriteFile(b.host("file"), []byte("hello\n"), 0o644))
		b.mount(&configs.Mount{Source: b.host("file"), Destination: "/a", Device: "bind", Flags: unix.MS_BIND})
		expect(t, b.must("cat "+v+"/new; readlink /a"), "^hello$", "^"+v+"/new$")
	})
	for name, userns := range map[string]bool{"and nodes are made there": false, "and in a user namespace nodes are bound there": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			v := b.victim()
			b.cfg.Mounts = b.cfg.Mounts[:1]
			check(t, os.Mkdir(b.root("dev"), 0o755))
			check(t, os.Symlink(v+"/x", b.root("dev/null")))
			check(t, os.Symlink("/proc/self", b.root("dev/zero")))
			b.cfg.Devices = b.cfg.Devices[:1]
			if userns {
				b.inUserNS()
			}
			expect(t, b.must("ls -l "+v+"/x; readlink /dev/null"), `^crw-rw-rw- .* 1, +3 `, "^"+v+"/x$")
		})
	}
	t.Run("magic ones are taken for their text", func(t *testing.T) {
		for _, userns := range []bool{false, true} {
			b := newBox(t)
			b.cfg.Mounts = b.cfg.Mounts[:1]
			check(t, os.Mkdir(b.root("dev"), 0o755))
			check(t, os.Symlink("/proc/self/cwd", b.root("dev/sub")))
			check(t, os.Symlink("/proc/self/cwd/zero", b.root("dev/zero")))
			b.cfg.Devices = append(b.cfg.Devices[:2], &devices.Device{Path: "/dev/sub/null", FileMode: 0o666,
				Rule: devices.Rule{Type: devices.CharDevice, Major: 1, Minor: 3}})
			if userns {
				b.inUserNS()
				// It binds the host's.
				b.cfg.Devices = b.cfg.Devices[:2]
			}
			b.mount(&configs.Mount{Source: "x", Destination: "/dev/sub/mnt", Device: "tmpfs"})
			cwd, err := os.Getwd()
			check(t, err)
			out := b.must("ls -l " + cwd + "/zero; grep mnt /proc/self/mountinfo")
			expect(t, out, `^crw-rw-rw- .* 1, +5 .*/zero$`, " "+cwd+"/mnt ")
			if _, err := os.Lstat(filepath.Join(cwd, "zero")); err == nil {
				t.Error("made in the test's own folder")
			}
		}
	})
	t.Run("do not lead nodes into proc", func(t *testing.T) {
		for _, userns := range []bool{false, true} {
			b := newBox(t)
			b.cfg.Mounts = b.cfg.Mounts[:1]
			check(t, os.Mkdir(b.root("dev"), 0o755))
			check(t, os.Symlink("/proc/self/attr/current", b.root("dev/null")))
			if userns {
				b.inUserNS()
			}
			_, err := b.run("true")
			expectError(t, err, "/dev/null", "into /proc")
		}
	})
	t.Run("in a circle are an error", func(t *testing.T) {
		b := newBox(t)
		check(t, os.Symlink("b", b.root("a")))
		check(t, os.Symlink("a", b.root("b")))
		b.mount(&configs.Mount{Source: "x", Destination: "/a/x", Device: "tmpfs"})
		_, err := b.run("true")
		expectError(t, err, "too many levels of symbolic links")
	})
	t.Run("do not lead onto the root", func(t *testing.T) {
		b := newBox(t)
		check(t, os.Symlink("/", b.root("a")))
		b.mount(&configs.Mount{Source: "x", Destination: "/a", Device: "tmpfs"})
		_, err := b.run("true")
		expectError(t, err, "root of the container")
	})
	t.Run("do not lead into proc", func(t *testing.T) {
		b := newBox(t)
		check(t, os.Symlink("/proc/sys", b.root("a")))
		b.mount(&configs.Mount{Source: "x", Destination: "/a/kernel", Device: "tmpfs"})
		_, err := b.run("true")
		expectError(t, err, "inside /proc")
	})
}

func TestProcAndSysfsWantRealFolders(t *testing.T) {
	for _, name := range []string{"proc", "sys"} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			check(t, os.Mkdir(b.root("elsewhere"), 0o755))
			check(t, os.Symlink("elsewhere", b.root(name)))
			_, err := b.run("true")
			expectError(t, err, "must be mounted on ordinary directory")
		})
	}
	t.Run("not a file", func(t *testing.T) {
		b := newBox(t)
		check(t, os.WriteFile(b.root("proc"), nil, 0o644))
		_, err := b.run("true")
		expectError(t, err, "must be mounted on ordinary directory")
	})
}

func TestDevAsSymlinkStaysInside(t *testing.T) {
	for name, withTmpfs := range map[string]bool{"below a tmpfs": true, "in the image": false} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			v := b.victim()
			check(t, os.Symlink(v, b.root("dev")))
			if !withTmpfs {
				b.cfg.Mounts = b.cfg.Mounts[:1]
			}
			b.cfg.MaskPaths = nil
			b.cfg.Devices = append(b.cfg.Devices, &devices.Device{Path: "/dev/sub/node", FileMode: 0o600,
				Rule: devices.Rule{Type: devices.CharDevice, Major: 1, Minor: 3}})
			b.term = true
			expect(t, b.must("ls -d "+v+"/null /dev/sub/node /dev/console"), v+"/null$", "^/dev/sub/node$")
		})
	}
}

func TestNamesInDevThatAreLinksLeadInside(t *testing.T) {
	for _, name := range []string{"console", "null", "sub"} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			v := b.victim()
			b.cfg.Mounts = b.cfg.Mounts[:1]
			check(t, os.Mkdir(b.root("dev"), 0o755))
			check(t, os.Symlink(filepath.Join(v, "x"), b.root("dev", name)))
			b.term = true
			_, err := b.run("true")
			if name == "console" {
				expectError(t, err, "/dev/"+name)
			} else {
				check(t, err)
			}
		})
	}
}

func TestMaskWantsTheRealNullDevice(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"symlink":      func(p string) error { return os.Symlink("/proc/sys/kernel/core_pattern", p) },
		"file":         func(p string) error { return os.WriteFile(p, nil, 0o666) },
		"other device": func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) },
		"missing":      func(string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			src := b.host("dev")
			check(t, os.Mkdir(src, 0o755))
			check(t, put(filepath.Join(src, "null")))
			b.cfg.Mounts = []*configs.Mount{b.cfg.Mounts[0], {Source: src, Destination: "/dev", Device: "bind", Flags: unix.MS_BIND}}
			b.cfg.MaskPaths = []string{"/proc/kcore", "/proc/keys"}
			_, err := b.run("true")
			expectError(t, err, "mask path", "/dev/null")
		})
	}
}

// TestRacingRenamer swaps a folder of the image for a link to the host all the
// while: a target may be made and mounted in either, but never outside.
func TestRacingRenamer(t *testing.T) {
	b := newBox(t)
	v := b.victim()
	check(t, os.MkdirAll(b.root("vol/real"), 0o755))
	check(t, os.MkdirAll(b.root("dev"), 0o755))
	check(t, os.Symlink(v, b.root("vol/link")))
	b.cfg.Mounts = append(b.cfg.Mounts[:1],
		&configs.Mount{Source: "/etc", Destination: "/vol/real/deep/dir", Device: "bind", Flags: unix.MS_BIND},
		&configs.Mount{Source: "/etc/hostname", Destination: "/vol/real/file", Device: "bind", Flags: unix.MS_BIND},
		&configs.Mount{Source: "tmpfs", Destination: "/vol/real/tmp", Device: "tmpfs"},
	)
	if _, err := os.Stat("/etc/hostname"); err != nil {
		b.cfg.Mounts[2].Source = "/etc/passwd"
	}
	b.cfg.MaskPaths, b.cfg.ReadonlyPaths = nil, nil
	stop, done := make(chan struct{}), make(chan struct{})
	swaps := 0
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if unix.Renameat2(unix.AT_FDCWD, b.root("vol/real"), unix.AT_FDCWD, b.root("vol/link"), unix.RENAME_EXCHANGE) == nil {
				swaps++
			}
		}
	}()
	good, bad := 0, 0
	for range 200 {
		// Errors are fine: the image fights itself.
		if _, err := b.run("true"); err == nil {
			good++
		} else {
			bad++
		}
	}
	close(stop)
	<-done
	t.Logf("%d swaps; %d set-ups succeeded, %d failed", swaps, good, bad)
	if good == 0 || swaps < 200 {
		t.Error("that was no race")
	}
}
