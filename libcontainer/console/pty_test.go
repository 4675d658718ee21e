package console

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inRoot runs f on a thread whose root is a folder of its own, prepared by lay,
// which gets the folder's path. Mounts and root end with the thread.
func inRoot(t *testing.T, lay func(t *testing.T, root string), f func(t *testing.T)) {
	t.Helper()
	root := t.TempDir()
	t.Run("in own root", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("needs root, to mount")
		}
		runtime.LockOSThread()
		// CLONE_FS: threads share their root unless told otherwise.
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			t.Skipf("needs mount namespaces: %v", err)
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(root, "dev/pts"), 0o755); err != nil {
			t.Fatal(err)
		}
		lay(t, root)
		if err := unix.Chroot(root); err != nil {
			t.Fatal(err)
		}
		if err := unix.Chdir("/"); err != nil {
			t.Fatal(err)
		}
		f(t)
	})
}

func withDevpts(t *testing.T, root string) {
	t.Helper()
	if err := unix.Mount("devpts", filepath.Join(root, "dev/pts"), "devpts", 0, "newinstance,ptmxmode=0666,mode=0620"); err != nil {
		t.Fatal(err)
	}
}

func TestOpenMakesATerminalOfTheContainersDevpts(t *testing.T) {
	inRoot(t, withDevpts, func(t *testing.T) {
		p, err := Open()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if p.Name != "/dev/pts/0" {
			t.Errorf("name is %s: not the first of a new devpts", p.Name)
		}
		var byName, byFD unix.Stat_t
		if err := unix.Stat(p.Name, &byName); err != nil {
			t.Fatal(err)
		}
		if err := unix.Fstat(int(p.Slave.Fd()), &byFD); err != nil {
			t.Fatal(err)
		}
		if byName.Rdev != byFD.Rdev || byName.Ino != byFD.Ino {
			t.Error("the slave is not the file of its name")
		}
		for _, f := range []*os.File{p.Master, p.Slave} {
			if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("%s: fd flags %#x, %v: not close-on-exec", f.Name(), flags, err)
			}
		}
		if err := p.SetSize(91, 33); err != nil {
			t.Fatal(err)
		}
		size, err := unix.IoctlGetWinsize(int(p.Slave.Fd()), unix.TIOCGWINSZ)
		if err != nil || size.Col != 91 || size.Row != 33 {
			t.Errorf("size is %+v, %v", size, err)
		}
		if err := p.Chown(1234); err != nil {
			t.Fatal(err)
		}
		if err := unix.Stat(p.Name, &byName); err != nil || byName.Uid != 1234 {
			t.Errorf("owner is %d, %v", byName.Uid, err)
		}
		if _, err := p.Slave.WriteString("hello\n"); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 16)
		if n, err := p.Master.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "hello") {
			t.Errorf("read %q, %v", buf[:n], err)
		}
	})
}

func TestOpenRefusesWhatIsNoPtmx(t *testing.T) {
	for name, tc := range map[string]struct {
		lay  func(t *testing.T, root string)
		want string
	}{
		"no devpts": {func(*testing.T, string) {}, "not a devpts"},
		"a node of the image's": {func(t *testing.T, root string) {
			if err := unix.Mknod(filepath.Join(root, "dev/pts/ptmx"), unix.S_IFCHR|0o666, int(unix.Mkdev(5, 2))); err != nil {
				t.Skipf("needs mknod: %v", err)
			}
		}, "not a devpts"},
		"ptmx covered": {func(t *testing.T, root string) {
			withDevpts(t, root)
			if err := unix.Mount("/dev/zero", filepath.Join(root, "dev/pts/ptmx"), "", unix.MS_BIND, ""); err != nil {
				t.Fatal(err)
			}
		}, "cross-device"},
		"nothing": {func(t *testing.T, root string) {
			if err := os.Remove(filepath.Join(root, "dev/pts")); err != nil {
				t.Fatal(err)
			}
		}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			inRoot(t, tc.lay, func(t *testing.T) {
				p, err := Open()
				if err == nil {
					p.Close()
				}
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want ...%s", err, tc.want)
				}
			})
		})
	}
}

// The test's own binary attaches a terminal to itself, having a session of its
// own as init has.
func TestAttach(t *testing.T) {
	if os.Getenv("CONSOLE_TEST_CHILD") != "" {
		p, err := Open()
		if err != nil {
			t.Skipf("needs a devpts at /dev/pts: %v", err)
		}
		if err := p.Attach(); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err != nil {
			t.Errorf("stdin is no terminal: %v", err)
		}
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err != nil {
			t.Fatalf("no controlling terminal: %v", err)
		}
		if _, err := tty.WriteString("attached"); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64)
		n, err := p.Master.Read(buf)
		if err != nil || string(buf[:n]) != "attached" {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
		os.Exit(42)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run", "^TestAttach$")
	child.Env = append(os.Environ(), "CONSOLE_TEST_CHILD=1")
	child.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	out, _ := child.CombinedOutput()
	if strings.Contains(string(out), "needs a devpts") {
		t.Skip("needs a devpts at /dev/pts")
	}
	if code := child.ProcessState.ExitCode(); code != 42 {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestChownStdio(t *testing.T) {
	if os.Getenv("CONSOLE_TEST_CHILD") != "" {
		if err := ChownStdio(1234); err != nil {
			t.Fatal(err)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give files away")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var before, after unix.Stat_t
	if err := unix.Stat(os.DevNull, &before); err != nil {
		t.Fatal(err)
	}
	f := tempFile(t)
	child := exec.Command(self, "-test.run", "^TestChownStdio$")
	child.Env = append(os.Environ(), "CONSOLE_TEST_CHILD=1")
	child.Stdout = f // stdin and stderr are the null device
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Uid != 1234 {
		t.Errorf("owner is %d, %v", st.Uid, err)
	}
	if st.Gid != uint32(os.Getegid()) {
		t.Errorf("the group became %d", st.Gid)
	}
	if err := unix.Stat(os.DevNull, &after); err != nil || after.Uid != before.Uid {
		t.Errorf("the null device now belongs to %d, %v", after.Uid, err)
	}
}
