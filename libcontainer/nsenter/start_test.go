package nsenter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// The test binary is also what the plans execute: it then says who it is.
func TestMain(m *testing.M) {
	if v := os.Getenv(RelayEnv); v != "" {
		fmt.Fprintln(os.Stderr, Relay(v))
		os.Exit(1)
	}
	if len(os.Args) == 2 && os.Args[1] == "show" {
		show()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func show() {
	for _, t := range configs.NamespaceTypes() {
		l, _ := os.Readlink("/proc/self/ns/" + configs.NsName(t))
		fmt.Printf("%s %s\n", configs.NsName(t), l)
	}
	fmt.Printf("ids %d %d\n", os.Getuid(), os.Getegid())
	dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	fmt.Printf("dumpable %d\n", dumpable)
	fmt.Printf("env %q\n", os.Environ())
	b, _ := os.ReadFile("/proc/self/timens_offsets")
	fmt.Printf("offsets %q\n", b)
	fmt.Printf("fds %v\n", inheritable())
}

// inheritable are the open fds without close-on-exec: in what was executed,
// those that it was given.
func inheritable() []int {
	var list []int
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		fd, _ := strconv.Atoi(e.Name())
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			list = append(list, fd)
		}
	}
	slices.Sort(list)
	return list
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making namespaces other than a user namespace needs root")
	}
}

type result struct {
	lines  map[string]string
	status unix.WaitStatus
}

