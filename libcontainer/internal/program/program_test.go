package program

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// sample writes "hello", skips what an expected error skips, tests a word, and
// passes an fd from one call to another.
func sample(b *Builder, out int) {
	fd := b.Slot(-1)
	missing := b.Label()
	b.Call("open a missing file", unix.SYS_OPENAT, Num(-100), b.Text("/nonexistent"), Num(0)).Into(fd).Else(missing, unix.ENOENT)
	b.Call("never made", unix.SYS_WRITE, Num(out), b.Text("wrong"), Num(5))
	b.Place(missing)
	wrong := b.Label()
	b.Test(fd.Addr(), 0xffffffff, ^uint32(unix.ENOENT)+1, wrong)
	b.Call("write", unix.SYS_WRITE, Num(out), b.Text("hello"), Num(5))
	b.Place(wrong)
	b.Call("open", unix.SYS_OPENAT, Num(-100), b.Text("/proc/self/comm"), Num(0)).Into(fd)
	buf, n := b.Space(64), b.Slot(0)
	same := b.Slot(0)
	b.Set(same, fd.Value())
	fd = same
	b.Call("read", unix.SYS_READ, fd.Value(), buf.Addr(), Num(64)).Into(n)
	b.Call("write", unix.SYS_WRITE, Num(out), buf.Addr(), n.Value())
	b.Call("close", unix.SYS_CLOSE, fd.Value())
}

func TestRun(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := new(Builder)
	sample(b, int(w.Fd()))
	called := false
	b.Go("a function", func() error { called = true; return nil })
	b.Call("write", unix.SYS_WRITE, Num(w.Fd()), b.Text("!"), Num(1))
	if err := b.Run(&Runner{Sock: -1}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	said, _ := io.ReadAll(r)
	if s := string(said); !strings.HasPrefix(s, "hello") || !strings.HasSuffix(s, "\n!") || !called {
		t.Errorf("the program wrote %q", s)
	}
}

func TestRunFails(t *testing.T) {
	b := new(Builder)
	b.Call("close 1", unix.SYS_CLOSE, Num(-1)).Ignore(unix.EBADF)
	b.Call("close 2", unix.SYS_CLOSE, Num(-1))
	if err := b.Run(&Runner{Sock: -1}); err == nil || err.Error() != "close 2: bad file descriptor" {
		t.Errorf("error is %v", err)
	}
}

// start executes the program as a stub, whose socket is fd 3.
func start(t *testing.T, b *Builder) (sock *os.File, out *os.File, wait func() int) {
	t.Helper()
	if !Supported() {
		t.Skip("no stub for this architecture")
	}
	f, err := NewFile()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Write(f, 3); err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "theirs")
	r, w, _ := os.Pipe()
	path := "/proc/self/fd/" + itoa(int(f.Fd()))
	cmd := exec.Command(path)
	cmd.Args = []string{"stub"}
	if qemu := os.Getenv(qemuEnv); qemu != "" {
		// The kernel cannot execute a stub of another architecture.
		cmd = exec.Command(qemu, "/proc/"+itoa(os.Getpid())+"/fd/"+itoa(int(f.Fd())))
	}
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if os.Getenv(qemuEnv) == "" {
		f.Close() // qemu has yet to open it
	}
	theirs.Close()
	w.Close()
	return os.NewFile(uintptr(pair[0]), "ours"), r, func() int {
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode()
	}
}

func itoa(n int) string {
	if n >= 10 {
		return itoa(n/10) + string(rune('0'+n%10))
	}
	return string(rune('0' + n))
}

func TestStub(t *testing.T) {
	b := new(Builder)
	sample(b, 1)
	sock, out, wait := start(t, b)
	second := new(Builder)
	sample(second, 1)
	piece, err := second.Piece(3)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := sock.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Shutdown(int(sock.Fd()), unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(out)
	if strings.Count(string(said), "hello") != 3 {
		t.Errorf("the stub wrote %q", said)
	}
	if status := wait(); status != ExitAlone {
		t.Errorf("status %d", status)
	}
}

func TestStubFails(t *testing.T) {
	sock, _, wait := start(t, new(Builder))
	b := new(Builder)
	b.Call("close 1", unix.SYS_CLOSE, Num(-1)).Ignore(Any)
	b.Call("close 2", unix.SYS_CLOSE, Num(-1))
	piece, err := b.Piece(3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sock.Write(piece); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, MessageSize)
	if _, err := io.ReadFull(sock, buf); err != nil {
		t.Fatal(err)
	}
	m := ParseMessage(buf)
	if first, at := m.Step(); m.Kind != 0 || syscall.Errno(m.Value) != unix.EBADF || first != -1 || at != 1 {
		t.Errorf("message %+v: step %d, %d", m, first, at)
	}
	if status := wait(); status != ExitFailed {
		t.Errorf("status %d", status)
	}
}
