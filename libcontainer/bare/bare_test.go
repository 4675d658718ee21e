package bare

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// When the test binary is called with this variable it is a process that puts
// a filter on itself.
const filterEnv = "BARE_TEST_FILTER"

func TestMain(m *testing.M) {
	if denied := os.Getenv(filterEnv); denied != "" {
		underFilter(denied)
	}
	os.Exit(m.Run())
}

func TestResultsBecomeArguments(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var c Calls
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	var copied uint32
	dup := c.Add("dup", unix.SYS_DUP, uintptr(fds[1])).Into32(&copied)
	write := c.Add("write", unix.SYS_WRITE, 0, c.Text("text"), 4)
	closing := c.Add("close", unix.SYS_CLOSE).Once()
	dup.Into(write, 0).Into(closing, 0)
	c.Add("close again", unix.SYS_CLOSE, 1<<20).Optional()
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	var buf [8]byte
	if n, err := unix.Read(fds[0], buf[:]); err != nil || string(buf[:n]) != "text" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if err := unix.Close(int(copied)); err != unix.EBADF {
		t.Errorf("the copy was open: %v", err)
	}
}

func TestErrorWithoutFilterIsReturned(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var c Calls
	c.Add("close nothing", unix.SYS_CLOSE, 1<<20)
	made := new([2]int32)
	c.Add("pipe", unix.SYS_PIPE2, c.Pointer(unsafe.Pointer(made)), 0)
	err := c.Run()
	if !errors.Is(err, unix.EBADF) || err.Error() != "close nothing: bad file descriptor" {
		t.Errorf("%v", err)
	}
	if made[1] != 0 {
		t.Error("calls after the one that failed were made")
	}
}

// underFilter ends: by an error that a filter makes, or by exit_group.
func underFilter(denied string) {
	runtime.LockOSThread()
	nr := map[string]uint32{"futex": unix.SYS_FUTEX, "getpid": unix.SYS_GETPID, "exit_group": unix.SYS_EXIT_GROUP}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}}
	for _, name := range strings.Split(denied, ",") {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: nr[name]},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	prog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	c := Calls{Sock: -1}
	c.Add("prctl", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	c.Add("seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, c.Pointer(unsafe.Pointer(prog))).Filters()
	// Long enough for the Go runtime to want the thread for something else.
	c.Add("sleep", unix.SYS_NANOSLEEP, c.Pointer(unsafe.Pointer(&unix.Timespec{Nsec: 30e6})), 0)
	c.Add("ask for the pid", unix.SYS_GETPID)
	c.Add("exit", unix.SYS_EXIT_GROUP, 7)
	panic(c.Run())
}

func TestUnderFilter(t *testing.T) {
	for _, tc := range []struct {
		denied, want string
		status       int
	}{
		{"futex", "", 7},
		{"getpid", "ask for the pid: operation not permitted" + hint + "\n", exitUntold},
		{"futex,getpid", "ask for the pid: operation not permitted" + hint + "\n", exitUntold},
		// By SIGSEGV, without a word of the Go runtime's.
		{"exit_group", "exit: operation not permitted" + hint + "\n", -1},
	} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{filterEnv + "=" + tc.denied}
		out, _ := cmd.CombinedOutput()
		if string(out) != tc.want || cmd.ProcessState.ExitCode() != tc.status {
			t.Errorf("%s: %s, said %q", tc.denied, cmd.ProcessState, out)
		}
	}
}