// perform carries the plan out with the test binary as what is executed.
func perform(t testing.TB, p *Plan) (*result, error) {
	t.Helper()
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p.Exec = &Exec{File: exe, Argv: []string{"test", "show"}, Env: []string{"A=b"}}
	p.Sealed = exe
	p.Files = append([]*os.File{nil, w, os.Stderr}, p.Files...)
	c, err := p.Start()
	w.Close()
	if err != nil {
		return nil, err
	}
	defer c.PidFD.Close()
	defer c.Conn.Close()
	if err := c.Executed(); err != nil {
		unix.Wait4(c.Pid, nil, 0, nil)
		return nil, err
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	res := &result{lines: map[string]string{}}
	if _, err := unix.Wait4(c.Pid, &res.status, 0, nil); err != nil {
		t.Fatalf("the child is not ours: %v", err)
	}
	for _, l := range strings.Split(string(out), "\n") {
		k, v, _ := strings.Cut(l, " ")
		res.lines[k] = v
	}
	if res.status.ExitStatus() != 0 {
		t.Fatalf("status %#x, said %q", res.status, out)
	}
	return res, nil
}

var rootMap = []configs.IDMap{{ContainerID: 0, HostID: 100000, Size: 1000}}

func own(t testing.TB, kind string) string {
	t.Helper()
	l, err := os.Readlink("/proc/self/ns/" + kind)
	if err != nil {
		t.Skipf("the kernel has no %s namespaces", kind)
	}
	return l
}

func TestEachNamespaceIsNew(t *testing.T) {
	needRoot(t)
	for _, k := range configs.NamespaceTypes() {
		if k == configs.NEWCGROUP {
			continue
		}
		t.Run(configs.NsName(k), func(t *testing.T) {
			was := own(t, configs.NsName(k))
			p := &Plan{New: k.CloneFlag()}
			if k == configs.NEWUSER {
				p.MapIDs = func(pid int) error { return WriteMaps(pid, rootMap, rootMap) }
				p.BecomeRoot = true
			}
			r, err := perform(t, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range configs.NamespaceTypes() {
				n := configs.NsName(other)
				if is := r.lines[n]; (is == own(t, n)) == (other == k) {
					t.Errorf("%s namespace: %s, ours %s", n, is, was)
				}
			}
		})
	}
}

func TestAllNamespacesAtOnceAndDumpableNever(t *testing.T) {
	t.Run("stub", func(t *testing.T) { testAllNamespaces(t, false) })
	t.Run("relay", func(t *testing.T) { testAllNamespaces(t, true) })
}

func testAllNamespaces(t *testing.T, noStub bool) {
	needRoot(t)
	all := uintptr(unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWTIME)
	for _, flags := range []uintptr{0, all &^ (unix.CLONE_NEWUSER | unix.CLONE_NEWTIME), all} {
		p := &Plan{New: flags, NoStub: noStub, BecomeRoot: flags&unix.CLONE_NEWUSER != 0,
			MapIDs: func(pid int) error { return WriteMaps(pid, rootMap, rootMap) }}
		if flags&unix.CLONE_NEWTIME != 0 {
			p.TimeOffsets = "monotonic 100 5\nboottime 7 0\n"
		}
		r, err := perform(t, p)
		if err != nil {
			t.Fatalf("%s: %v", flagNames(flags), err)
		}
		if r.lines["dumpable"] == "1" {
			t.Errorf("%s: dumpable after exec", flagNames(flags))
		}
		if r.lines["ids"] != "0 0" {
			t.Errorf("ids %q", r.lines["ids"])
		}
		if p.TimeOffsets != "" && !strings.Contains(r.lines["offsets"], "100") {
			t.Errorf("offsets %s", r.lines["offsets"])
		}
		// Go takes differing ids for a set-user-ID program and mutes itself.
		if !strings.HasPrefix(r.lines["env"], `["A=b"`) {
			t.Errorf("env %s", r.lines["env"])
		}
		// Files of the caller without close-on-exec are not the process's. (The
		// Go runtime opens the missing stdin.)
		if r.lines["fds"] != "[0 1 2]" {
			t.Errorf("fds %s, want [0 1 2]", r.lines["fds"])
		}
	}
}

// waiting is a child that stays in its namespaces until the test is over.
func waiting(t *testing.T, p *Plan) *Child {
	t.Helper()
	sleep, err := os.Open("/bin/sleep")
	if err != nil {
		t.Skip(err)
	}
	defer sleep.Close()
	p.Exec = &Exec{File: sleep, Argv: []string{"sleep", "100"}}
	c, err := p.Start()
	if err == nil {
		err = c.Executed()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.PidfdSendSignal(int(c.PidFD.Fd()), unix.SIGKILL, nil, 0)
		unix.Wait4(c.Pid, nil, 0, nil)
		c.PidFD.Close()
		c.Conn.Close()
	})
	return c
}

func TestJoinByPidfdAndByPath(t *testing.T) {
	needRoot(t)
	flags := uintptr(unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS)
	for _, with := range []uintptr{flags, flags &^ unix.CLONE_NEWUSER} {
		c := waiting(t, &Plan{New: with, BecomeRoot: with&unix.CLONE_NEWUSER != 0,
			MapIDs: func(pid int) error { return WriteMaps(pid, rootMap, rootMap) }})
		var byPath []Join
		want := map[string]string{}
		for _, k := range configs.NamespaceTypes() {
			if k.CloneFlag()&with == 0 {
				continue
			}
			path := fmt.Sprintf("/proc/%d/ns/%s", c.Pid, configs.NsName(k))
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			// Not in order: the plan has to know it.
			byPath = append([]Join{{k.CloneFlag(), f}}, byPath...)
			want[configs.NsName(k)], _ = os.Readlink(path)
		}
		for how, joins := range map[string][]Join{"pidfd": {{with, c.PidFD}}, "paths": byPath, "pidfd and relay": {{with, c.PidFD}}} {
			r, err := perform(t, &Plan{Join: joins, NoStub: strings.Contains(how, "relay"), BecomeRoot: with&unix.CLONE_NEWUSER != 0})
			if err != nil {
				t.Fatalf("%s: %v", how, err)
			}
			for n, l := range want {
				if r.lines[n] != l && n != "mnt" || r.lines[n] == "" && n == "mnt" {
					t.Errorf("by %s: %s namespace is %q, not %q", how, n, r.lines[n], l)
				}
			}
			if r.lines["dumpable"] == "1" {
				t.Errorf("by %s: dumpable after exec", how)
			}
		}
	}
}

func TestFailuresNameTheStepAndLeaveNoChild(t *testing.T) {
	needRoot(t)
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	boom := errors.New("boom")
	for _, tt := range []struct {
		name, want string
		plan       *Plan
	}{
		{"join", "join network namespace: invalid argument", &Plan{Join: []Join{{unix.CLONE_NEWNET, null}}}},
		{"maps", "boom", &Plan{New: unix.CLONE_NEWUSER, MapIDs: func(int) error { return boom }}},
		{"exec", "exec init: permission denied", &Plan{Exec: &Exec{File: null}}},
		{"offsets", "time namespace (config.json: linux.timeOffsets): write timens_offsets: invalid argument", &Plan{New: unix.CLONE_NEWTIME, TimeOffsets: "nonsense 1 1\n"}},
		{"cgroup", ErrIntoCgroup.Error(), &Plan{Cgroup: null}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.plan.Exec == nil {
				exe, err := os.Open("/proc/self/exe")
				if err != nil {
					t.Fatal(err)
				}
				defer exe.Close()
				tt.plan.Exec = &Exec{File: exe}
			}
			tt.plan.Exec.Argv = []string{"x"}
			c, err := tt.plan.Start()
			if err == nil {
				err = c.Executed()
				unix.Wait4(c.Pid, nil, 0, nil)
				c.PidFD.Close()
				c.Conn.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
				t.Errorf("a child is left: %d, %v", pid, err)
			}
		})
	}
}

