package exeseal

import (
	"os"
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
	if g, err := os.OpenFile("/proc/self/fd/"+itoa(int(f.Fd())), os.O_WRONLY, 0); err == nil {
		_, err := g.Write([]byte("x"))
		g.Close()
		if err == nil {
			t.Error("the binary can be written")
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
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
