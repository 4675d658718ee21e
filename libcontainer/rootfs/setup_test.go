package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	devices "github.com/opencontainers/cgroups/devices/config"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// expect checks lines of output against patterns, one each.
func expect(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(out) {
			t.Errorf("no match for %q in\n%s", p, out)
		}
	}
}

func reject(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if m := regexp.MustCompile("(?m)" + p).FindString(out); m != "" {
			t.Errorf("unwanted %q in\n%s", m, out)
		}
	}
}

func expectError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const mountinfo = "cat /proc/self/mountinfo;"

func TestDefaultRootfs(t *testing.T) {
	for name, old := range map[string]bool{"by mount_setattr": false, "on a kernel without it": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.old = old
			b.cfg.Readonlyfs = true
			out := b.must(mountinfo + "ls -ln /dev; umask; pwd; cat /proc/keys; echo x > /bin/x || echo denied; ls /sys/firmware; ls -l /proc/self/fd")
			expect(t, out,
				`rootfs / ro,relatime `, ` / /proc rw,relatime - proc proc rw$`,
				` / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755`,
				` / /dev/pts rw,nosuid,noexec,relatime - devpts devpts rw,gid=5,mode=620,ptmxmode=666`,
				` / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm `,
				` / /dev/mqueue rw,nosuid,nodev,noexec,relatime - mqueue mqueue`,
				` / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs `,
				` /sys /proc/sys ro,relatime - proc`, ` /null /proc/keys `,
				` / /sys/firmware ro,.* - tmpfs `,
				`^crw-rw-rw- +1 0 +0 +1, +3 .* null$`, `^crw-rw-rw- .* 5, +0 .* tty$`,
				`ptmx -> pts/ptmx`, `fd -> /proc/self/fd`, `stderr -> /proc/self/fd/2`,
				`^denied$`, `^0?022$`, `^/$`)
			reject(t, out, "shared:", "master:", `\d+ -> /(tmp|$)`)
			if e, _ := os.ReadDir(b.root("proc")); len(e) != 0 {
				t.Error("mounts are visible from outside")
			}
		})
	}
}

func TestUmaskOfTheConfigurationIsKept(t *testing.T) {
	b := newBox(t)
	mask := uint32(0o27)
	b.cfg.Umask = &mask
	expect(t, b.must("umask; ls -ln /dev/null"), `^0?027$`, `^crw-rw-rw-`)
}

func TestBindMounts(t *testing.T) {
	const sec = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	for _, c := range []struct {
		name           string
		flags, cleared int
		prop           []int
		rec            *unix.MountAttr
		want           string
	}{
		{"without options keep the source's flags", 0, 0, nil, nil, ` rw,nosuid,nodev,noexec,noatime - `},
		{"with options have those", unix.MS_RDONLY, 0, nil, nil, ` ro,noatime - `},
		{"with options have exactly those", unix.MS_NODEV | unix.MS_NOEXEC, 0, nil, nil, ` rw,nodev,noexec,noatime - `},
		{"lose what is cleared", unix.MS_NOSUID, unix.MS_NODEV, nil, nil, ` rw,nosuid,noatime - `},
		{"change access times when asked", unix.MS_RELATIME, 0, nil, nil, ` rw,relatime - `},
		{"may have strict access times", unix.MS_STRICTATIME | sec, 0, nil, nil, ` rw,nosuid,nodev,noexec - `},
		{"keep access times when an option only switches them off", 0, unix.MS_NOATIME, nil, nil, ` rw,noatime - `},
		{"may not follow links", unix.MS_NOSYMFOLLOW, 0, nil, nil, ` rw,noatime,nosymfollow - `},
		{"may be shared", 0, 0, []int{unix.MS_SHARED | unix.MS_REC}, nil, ` shared:\d+ - `},
		{"may be unbindable", 0, 0, []int{unix.MS_UNBINDABLE}, nil, ` unbindable - `},
		{"take recursive attributes", 0, 0, nil, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}, ` ro,nosuid,nodev,noexec,noatime - `},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, old := range []bool{false, true} {
				if old && c.rec != nil {
					continue
				}
				b := newBox(t)
				b.old = old
				src := b.host("src")
				check(t, os.Mkdir(src, 0o755))
				b.before = "mount --make-rprivate /; mount -t tmpfs -o nosuid,nodev,noexec,noatime src " + src + "; exec $0"
				b.mount(&configs.Mount{
					Source: src, Destination: "/mnt/deep/er", Device: "bind",
					Flags: unix.MS_BIND | unix.MS_REC | c.flags, ClearedFlags: c.cleared,
					PropagationFlags: c.prop, RecAttr: c.rec,
				})
				out := b.must("grep /mnt/deep/er /proc/self/mountinfo")
				expect(t, out, c.want)
			}
		})
	}
}