func TestFilesLandWhereThePlanHasThem(t *testing.T) {
	// In every order against their own numbers, the pipes included.
	var files []*os.File
	for i := range 12 {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprintf(f, "file %d", i)
		files = append(files, f)
	}
	cat, err := os.Open("/bin/cat")
	if err != nil {
		t.Skip(err)
	}
	defer cat.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	plan := &Plan{Exec: &Exec{File: cat, Argv: []string{"cat", "/dev/fd/3", "/dev/fd/9", "/dev/fd/14"}}, Files: []*os.File{nil, w, os.Stderr}}
	for i := range files {
		plan.Files = append(plan.Files, files[len(files)-1-i])
	}
	c, err := plan.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer c.PidFD.Close()
	defer c.Conn.Close()
	if err := c.Executed(); err != nil {
		t.Error(err)
	}
	w.Close()
	var out bytes.Buffer
	io.Copy(&out, r)
	unix.Wait4(c.Pid, nil, 0, nil)
	if out.String() != "file 11file 5file 0" {
		t.Errorf("%q", out.String())
	}
}

func TestSignalsIgnoredByTheCallerAreNotIgnoredInside(t *testing.T) {
	needRoot(t)
	signal.Ignore(unix.SIGHUP, unix.SIGINT)
	defer signal.Reset(unix.SIGHUP, unix.SIGINT)
	grep, err := os.Open("/bin/grep")
	if err != nil {
		t.Skip(err)
	}
	defer grep.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := &Plan{Exec: &Exec{File: grep, Argv: []string{"grep", "SigIgn", "/proc/self/status"}}, Files: []*os.File{nil, w, os.Stderr}}
	c, err := p.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer c.PidFD.Close()
	defer c.Conn.Close()
	if err := c.Executed(); err != nil {
		t.Fatal(err)
	}
	out, _ := io.ReadAll(r)
	unix.Wait4(c.Pid, nil, 0, nil)
	// HUP and INT are the two lowest bits; others may come from whoever
	// started the tests.
	_, mask, _ := strings.Cut(strings.TrimSpace(string(out)), "\t")
	if n, err := strconv.ParseUint(mask, 16, 64); err != nil || n&3 != 0 {
		t.Errorf("%s", out)
	}
}

func TestManyStartsLeakNothing(t *testing.T) {
	needRoot(t)
	count := func() int {
		e, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(e)
	}
	was := count()
	for range 100 {
		if _, err := perform(t, &Plan{New: unix.CLONE_NEWUTS}); err != nil {
			t.Fatal(err)
		}
	}
	if is := count(); is > was {
		t.Errorf("%d fds, before %d", is, was)
	}
}

func TestNewUserNS(t *testing.T) {
	needRoot(t)
	f, err := NewUserNS(rootMap, rootMap)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if k, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_NSTYPE); err != nil || k != unix.CLONE_NEWUSER {
		t.Errorf("%#x, %v", k, err)
	}
}

func BenchmarkStart(b *testing.B) {
	needRoot(b)
	exe, err := os.Open("/bin/true")
	if err != nil {
		b.Fatal(err)
	}
	defer exe.Close()
	for b.Loop() {
		p := &Plan{New: unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID, Exec: &Exec{File: exe, Argv: []string{"true"}}, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}}
		c, err := p.Start()
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Executed(); err != nil {
			b.Fatal(err)
		}
		unix.Wait4(c.Pid, nil, 0, nil)
		c.PidFD.Close()
		c.Conn.Close()
	}
}
