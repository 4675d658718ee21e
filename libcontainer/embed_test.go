package libcontainer_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
	"runc/libcontainer/specconv"
)

// ofProcess is what of a program that embeds the library could be changed as a
// whole.
func ofProcess() string {
	var b strings.Builder
	for n := unix.RLIMIT_CPU; n <= unix.RLIMIT_RTTIME; n++ {
		var l unix.Rlimit
		check(unix.Getrlimit(n, &l))
		fmt.Fprintln(&b, "limit", n, l)
	}
	fmt.Fprintln(&b, "dumpable", must(unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)))
	fmt.Fprintln(&b, "folders", must(os.Readlink("/proc/self/cwd")), must(os.Readlink("/proc/self/root")))
	for _, f := range []string{"cgroup", "oom_score_adj"} {
		fmt.Fprintf(&b, "%s %s\n", f, must(os.ReadFile("/proc/self/"+f)))
	}
	return b.String()
}

// ofThread is what of a thread could be, "" for one that has ended.
func ofThread(dir string) string {
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(string(status)) {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Umask", "Uid", "Gid", "Groups", "SigBlk", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Cpus_allowed":
			b.WriteString(line)
		}
	}
	for _, ns := range []string{"cgroup", "ipc", "mnt", "net", "pid_for_children", "time_for_children", "user", "uts"} {
		link, err := os.Readlink(dir + "/ns/" + ns)
		if err != nil {
			return ""
		}
		fmt.Fprintln(&b, ns, link)
	}
	return b.String()
}

// changed lists the threads that are not as they should be.
func changed(want string) []string {
	var list []string
	for _, e := range must(os.ReadDir("/proc/self/task")) {
		if got := ofThread("/proc/self/task/" + e.Name()); got != "" && got != want {
			list = append(list, e.Name()+":\n"+got)
		}
	}
	return list
}

// Nothing of the program that embeds the library is changed by a container's
// life, nor is anything left in it: no thread, no file, no child, no limit.
func TestTheEmbeddingProgramStaysAsItIs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	// The kernel sends Pdeathsig when the thread that has made the child ends, and
	// libcontainer ends threads that have entered other namespaces.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	other := exec.Command("sleep", "100")
	other.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWUTS}
	if err := other.Start(); err != nil {
		t.Skip("no namespaces here:", err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	before, thread := ofProcess(), ofThread("/proc/thread-self")
	limit := must(exec.Command("sh", "-c", "ulimit -Sn").Output())
	for name, change := range map[string]func(*specs.Spec){
		"plain": func(*specs.Spec) {},
		"user namespace": func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 0, Size: 1000}}
			s.Linux.GIDMappings = s.Linux.UIDMappings
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/bound", Type: "bind", Source: "/usr", Options: []string{"bind", "ro"}})
		},
		"joined namespaces": func(s *specs.Spec) {
			for i := range s.Linux.Namespaces {
				switch ns := &s.Linux.Namespaces[i]; ns.Type {
				case specs.NetworkNamespace:
					ns.Path = fmt.Sprintf("/proc/%d/ns/net", other.Process.Pid)
				case specs.UTSNamespace:
					ns.Path = fmt.Sprintf("/proc/%d/ns/uts", other.Process.Pid)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			check(os.Chmod(dir, 0o755))
			spec := specconv.Example()
			spec.Root.Path = must(bundle(dir))
			change(spec)
			// Go's own poller has files, from its first use on.
			lead(t, dir, spec, string(limit))
			files := len(must(os.ReadDir("/proc/self/fd")))
			lead(t, dir, spec, string(limit))
			if after := ofProcess(); after != before {
				t.Errorf("it was\n%s\nand is\n%s", before, after)
			}
			// A thread that went elsewhere ends, but not at once.
			deadline := time.Now().Add(10 * time.Second)
			for len(changed(thread)) != 0 && time.Now().Before(deadline) {
				time.Sleep(10 * time.Millisecond)
			}
			if list := changed(thread); len(list) != 0 {
				t.Errorf("threads should be\n%s\nand are\n%s", thread, list)
			}
			if n := len(must(os.ReadDir("/proc/self/fd"))); n > files {
				t.Errorf("%d files are open, %d were", n, files)
			}
			for _, e := range must(os.ReadDir("/proc/self/task")) {
				children, _ := os.ReadFile("/proc/self/task/" + e.Name() + "/children")
				for _, pid := range bytes.Fields(children) {
					if string(pid) != fmt.Sprint(other.Process.Pid) {
						t.Errorf("child %s is left", pid)
					}
				}
			}
		})
	}
}

// lead leads a container through its life, and looks at the limit on open files
// that its processes have.
func lead(t *testing.T, dir string, spec *specs.Spec, limit string) {
	id := "embed-" + filepath.Base(dir) + fmt.Sprint(os.Getpid())
	config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{CgroupName: id, Spec: spec, UserNamespaceMaps: libcontainer.UserNamespaceMaps})
	if err != nil {
		t.Fatal(err)
	}
	config.Rlimits = nil
	c, err := libcontainer.Create(filepath.Join(dir, "state"), id, config)
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	defer func() {
		if !ended {
			_ = c.DestroyAll()
		}
	}()
	var first, second bytes.Buffer
	sh := func(script string, out *bytes.Buffer) *libcontainer.Process {
		return &libcontainer.Process{Args: []string{"/bin/busybox", "sh", "-c", script}, Cwd: "/", Stdout: out}
	}
	init := sh("ulimit -Sn; read x", &first)
	hold, release := must2(os.Pipe())
	defer release.Close()
	init.Init, init.Stdin = true, hold
	if err := c.Run(init); err != nil {
		t.Fatal(err)
	}
	hold.Close()
	exec := sh("ulimit -Sn", &second)
	if err := c.Run(exec); err != nil {
		t.Fatal(err)
	}
	if st, err := exec.Wait(); err != nil || st.ExitStatus() != 0 {
		t.Error(st, err)
	}
	release.Close()
	if _, err := init.Wait(); err != nil {
		t.Error(err)
	}
	if !slices.Equal([]string{first.String(), second.String()}, []string{limit, limit}) {
		t.Errorf("limits on open files are %q and %q, want %q", first.String(), second.String(), limit)
	}
	ended = true
	if err := c.Destroy(); err != nil {
		t.Error(err)
	}
}

func must2[A, B any](a A, b B, err error) (A, B) {
	check(err)
	return a, b
}