func TestBindOfFilesSocketsAndDevices(t *testing.T) {
	b := newBox(t)
	check(t, os.WriteFile(b.host("file"), []byte("hello"), 0o644))
	check(t, unix.Mknod(b.host("sock"), unix.S_IFSOCK|0o644, 0))
	for _, m := range []struct{ src, dst string }{
		{b.host("file"), "/new/file"}, {b.host("file"), "/etc/over"}, {b.host("sock"), "/run/sock"}, {"/dev/zero", "/dev/zilch"},
	} {
		b.mount(&configs.Mount{Source: m.src, Destination: m.dst, Device: "bind", Flags: unix.MS_BIND})
	}
	check(t, os.WriteFile(b.root("etc/over"), []byte("mine"), 0o600))
	expect(t, b.must("cat /new/file /etc/over; ls -l /run/sock /dev/zilch"), "^hellohello", `^srw.*/run/sock`, `crw.* 1, +5 .*zilch`)
	st, err := os.Stat(b.root("new/file"))
	check(t, err)
	if st.Mode() != 0o755 || st.Size() != 0 {
		t.Errorf("mountpoint is %v, size %d", st.Mode(), st.Size())
	}
}

func TestReadonlyTmpfsTakesFurtherMounts(t *testing.T) {
	for _, old := range []bool{false, true} {
		b := newBox(t)
		b.old = old
		b.mount(&configs.Mount{Source: "tmpfs", Destination: "/run", Device: "tmpfs", Flags: unix.MS_RDONLY | unix.MS_NODEV})
		b.mount(&configs.Mount{Source: "tmpfs", Destination: "/run/inner", Device: "tmpfs"})
		expect(t, b.must(mountinfo), ` / /run ro,nodev,relatime - tmpfs`, ` / /run/inner rw,relatime - tmpfs`)
	}
}

func TestTmpfsTakesModeOfWhatItCovers(t *testing.T) {
	b := newBox(t)
	check(t, os.Mkdir(b.root("sticky"), 0o777))
	check(t, os.Chmod(b.root("sticky"), 0o777|os.ModeSticky))
	b.mount(&configs.Mount{Source: "tmpfs", Destination: "/sticky", Device: "tmpfs"})
	b.mount(&configs.Mount{Source: "tmpfs", Destination: "/missing", Device: "tmpfs"})
	b.mount(&configs.Mount{Source: "tmpfs", Destination: "/given", Device: "tmpfs", Data: "mode=0700"})
	expect(t, b.must("stat -c '%a %n' /sticky /missing /given"), "^1777 /sticky", "^1777 /missing", "^700 /given")
}

