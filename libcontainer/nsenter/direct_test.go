package nsenter

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// direct plays the calls in a child in namespaces of its own and gives what its
// program said.
func direct(t *testing.T, d *Direct, check func(content []byte, more bool), calls *Calls) (string, unix.WaitStatus, error) {
	t.Helper()
	needRoot(t)
	if !CanDirect() {
		t.Skip("no direct child on this architecture")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := &Plan{New: unix.CLONE_NEWPID | unix.CLONE_NEWUTS, Direct: d, Files: []*os.File{nil, w, os.Stderr}}
	c, err := p.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer c.PidFD.Close()
	content, more, err := c.Placed()
	if err != nil {
		t.Fatal(err)
	}
	if check != nil {
		check(content, more)
	}
	if err := c.Go(calls); err != nil {
		t.Fatal(err)
	}
	err = c.Executed()
	out, e := io.ReadAll(r)
	if e != nil {
		t.Fatal(e)
	}
	var status unix.WaitStatus
	if _, e := unix.Wait4(c.Pid, &status, 0, nil); e != nil {
		t.Fatalf("the child is not ours: %v", e)
	}
	return string(out), status, err
}

// shell is a list whose program is sh.
func shell(script string) *Calls {
	return &Calls{Programs: []string{"/nonesuch/sh", "/bin", "/bin/sh"}[2:], Argv: []string{"sh", "-c", script}, Env: []string{"A=1", "B=two words"}}
}

func TestDirectExecutes(t *testing.T) {
	c := shell(`echo "$A $B $$"; ls /proc/self/fd | wc -l; exit 7`)
	c.Add(unix.SYS_SETSID)
	c.Add(unix.SYS_CLOSE_RANGE, Num(3), Num(1<<31-1), Num(unix.CLOSE_RANGE_CLOEXEC))
	out, status, err := direct(t, new(Direct), nil, c)
	if err != nil || status.ExitStatus() != 7 {
		t.Fatalf("%v, status %#x", err, status)
	}
	// Of its namespace it is the first; 0 may be closed, ls has one of its own.
	if lines := strings.Split(out, "\n"); lines[0] != "1 two words 1" || lines[1] > "4" {
		t.Errorf("said %q", out)
	}
}

func TestDirectPassesMemory(t *testing.T) {
	c := shell("uname -n; pwd")
	c.Add(unix.SYS_SETHOSTNAME, Bytes([]byte("a-name and more")), Num(6))
	c.Add(unix.SYS_CHDIR, Text("/proc"))
	c.AddInside()
	out, _, err := direct(t, new(Direct), nil, c)
	if err != nil || out != "a-name\n/proc\n" {
		t.Errorf("%v, said %q", err, out)
	}
}

func TestDirectTellsOfFailure(t *testing.T) {
	for name, add := range map[string]func(c *Calls){
		"an error": func(c *Calls) { c.Add(unix.SYS_CHDIR, Text("/nonesuch")) },
		"another error": func(c *Calls) {
			c.AddIgnoring([]syscall.Errno{unix.EPERM, unix.EIO}, unix.SYS_CHDIR, Text("/nonesuch"))
		},
		"no program":        func(c *Calls) { c.Programs = []string{"/nonesuch", "/nonesuch/x"} },
		"a directory":       func(c *Calls) { c.Programs = []string{"/bin"} },
		"not to execute":    func(c *Calls) { c.Programs = []string{"/etc/passwd"} },
		"no format":         func(c *Calls) { c.Programs = []string{noFormat(t)} },
		"an error at last":  func(c *Calls) { c.AddLast(unix.SYS_CHDIR, Text("/nonesuch")) },
		"outside":           func(c *Calls) { c.Add(unix.SYS_CHROOT, Text("/tmp")); c.AddInside() },
		"not even an exit":  func(c *Calls) { c.Add(unix.SYS_SECCOMP, Num(1), Num(0), Filter(onlyWrite())) },
		"killed on the way": func(c *Calls) { c.Add(unix.SYS_SECCOMP, Num(1), Num(0), Filter(killAll())) },
	} {
		t.Run(name, func(t *testing.T) {
			c := shell("echo here")
			add(c)
			out, status, err := direct(t, new(Direct), nil, c)
			if err == nil || out != "" || status.Exited() && status.ExitStatus() != 253 {
				t.Errorf("%v, status %#x, said %q", err, status, out)
			}
		})
	}
}

func noFormat(t *testing.T) string {
	p := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(p, []byte{1, 2, 3}, 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

// onlyWrite denies everything but write(2), exits included.
func onlyWrite() []byte {
	return insns(0x20, 0, 0, 0, 0x15, 0, 1, uint32(unix.SYS_WRITE), 0x06, 0, 0, 0x7fff0000, 0x06, 0, 0, 0x00050001)
}

func killAll() []byte { return insns(0x06, 0, 0, 0x80000000) }

func insns(w ...uint32) (b []byte) {
	for i := 0; i < len(w); i += 4 {
		b = append(b, byte(w[i]), byte(w[i]>>8), byte(w[i+1]), byte(w[i+2]), byte(w[i+3]), byte(w[i+3]>>8), byte(w[i+3]>>16), byte(w[i+3]>>24))
	}
	return b
}

func TestDirectIgnores(t *testing.T) {
	c := shell("echo here")
	c.Programs = []string{"/nonesuch/sh", "/etc/passwd/sh", "/bin/sh", "/bin/false"}
	c.AddIgnoring([]syscall.Errno{unix.EPERM, unix.EIO, unix.EXDEV, unix.ENOENT}, unix.SYS_CHDIR, Text("/nonesuch"))
	out, _, err := direct(t, new(Direct), nil, c)
	if err != nil || out != "here\n" {
		t.Errorf("%v, said %q", err, out)
	}
}

func TestDirectReads(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, size int) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(strings.Repeat("x", size)), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/proc/self/exe", link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		file("empty", 0): 0, file("some", 5000): 5000, file("limit", maxRead): maxRead, file("more", maxRead+1): -1,
		fifo: 0, link: 0, dir: 0, filepath.Join(dir, "none"): 0,
	} {
		_, _, err := direct(t, &Direct{Read: path}, func(content []byte, more bool) {
			if more != (want < 0) || !more && len(content) != want {
				t.Errorf("%s: %d bytes, more %v", path, len(content), more)
			}
		}, shell("true"))
		if err != nil {
			t.Error(err)
		}
	}
}

// A child that dies, or is left, is told from one that has executed.
func TestDirectDies(t *testing.T) {
	needRoot(t)
	if !CanDirect() {
		t.Skip("no direct child on this architecture")
	}
	p := &Plan{New: unix.CLONE_NEWPID, Direct: new(Direct), Files: []*os.File{nil, nil, os.Stderr}}
	c, err := p.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer c.PidFD.Close()
	if _, _, err := c.Placed(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(c.Pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := c.Executed(); !errors.Is(err, ErrDied) {
		t.Errorf("error %v", err)
	}
	if _, err := unix.Wait4(c.Pid, nil, 0, nil); err != nil {
		t.Error(err)
	}
	if d, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); d != 1 {
		t.Errorf("we are dumpable %d", d)
	}
}
