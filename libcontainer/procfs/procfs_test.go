package procfs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestVisibleProcIsVerified(t *testing.T) {
	dir, err := openVisible()
	if err != nil {
		t.Fatal(err)
	}
	dir.Close()
	for _, path := range []string{t.TempDir(), "/proc/sys", "/proc/self/task"} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifyRoot(f); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%s: got %v, want %v", path, err, ErrUnsafe)
		}
		f.Close()
	}
}

func TestOpenFile(t *testing.T) {
	// Works with a handle of either kind, so also for an ordinary user.
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	f, err := h.OpenFile("thread-self/comm", unix.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || len(got) == 0 || len(want) == 0 {
		t.Errorf("comm is %q, %v", got, err)
	}
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("fd flags %#x, %v: not close-on-exec", flags, err)
	}
	if _, err := h.OpenFile("nosuch", unix.O_RDONLY); !errors.Is(err, unix.ENOENT) || errors.Is(err, ErrUnsafe) {
		t.Errorf("got %v, want ENOENT", err)
	}
	for _, path := range []string{"../etc/passwd", "/etc/passwd", "self/root/etc/passwd", "self/exe", "self/cwd"} {
		f, err := h.OpenFile(path, unix.O_RDONLY)
		if err == nil {
			t.Errorf("%s led to %s", path, f.Name())
			f.Close()
		}
	}
}

func TestProcessHandleHasNoSysctls(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount procfs")
	}
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if f, err := h.OpenFile("sys/kernel/ostype", unix.O_RDONLY); err == nil {
		f.Close()
		t.Error("a handle for processes only opened a sysctl")
	}
	full, err := OpenFull()
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	f, err := full.OpenFile("sys/kernel/ostype", unix.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// inOwnMounts runs f on a thread with its own mount namespace.
func inOwnMounts(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Run("in own mount namespace", func(t *testing.T) {
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
		f(t)
	})
}

// An image may cover files of /proc by others, procfs' own included; a write
// must not end there (CVE-2025-52881).
func TestCoveredFilesAreNotReached(t *testing.T) {
	decoy := filepath.Join(t.TempDir(), "decoy")
	if err := os.WriteFile(decoy, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	inOwnMounts(t, func(t *testing.T) {
		for _, source := range []string{decoy, "/proc/sys/kernel/core_pattern"} {
			if err := unix.Mount(source, "/proc/sys/kernel/domainname", "", unix.MS_BIND, ""); err != nil {
				t.Fatal(err)
			}
			h, err := OpenFull()
			if err != nil {
				t.Fatal(err)
			}
			f, err := h.OpenFile("sys/kernel/domainname", unix.O_RDONLY)
			if err != nil {
				t.Fatalf("an own procfs is not concerned by covers: %v", err)
			}
			b, _ := io.ReadAll(f)
			if strings.Contains(string(b), "untouched") {
				t.Error("the cover was opened")
			}
			f.Close()
			h.Close()

			// The fallback sees the cover, and refuses.
			dir, err := openVisible()
			if err != nil {
				t.Fatal(err)
			}
			v := &Handle{dir}
			if err := v.WriteFile("sys/kernel/domainname", "x"); !errors.Is(err, ErrUnsafe) {
				t.Errorf("covered by %s: got %v, want %v", source, err, ErrUnsafe)
			}
			v.Close()
		}
		if b, err := os.ReadFile(decoy); err != nil || string(b) != "untouched" {
			t.Errorf("decoy holds %q, %v", b, err)
		}
	})
}

func TestAProcThatIsNotProcfsIsRefused(t *testing.T) {
	inOwnMounts(t, func(t *testing.T) {
		if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		if f, err := openVisible(); !errors.Is(err, ErrUnsafe) {
			t.Errorf("got %v, %v", f, err)
		}
	})
}