func TestTmpcopyup(t *testing.T) {
	b := newBox(t)
	dir := b.root("data")
	check(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o750))
	check(t, os.WriteFile(filepath.Join(dir, "sub/file"), []byte("content"), 0o640))
	check(t, os.Chown(filepath.Join(dir, "sub/file"), 12, 34))
	check(t, os.Chmod(filepath.Join(dir, "sub/file"), 0o640|os.ModeSetgid))
	check(t, os.Chown(filepath.Join(dir, "sub"), 56, 78))
	check(t, os.Symlink("/nowhere", filepath.Join(dir, "link")))
	check(t, os.Lchown(filepath.Join(dir, "link"), 9, 9))
	check(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	xattr := unix.Setxattr(filepath.Join(dir, "sub/file"), "trusted.x", []byte("v"), 0) == nil
	b.mount(&configs.Mount{Source: "tmpfs", Destination: "/data", Device: "tmpfs", Extensions: configs.ExtCopyUp, Flags: unix.MS_RDONLY})
	b.hook = "getfattr -n trusted.x --only-values " + filepath.Join(dir, "sub/file") + " 2>&1; echo"
	out := b.must("cd /data; stat -c '%A %u %g %n' sub sub/file link pipe; readlink link; cat sub/file; echo; touch new || echo readonly")
	expect(t, out, `^drwxr-x--- 56 78 sub`, `^-rw-r-S--- 12 34 sub/file`, `^lrwxrwxrwx 9 9 link`, `^prw------- 0 0 pipe`, "^/nowhere", "^content", "^readonly")
	if _, err := exec.LookPath("getfattr"); err == nil && xattr {
		expect(t, out, "^v$")
	}
}

func TestImpossibleMounts(t *testing.T) {
	for _, c := range []struct {
		name string
		m    configs.Mount
		want []string
	}{
		{"unknown file system", configs.Mount{Source: "x", Destination: "/mnt", Device: "nosuchfs"},
			[]string{`error mounting "x" to rootfs at "/mnt": `, "no such device", "mounts[6]"}},
		{"unknown option", configs.Mount{Source: "x", Destination: "/mnt", Device: "tmpfs", Data: "nosuchopt"},
			[]string{`error mounting "x" to rootfs at "/mnt": `, "invalid argument", "nosuchopt", "Unknown parameter"}},
		{"missing source", configs.Mount{Source: "/nosuch", Destination: "/mnt", Device: "bind", Flags: unix.MS_BIND},
			[]string{`failed to fulfil mount request: open /nosuch: no such file or directory`, "mounts[6].source"}},
		{"onto the root", configs.Mount{Source: "x", Destination: "/..//", Device: "tmpfs"},
			[]string{`error mounting "x" to rootfs at `, "root of the container"}},
		{"inside proc", configs.Mount{Source: "x", Destination: "/proc/sys", Device: "tmpfs"},
			[]string{`error mounting "x" to rootfs at "/proc/sys": `, `"/proc/sys" cannot be mounted because it is inside /proc`}},
		{"something else as proc", configs.Mount{Source: "x", Destination: "/proc", Device: "tmpfs"},
			[]string{`error mounting "x" to rootfs at "/proc": `, "not of type proc"}},
		{"a folder as proc", configs.Mount{Source: "/etc", Destination: "/proc", Device: "bind", Flags: unix.MS_BIND},
			[]string{`error mounting "/etc" to rootfs at "/proc": `, "not of type proc"}},
		{"folder on file", configs.Mount{Source: "/etc", Destination: "/bin/busybox", Device: "bind", Flags: unix.MS_BIND},
			[]string{`error mounting "/etc" to rootfs at "/bin/busybox": `, "directory"}},
		{"bind with data", configs.Mount{Source: "/etc", Destination: "/mnt", Device: "bind", Flags: unix.MS_BIND, Data: "size=1"},
			[]string{"bind mounts cannot have any filesystem-specific options applied"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t)
			b.mount(&c.m)
			_, err := b.run("true")
			expectError(t, err, c.want...)
		})
	}
}

func TestKnownFilesOfProcMayBeCovered(t *testing.T) {
	b := newBox(t)
	check(t, os.WriteFile(b.host("up"), []byte("42\n"), 0o644))
	b.mount(&configs.Mount{Source: b.host("up"), Destination: "/proc/uptime", Device: "bind", Flags: unix.MS_BIND | unix.MS_RDONLY})
	expect(t, b.must("cat /proc/uptime"), "^42$")
}

func TestProcOfTheHostMayBeBoundAsProc(t *testing.T) {
	b := newBox(t)
	b.cfg.Mounts[0] = &configs.Mount{Source: "/proc", Destination: "/proc", Device: "bind", Flags: unix.MS_BIND | unix.MS_REC}
	b.must("test -d /proc/self/fd")
}

