package libcontainer

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// child is a Process that was not started in a container.
func child(t *testing.T, args ...string) *Process {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{run: &running{pid: pid, pidfd: os.NewFile(uintptr(fd), "pidfd")}}
	t.Cleanup(func() { p.abort(); p.reap() })
	return p
}

func TestSignal(t *testing.T) {
	if err := new(Process).Signal(unix.SIGTERM); !errors.Is(err, errNotStarted) {
		t.Error("not started:", err)
	}
	p := child(t, "sleep", "100")
	if err := p.Signal(unix.Signal(0)); err != nil {
		t.Error("running:", err)
	}
	if err := p.Signal(unix.SIGTERM); err != nil {
		t.Error("running:", err)
	}
	st, err := p.Wait()
	if err != nil || !st.Signaled() || st.Signal() != unix.SIGTERM {
		t.Error(st, err)
	}
	if err := p.Signal(unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Error("after Wait:", err)
	}
}

// A number that was the pidfd's is another file's after Wait: another process,
// in the worst case.
func TestSignalAfterWaitHitsNobodyElse(t *testing.T) {
	p := child(t, "true")
	number := int(p.run.pidfd.Fd())
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	other := child(t, "sleep", "100")
	if err := unix.Dup3(int(other.run.pidfd.Fd()), number, unix.O_CLOEXEC); err != nil && err != unix.EINVAL {
		t.Fatal(err)
	}
	if int(other.run.pidfd.Fd()) != number {
		defer unix.Close(number)
	}
	p.abort()
	if err := p.Signal(unix.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	if err := other.Signal(unix.Signal(0)); err != nil {
		t.Error("the other process:", err)
	}
	var st unix.WaitStatus
	if pid, err := unix.Wait4(other.run.pid, &st, unix.WNOHANG, nil); pid != 0 || err != nil {
		t.Error("the other process has ended:", st, err)
	}
}
