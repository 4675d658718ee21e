package exeseal

import (
	"os"
	"os/exec"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func plain(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// writable tries every way to a writable file that a container's root has.
func writable(t *testing.T, f *os.File) {
	t.Helper()
	// ETXTBSY would only say that somebody executes it right now.
	if g, err := os.OpenFile("/proc/self/fd/"+strconv.Itoa(int(f.Fd())), os.O_WRONLY, 0); err == nil {
		_, err := g.Write([]byte("x"))
		g.Close()
		if err == nil {
			t.Error("the binary can be written")
		}
	}
}

func TestOverlayIsTheSameFileReadOnly(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting an overlay needs root")
	}
	p := plain(t)
	f, err := overlay(p, belows[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	writable(t, f)
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil || st.Type != unix.OVERLAYFS_SUPER_MAGIC {
		t.Errorf("not on an overlay: %v", err)
	}
	if st.Flags&unix.ST_RDONLY == 0 {
		t.Error("the overlay is not read-only")
	}
}

func TestMemfdIsSealed(t *testing.T) {
	p := plain(t)
	f, err := memfd(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !sealed(f) {
		t.Error("not sealed")
	}
	writable(t, f)
	a, _ := p.Stat()
	b, _ := f.Stat()
	if a.Size() != b.Size() {
		t.Errorf("copied %d of %d bytes", b.Size(), a.Size())
	}
}

func TestTmpfileIsReadOnlyUnlinkedAndExecutable(t *testing.T) {
	p := plain(t)
	tried := 0
	for _, dir := range tmpDirs {
		f, err := tmpfile(p, dir)
		if err != nil {
			t.Log(err)
			continue
		}
		defer f.Close()
		tried++
		var st unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Nlink != 0 || st.Mode&0o777 != 0o555 {
			t.Errorf("%s: %d names, mode %o, %v", dir, st.Nlink, st.Mode&0o777, err)
		}
		if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_ACCMODE != unix.O_RDONLY {
			t.Errorf("%s: open with %#x, %v", dir, flags, err)
		}
		// ETXTBSY, were it open for writing anywhere.
		cmd := exec.Command("/proc/self/fd/3", "-test.run", "^TestEscape$")
		cmd.ExtraFiles = []*os.File{f}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", dir, err, out)
		}
	}
	if tried == 0 {
		t.Error("there was no folder for it")
	}
	if _, err := tmpfile(p, "/proc"); err == nil {
		t.Error("a file was made in /proc")
	}
}

func TestEscape(t *testing.T) {
	if got := escape(`/a:b\c`); got != `/a\:b\\c` {
		t.Error(got)
	}
}

func BenchmarkOverlay(b *testing.B) {
	p := plain(b)
	for b.Loop() {
		f, err := overlay(p, belows[0])
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

func BenchmarkMemfd(b *testing.B) {
	p := plain(b)
	for b.Loop() {
		if _, err := p.Seek(0, 0); err != nil {
			b.Fatal(err)
		}
		f, err := memfd(p)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}
