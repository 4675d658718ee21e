package seccomp

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// load reads a profile of the runtime-spec's form as specconv would, which
// cannot be used here: it uses this package.
func load(t testing.TB, path string) *configs.Seccomp {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var in specs.LinuxSeccomp
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	out := &configs.Seccomp{DefaultErrnoRet: in.DefaultErrnoRet}
	out.DefaultAction, err = ActionFromString(string(in.DefaultAction))
	must(err)
	for _, a := range in.Architectures {
		n, err := ArchFromString(string(a))
		must(err)
		out.Architectures = append(out.Architectures, n)
	}
	for _, c := range in.Syscalls {
		act, err := ActionFromString(string(c.Action))
		must(err)
		var args []*configs.Arg
		for _, a := range c.Args {
			op, err := OperatorFromString(string(a.Op))
			must(err)
			args = append(args, &configs.Arg{Index: a.Index, Value: a.Value, ValueTwo: a.ValueTwo, Op: op})
		}
		for _, n := range c.Names {
			out.Syscalls = append(out.Syscalls, &configs.Syscall{Name: n, Action: act, ErrnoRet: c.ErrnoRet, Args: args})
		}
	}
	return out
}

func everyAudit() []uint32 {
	list := []uint32{0, 0x1234, 0xffffffff}
	for i := range arches {
		list = append(list, arches[i].audit)
	}
	return list
}

func profiles(t testing.TB, n int, plain bool) []*configs.Seccomp {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	names := slices.Clone(syscallNames[:])
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	list := []*configs.Seccomp{load(t, "testdata/default.json")}
	for range n {
		list = append(list, randomProfile(r, names, plain))
	}
	return list
}

// many is how many random profiles a test tries: n, or as many times n as
// SECCOMP_TEST_FACTOR says.
func many(t *testing.T, n int) int {
	text := os.Getenv("SECCOMP_TEST_FACTOR")
	if text == "" {
		return n
	}
	factor, err := strconv.Atoi(text)
	if err != nil || factor < 1 {
		t.Fatalf("SECCOMP_TEST_FACTOR=%q", text)
	}
	return factor * n
}

// The program does what the rules say, on every architecture.
func TestProgramMatchesModel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	all := make([]string, len(arches))
	for i := range arches {
		all[i] = arches[i].name
	}
	for i, s := range profiles(t, many(t, 10), false) {
		names := archNames(s)
		big := i%5 == 4
		if i%3 == 2 {
			names = all
		}
		code, err := compile(s, names, big)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(code); err != nil && len(code) <= maxInstructions {
			t.Fatal(err)
		}
		bad := 0
		audits := []uint32{0x1234, auditX8664, 0x40000003, arches[i%len(arches)].audit}
		samples(s, r, audits, func(d *data) {
			got, _, err := interpret(code, d, big)
			if err != nil {
				t.Fatal(err)
			}
			if want := model(s, names, d); got != want && bad < 5 {
				bad++
				t.Errorf("profile %d on %v: %+v: %#x, want %#x", i, names, *d, got, want)
			}
		})
	}
}