func TestLongOptionsGoByMount(t *testing.T) {
	b := newBox(t)
	var dirs []string
	for _, n := range []string{"a", "b", "c"} {
		d := b.host(strings.Repeat(n, 100))
		check(t, os.Mkdir(d, 0o755))
		check(t, os.WriteFile(filepath.Join(d, n), nil, 0o644))
		dirs = append(dirs, d)
	}
	b.mount(&configs.Mount{
		Source: "overlay", Destination: "/ov", Device: "overlay", Data: "lowerdir=" + strings.Join(dirs, ":"),
		Flags: unix.MS_NOSUID, PropagationFlags: []int{unix.MS_SHARED},
	})
	expect(t, b.must("ls -x /ov; grep /ov /proc/self/mountinfo"), "^a +b +c", "nosuid.* shared:")
}

func TestRemountChangesWhatIsThere(t *testing.T) {
	b := newBox(t)
	b.mount(&configs.Mount{Source: "tmpfs", Destination: "/run", Device: "tmpfs"})
	b.mount(&configs.Mount{Source: "tmpfs", Destination: "/run", Device: "tmpfs", Flags: unix.MS_REMOUNT | unix.MS_NOEXEC, Data: "size=8k"})
	expect(t, b.must("grep /run /proc/self/mountinfo"), ` rw,noexec,.*size=8k`)
}

func TestFilesystemFlags(t *testing.T) {
	b := newBox(t)
	b.mount(&configs.Mount{Source: "r", Destination: "/r", Device: "ramfs", Flags: unix.MS_SYNCHRONOUS | unix.MS_DIRSYNC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_NOSYMFOLLOW})
	b.mount(&configs.Mount{Source: "v", Destination: "/v", Device: "tmpfs", Flags: unix.MS_I_VERSION | unix.MS_NOSUID})
	expect(t, b.must(mountinfo), ` / /r rw,noatime,nodiratime,nosymfollow - ramfs r rw,sync,dirsync`, ` / /v rw,nosuid,relatime - tmpfs v`)
}

func TestDevices(t *testing.T) {
	b := newBox(t)
	add := func(path string, typ devices.Type, major, minor int64, mode os.FileMode, uid, gid uint32) {
		b.cfg.Devices = append(b.cfg.Devices, &devices.Device{Path: path, FileMode: mode, Uid: uid, Gid: gid,
			Rule: devices.Rule{Type: typ, Major: major, Minor: minor}})
	}
	add("/dev/net/tun", devices.CharDevice, 10, 200, 0o600, 11, 22)
	add("/dev/disk", devices.BlockDevice, 7, 0, 0o640, 0, 6)
	add("/else/where/fifo", devices.FifoDevice, 0, 0, 0o622, 0, 0)
	add("/dev/mine", 'u', 1, 3, 0o666, 0, 0)
	out := b.must("ls -ln /dev/net/tun /dev/disk /else/where/fifo /dev/mine")
	expect(t, out, `^crw------- +1 11 +22 +10, 200 .*tun`, `^brw-r----- +1 0 +6 +7, +0 .*disk`, `^prw--w--w- .*fifo`, `^crw-rw-rw- .* 1, +3 .*mine`)
}

