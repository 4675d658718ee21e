package usernsmap

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// namespace starts a process in a new user namespace with these maps.
func namespace(t *testing.T, uids, gids []syscall.SysProcIDMap) int {
	t.Helper()
	cmd := exec.Command("sleep", "100")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: uids, GidMappings: gids, Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Skip("no user namespace with these maps can be made here:", err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd.Process.Pid
}

func TestRead(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	pid := namespace(t,
		[]syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}, {ContainerID: 5000, HostID: 200000, Size: 1}},
		[]syscall.SysProcIDMap{{ContainerID: 7, HostID: 100007, Size: 10}})
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	files := countFiles(t)
	for _, path := range []string{ns.Name(), fmt.Sprintf("/proc/self/fd/%d", ns.Fd())} {
		uids, gids, err := Read(path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if want := []configs.IDMap{{ContainerID: 0, HostID: 100000, Size: 1000}, {ContainerID: 5000, HostID: 200000, Size: 1}}; !reflect.DeepEqual(uids, want) {
			t.Errorf("%s: uids %v, want %v", path, uids, want)
		}
		if want := []configs.IDMap{{ContainerID: 7, HostID: 100007, Size: 10}}; !reflect.DeepEqual(gids, want) {
			t.Errorf("%s: gids %v, want %v", path, gids, want)
		}
	}
	if n := countFiles(t); n != files {
		t.Errorf("%d files are open, %d before", n, files)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL|unix.WNOTHREAD, nil); err != nil && err != unix.ECHILD {
		t.Error("a child is left:", err)
	}
}

func TestReadRefused(t *testing.T) {
	// setns(2): a process is not put into the user namespace that it is in.
	own, err := os.Open("/proc/self/ns/user")
	if err != nil {
		t.Skip("no user namespaces here")
	}
	defer own.Close()
	if _, _, err := Read(fmt.Sprintf("/proc/self/fd/%d", own.Fd())); err == nil || !strings.Contains(err.Error(), "join user namespace: invalid argument") {
		t.Error(err)
	}
	if _, _, err := Read("/proc/self/ns/net"); err == nil || !strings.Contains(err.Error(), "not a user namespace") {
		t.Error(err)
	}
}

func countFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