// Where an argument is compared by order more than once, libseccomp 2.5.4 loses
// rules: of argument <= 2^62 and argument <= 6, each a rule of its own, it finds
// neither for 2^32-1. Ours are those of the profile.
func TestOrderTwice(t *testing.T) {
	s := &configs.Seccomp{DefaultAction: configs.Allow}
	for _, v := range []uint64{1 << 62, 6} {
		s.Syscalls = append(s.Syscalls, &configs.Syscall{Name: "seccomp", Action: configs.Kill, Args: []*configs.Arg{{Index: 2, Op: configs.LessThanOrEqualTo, Value: v}}})
	}
	code, err := compile(s, []string{"amd64"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for v, want := range map[uint64]uint32{0: retKillThread, 1<<32 - 1: retKillThread, 1 << 62: retKillThread, 1<<62 + 1: retAllow} {
		if got, _, err := interpret(code, &data{317, auditX8664, [6]uint64{2: v}}, false); err != nil || got != want {
			t.Errorf("%#x: %#x (%v), want %#x", v, got, err, want)
		}
	}
}

// Each action and operator, by hand.
func TestDecisions(t *testing.T) {
	e7 := uint(7)
	call := func(name string, a configs.Action, args ...*configs.Arg) *configs.Syscall {
		return &configs.Syscall{Name: name, Action: a, Args: args}
	}
	arg := func(i uint, op configs.Operator, v ...uint64) *configs.Arg {
		a := &configs.Arg{Index: i, Op: op, Value: v[0]}
		if len(v) > 1 {
			a.ValueTwo = v[1]
		}
		return a
	}
	const amd64, i386 = auditX8664, 0x40000003
	for _, tc := range []struct {
		what  string
		def   configs.Action
		arch  []string
		rules []*configs.Syscall
		at    data
		want  uint32
	}{
		{"default", configs.Errno, nil, []*configs.Syscall{call("tee", configs.Allow)}, data{nr: 0, arch: amd64}, 0x50001},
		{"newer than all that are named", configs.Errno, nil, []*configs.Syscall{call("read", configs.Allow)}, data{nr: 1, arch: amd64}, 0x50026},
		{"the same, but all is allowed", configs.Allow, nil, []*configs.Syscall{call("read", configs.Errno)}, data{nr: 1, arch: amd64}, retAllow},
		{"the same, but all is logged", configs.Log, nil, []*configs.Syscall{call("read", configs.Errno)}, data{nr: 1, arch: amd64}, retLog},
		{"the same, but all is traced", configs.Trace, nil, []*configs.Syscall{call("read", configs.Errno)}, data{nr: 1, arch: amd64}, retTrace | 1},
		{"the same, killed", configs.KillProcess, nil, []*configs.Syscall{call("read", configs.Errno)}, data{nr: 1, arch: amd64}, 0x50026},
		{"errno", configs.Allow, nil, []*configs.Syscall{{Name: "read", Action: configs.Errno, ErrnoRet: &e7}}, data{arch: amd64}, 0x50007},
		{"trace", configs.Allow, nil, []*configs.Syscall{{Name: "read", Action: configs.Trace, ErrnoRet: &e7}}, data{arch: amd64}, 0x7ff00007},
		{"kill", configs.Allow, nil, []*configs.Syscall{call("read", configs.Kill)}, data{arch: amd64}, 0},
		{"kill process", configs.Allow, nil, []*configs.Syscall{call("read", configs.KillProcess)}, data{arch: amd64}, 0x80000000},
		{"trap", configs.Allow, nil, []*configs.Syscall{call("read", configs.Trap)}, data{arch: amd64}, 0x30000},
		{"log", configs.Allow, nil, []*configs.Syscall{call("read", configs.Log)}, data{arch: amd64}, 0x7ffc0000},
		{"notify", configs.Allow, nil, []*configs.Syscall{call("read", configs.Notify)}, data{arch: amd64}, 0x7fc00000},
		{"unknown name", configs.Allow, nil, []*configs.Syscall{call("no_such_call", configs.Kill)}, data{arch: amd64}, retAllow},
		{"other architecture", configs.Allow, nil, nil, data{arch: i386}, retKillThread},
		{"x32 not named", configs.Allow, nil, nil, data{nr: x32Bit, arch: amd64}, retKillThread},
		{"x32 named", configs.Allow, []string{"x32"}, nil, data{nr: x32Bit, arch: amd64}, retAllow},
		{"the tracer's -1", configs.Allow, nil, nil, data{nr: 1<<32 - 1, arch: amd64}, retAllow},
		{"the first without conditions", configs.Kill, nil, []*configs.Syscall{call("read", configs.Log), call("read", configs.Allow), call("tee", configs.Allow)}, data{arch: amd64}, retLog},
		{"without conditions before with", configs.Kill, nil, []*configs.Syscall{call("read", configs.Log, arg(0, configs.EqualTo, 0)), call("read", configs.Allow)}, data{arch: amd64}, retAllow},
		{"same argument twice", configs.Errno, nil, []*configs.Syscall{call("read", configs.Allow, arg(0, configs.GreaterThan, 5), arg(0, configs.LessThan, 3))}, data{arch: amd64, args: [6]uint64{9}}, retAllow},
		{"two arguments", configs.Errno, nil, []*configs.Syscall{call("read", configs.Allow, arg(0, configs.GreaterThan, 5), arg(1, configs.LessThan, 3))}, data{arch: amd64, args: [6]uint64{9, 3}}, 0x50001},
		{"masked", configs.Errno, nil, []*configs.Syscall{call("read", configs.Allow, arg(5, configs.MaskEqualTo, 0xff00000000, 0x1100000000))}, data{arch: amd64, args: [6]uint64{5: 0xaa11bbbbbbbb}}, retAllow},
		{"high word", configs.Errno, nil, []*configs.Syscall{call("read", configs.Allow, arg(0, configs.EqualTo, 5))}, data{arch: amd64, args: [6]uint64{1<<32 + 5}}, 0x50001},
		{"high word on 32 bits", configs.Errno, []string{"x86"}, []*configs.Syscall{call("read", configs.Allow, arg(0, configs.EqualTo, 1<<64-1))}, data{nr: 3, arch: i386, args: [6]uint64{1<<32 - 1}}, retAllow},
		{"socketcall", configs.Errno, []string{"x86"}, []*configs.Syscall{call("connect", configs.Allow)}, data{nr: 102, arch: i386, args: [6]uint64{3}}, retAllow},
		{"another socketcall", configs.Errno, []string{"x86"}, []*configs.Syscall{call("connect", configs.Allow)}, data{nr: 102, arch: i386, args: [6]uint64{2}}, 0x50001},
		{"ipc", configs.Errno, []string{"x86"}, []*configs.Syscall{call("shmat", configs.Allow)}, data{nr: 117, arch: i386, args: [6]uint64{21}}, retAllow},
	} {
		s := &configs.Seccomp{DefaultAction: tc.def, Architectures: tc.arch, Syscalls: tc.rules}
		code, err := compile(s, archNames(s), false)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := interpret(code, &tc.at, false); err != nil || got != tc.want {
			t.Errorf("%s: %#x (%v), want %#x", tc.what, got, err, tc.want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	s := &configs.Seccomp{DefaultAction: configs.Errno}
	for i := range uint64(3000) {
		s.Syscalls = append(s.Syscalls, &configs.Syscall{Name: "read", Action: configs.Allow, Args: []*configs.Arg{{Op: configs.EqualTo, Value: i << 16}}})
	}
	if _, err := Compile(s); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "4096") {
		t.Errorf("%v", err)
	}
	s.Syscalls = s.Syscalls[:900]
	p, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	accepted(t, decode(p.Filter))
}

func TestBadRules(t *testing.T) {
	for _, s := range []*configs.Seccomp{
		{},
		{DefaultAction: configs.Allow, Flags: []string{"NO"}},
		{DefaultAction: configs.Allow, Architectures: []string{"vax"}},
		{DefaultAction: configs.Allow, Syscalls: []*configs.Syscall{{Name: "read", Action: 77}}},
		{DefaultAction: configs.Allow, Syscalls: []*configs.Syscall{{Name: "read", Action: configs.Kill, Args: []*configs.Arg{{Index: 6, Op: configs.EqualTo}}}}},
		{DefaultAction: configs.Allow, Syscalls: []*configs.Syscall{{Name: "read", Action: configs.Kill, Args: []*configs.Arg{{Op: 99}}}}},
	} {
		if p, err := Compile(s); err == nil {
			t.Errorf("%+v: compiled to %d bytes", s, len(p.Filter))
		}
	}
}

// accepted has the kernel check a program, with every return made an ALLOW, on
// a thread that ends afterwards.
func accepted(t testing.TB, code []instruction) {
	t.Helper()
	code = slices.Clone(code)
	for i := range code {
		if code[i].code == retK {
			code[i].k = retAllow
		}
	}
	b := encode(code)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread goes with the goroutine
		prog := unix.SockFprog{Len: uint16(len(code)), Filter: (*unix.SockFilter)(unsafe.Pointer(&b[0]))}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			done <- err
			return
		}
		_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
		runtime.KeepAlive(b)
		if errno != 0 {
			done <- errno
			return
		}
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatalf("the kernel does not take it: %v (%d instructions)", err, len(code))
	}
}

func TestKernelTakesIt(t *testing.T) {
	for _, s := range profiles(t, 50, false) {
		p, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		accepted(t, decode(p.Filter))
	}
}

// The names of old and new syscalls, against what everybody knows.
func TestNumbers(t *testing.T) {
	if !slices.IsSorted(syscallNames[:]) {
		t.Error("names are not sorted")
	}
	for _, tc := range []struct {
		arch, name string
		want       int32
	}{
		{"amd64", "read", 0}, {"amd64", "execve", 59}, {"amd64", "mseal", 462}, {"amd64", "socketcall", -1},
		{"x86", "read", 3}, {"x86", "socketcall", 102}, {"x86", "mseal", 462},
		{"x32", "read", x32Bit}, {"x32", "execve", x32Bit + 520}, {"x32", "mseal", x32Bit + 462},
		{"arm64", "read", 63}, {"arm64", "newfstatat", 79}, {"arm64", "fork", -1},
		{"arm", "read", 3}, {"arm", "set_tls", 983045}, {"arm", "arm_fadvise64_64", 270},
		{"mips", "read", 4003}, {"mips64", "read", 5000}, {"mips64n32", "read", 6000}, {"mips64n32", "mseal", 6462},
		{"ppc64le", "read", 3}, {"ppc", "_llseek", 140}, {"riscv64", "riscv_flush_icache", 259}, {"riscv64", "riscv_hwprobe", 258},
		{"s390x", "read", 3}, {"s390", "getuid", 24}, {"s390x", "getuid", 199}, {"loong64", "read", 63}, {"loong64", "mseal", 462},
	} {
		i := nameIndex(tc.name)
		if i < 0 {
			t.Errorf("no %s", tc.name)
			continue
		}
		if got := archByName(tc.arch).numbers[i]; got != tc.want {
			t.Errorf("%s on %s: %d, want %d", tc.name, tc.arch, got, tc.want)
		}
	}
	// The machine's own, as the Go library has them.
	if runtime.GOARCH == "amd64" {
		for name, nr := range map[string]int32{"openat2": unix.SYS_OPENAT2, "setns": unix.SYS_SETNS, "futex_waitv": unix.SYS_FUTEX_WAITV} {
			if got := nrAmd64[nameIndex(name)]; got != nr {
				t.Errorf("%s: %d, want %d", name, got, nr)
			}
		}
	}
}

// What the kernel's cache of allowed syscalls needs: nothing but arch and nr
// is looked at for a syscall without conditions.
func TestAllowedIsConstant(t *testing.T) {
	s := load(t, "testdata/default.json")
	code, err := compile(s, archNames(s), false)
	if err != nil {
		t.Fatal(err)
	}
	conditional := map[string]bool{}
	for _, c := range s.Syscalls {
		conditional[c.Name] = conditional[c.Name] || len(c.Args) > 0
	}
	seen := 0
	for i, name := range syscallNames {
		nr := nrAmd64[i]
		if nr < 0 || conditional[name] {
			continue
		}
		ret, constant, err := interpret(code, &data{nr: uint32(nr), arch: auditX8664}, false)
		if err != nil || !constant {
			t.Errorf("%s: constant %v, %v", name, constant, err)
		}
		if ret == retAllow {
			seen++
		}
	}
	if seen < 200 {
		t.Errorf("only %d syscalls allowed", seen)
	}
}

func BenchmarkCompileDefault(b *testing.B) {
	s := load(b, "testdata/default.json")
	n := 0
	for b.Loop() {
		p, err := Compile(s)
		if err != nil {
			b.Fatal(err)
		}
		n = len(p.Filter) / 8
	}
	b.ReportMetric(float64(n), "instructions")
}
