package program

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// qemuEnv names the emulator that executes the stub, in the test binary of
// another architecture.
const qemuEnv = "PROGRAM_TEST_QEMU"

// random makes a program of harmless calls from bytes. Its last step writes all
// its memory to fd out.
func random(in []byte, out int) *Builder {
	b := new(Builder)
	const words = 8
	m := b.Space(4 * words)
	ends := []*Label{}
	next := func() int {
		if len(in) == 0 {
			return 0
		}
		n := in[0]
		in = in[1:]
		return int(n)
	}
	for steps := 0; len(in) > 0 && steps < 64; steps++ {
		var s *Step
		slot := func() *Slot { return m.Slot(4 * (next() % words)) }
		switch next() % 7 {
		case 0:
			b.Set(slot(), Num(next()<<next()%24))
			continue
		case 1:
			b.Set(slot(), slot().Value())
			continue
		case 2:
			l := b.Label()
			ends = append(ends, l)
			b.Test(slot().Addr(), uint32(next()), uint32(next()), l)
			continue
		case 3:
			// A bad fd, of a number from the memory.
			s = b.Call("close", unix.SYS_CLOSE, Num(-1-next()))
		case 4:
			// EINVAL, whatever the word is: open files differ.
			s = b.Call("getpriority", unix.SYS_GETPRIORITY, Num(1000+next()), slot().Value())
		case 5:
			s = b.Call("openat", unix.SYS_OPENAT, Num(unix.AT_FDCWD), b.Text("/nonexistent"), Num(unix.O_RDONLY))
		case 6:
			s = b.Call("umask", unix.SYS_UMASK, Num(0o22))
		}
		switch next() % 4 {
		case 0:
			s.Ignore(Any)
		case 1:
			s.Ignore(unix.ENOENT, unix.EBADF)
		case 2:
			l := b.Label()
			ends = append(ends, l)
			s.Else(l, unix.EINVAL, unix.EBADF, unix.ESPIPE, unix.ENOENT)
		}
		if next()%2 == 0 {
			s.Into(slot())
		}
		// Labels lie behind the steps that lead to them, so the program ends.
		if next()%3 == 0 && len(ends) > 0 {
			b.Place(ends[0])
			ends = ends[1:]
		}
	}
	for _, l := range ends {
		b.Place(l)
	}
	b.Call("write", unix.SYS_WRITE, Num(out), m.Addr(), Num(4*words))
	return b
}

// result is what an executor has made of a program: what it wrote, or the step
// that failed and its errno.
type result struct {
	said  string
	step  int
	errno syscall.Errno
}

func byStub(t *testing.T, in []byte) result {
	sock, out, wait := start(t, random(in, 1))
	defer sock.Close()
	defer out.Close()
	if err := unix.Shutdown(int(sock.Fd()), unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(out)
	r := result{string(said), -1, 0}
	buf := make([]byte, MessageSize)
	if _, err := io.ReadFull(sock, buf); err == nil {
		m := ParseMessage(buf)
		r.step, _ = m.Step()
		r.errno = syscall.Errno(m.Value)
	}
	wait()
	return r
}

func byGo(t *testing.T, in []byte) result {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	b := random(in, int(pw.Fd()))
	r := result{step: -1}
	for n, s := range b.steps {
		s.Explain(func(e syscall.Errno) error { r.step, r.errno = n, e; return e })
	}
	_ = b.Run(&Runner{Sock: -1})
	pw.Close()
	said, _ := io.ReadAll(pr)
	r.said = string(said)
	return r
}

// FuzzProgram: the stub and Go make the same of every program.
func FuzzProgram(f *testing.F) {
	if !Supported() {
		f.Skip("no stub for this architecture")
	}
	f.Add([]byte{})
	f.Add([]byte("\x03\x05\x00\x00\x01\x00"))
	f.Add([]byte("\x05\x02\x00\x03\x01\x03\x07\x03\x00"))
	f.Add(bytes.Repeat([]byte("\x00\x01\x11\x03\x01\x02\x03\x02\x01\xff\x11\x04\x05\x06\x02\x00\x00"), 6))
	f.Add(bytes.Repeat([]byte("\x04\x03\x02\x01\x00\x05\x06\x02\x01\x07\x02"), 9))
	f.Fuzz(func(t *testing.T, in []byte) {
		if stub, inGo := byStub(t, in), byGo(t, in); stub != inGo {
			t.Errorf("the stub: %q, step %d, %d; Go: %q, step %d, %d", stub.said, stub.step, stub.errno, inGo.said, inGo.step, inGo.errno)
		}
	})
}

// TestArm64 runs this package's tests of the stub for arm64, by qemu.
func TestArm64(t *testing.T) {
	if runtime.GOARCH == "arm64" || testing.Short() {
		t.Skip("not here")
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("needs qemu-aarch64-static, of Debian's package qemu-user-static")
	}
	gotool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command")
	}
	binary := filepath.Join(t.TempDir(), "program.test")
	build := exec.Command(gotool, "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(qemu, binary, "-test.run", "^(TestStub|TestStubFails|FuzzProgram)$", "-test.v")
	cmd.Env = append(os.Environ(), qemuEnv+"="+qemu)
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Count(out, []byte("--- PASS: ")) < 3 || bytes.Contains(out, []byte("--- SKIP")) {
		t.Errorf("%v\n%s", err, out)
	}
}