func TestDeviceThatIsThere(t *testing.T) {
	image := func(t *testing.T) *box {
		b := newBox(t)
		b.cfg.Mounts = b.cfg.Mounts[:1]
		check(t, os.Mkdir(b.root("dev"), 0o755))
		return b
	}
	t.Run("keeps its mode and owner", func(t *testing.T) {
		b := image(t)
		check(t, unix.Mknod(b.root("dev/null"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
		check(t, os.Chown(b.root("dev/null"), 5, 5))
		expect(t, b.must("ls -ln /dev/null"), `^crw------- +1 5 +5 +1, +3`)
	})
	t.Run("is kept, whatever it is", func(t *testing.T) {
		b := image(t)
		check(t, unix.Mknod(b.root("dev/zero"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 7))))
		check(t, os.WriteFile(b.root("dev/random"), nil, 0o600))
		check(t, os.Mkdir(b.root("dev/full"), 0o700))
		check(t, os.Symlink("/etc", b.root("dev/tty")))
		expect(t, b.must("ls -lnd /dev/zero /dev/random /dev/full /dev/tty"), `^crw-r--r-- .* 1, +7 .*zero`, `^-rw------- .*random`, `^drwx------ .*full`, `^l.*tty -> /etc`)
	})
	t.Run("does not become a mask with other numbers", func(t *testing.T) {
		b := image(t)
		check(t, unix.Mknod(b.root("dev/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))))
		_, err := b.run("true")
		expectError(t, err, "/dev/null of the container is not the null device")
		check(t, os.Remove(b.root("dev/null")))
		check(t, os.Symlink("/dev/zero", b.root("dev/null")))
		_, err = b.run("true")
		expectError(t, err, "/dev/null of the container is not the null device")
	})
	t.Run("may be a symlink", func(t *testing.T) {
		b := image(t)
		check(t, os.Symlink("/opt/null", b.root("dev/null")))
		b.cfg.Devices[0].Uid, b.cfg.Devices[0].Gid = 3, 4
		expect(t, b.must("ls -ln /opt/null; head -c 1 /proc/keys"), `^crw-rw-rw- +1 3 +4 +1, +3 .*/opt/null$`)
	})
	t.Run("keeps its mode and owner in a folder of the host, too", func(t *testing.T) {
		b := newBox(t)
		check(t, os.MkdirAll(b.host("usb"), 0o755))
		check(t, unix.Mknod(b.host("usb/001"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
		check(t, os.Chown(b.host("usb/001"), 1000, 44))
		b.mount(&configs.Mount{Source: b.host("usb"), Destination: "/dev/usb", Device: "bind", Flags: unix.MS_BIND})
		b.cfg.Devices = append(b.cfg.Devices, &devices.Device{Path: "/dev/usb/001", FileMode: 0o666,
			Rule: devices.Rule{Type: devices.CharDevice, Major: 1, Minor: 3}})
		expect(t, b.must("ls -ln /dev/usb/001"), `^crw------- +1 1000 +44 +1, +3`)
	})
	t.Run("is replaced when it is ptmx", func(t *testing.T) {
		b := image(t)
		check(t, unix.Mknod(b.root("dev/ptmx"), unix.S_IFCHR|0o666, int(unix.Mkdev(5, 2))))
		expect(t, b.must("readlink /dev/ptmx"), "^pts/ptmx$")
	})
}

func TestBoundDevIsLeftAlone(t *testing.T) {
	b := newBox(t)
	src := b.host("dev")
	check(t, os.Mkdir(src, 0o755))
	b.cfg.Mounts[1] = &configs.Mount{Source: src, Destination: "/dev/", Device: "bind", Flags: unix.MS_BIND}
	b.cfg.Mounts = append(b.cfg.Mounts[:2], b.cfg.Mounts[5:]...)
	b.cfg.MaskPaths = nil
	if out := b.must("ls -A /dev"); out != "" {
		t.Errorf("/dev has %s", out)
	}
}

func TestReadonlyDevStillGetsItsNodes(t *testing.T) {
	b := newBox(t)
	b.cfg.Mounts[1].Flags |= unix.MS_RDONLY
	b.term = true
	expect(t, b.must("ls -l /dev/null /dev/console; touch /dev/x || echo denied"), `^crw`, `/dev/console$`, `^denied$`)
}

func TestHooksSeeTheMountsAtTheRootsPathWithTheirUmask(t *testing.T) {
	b := newBox(t)
	b.hook = "umask; ls -d " + b.root("proc/self") + " " + b.root("dev/null")
	old := unix.Umask(0o77)
	defer unix.Umask(old)
	out := b.must("umask")
	expect(t, out, "^0077$", "rootfs/proc/self$", "rootfs/dev/null$", "^0?022$")
}
