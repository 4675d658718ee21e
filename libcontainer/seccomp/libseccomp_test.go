package seccomp

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"

	"runc/libcontainer/configs"
)

const python = "/usr/bin/python3"

func needLibseccomp(t *testing.T) {
	if err := exec.Command(python, "-c", "import seccomp").Run(); err != nil {
		t.Skip("no libseccomp to compare with: Debian's python3-seccomp is not installed")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("testdata/libseccomp.py knows the architectures of amd64 only")
	}
}

// result is what testdata/libseccomp.py says of a profile.
type result struct {
	BPF     []byte           `json:"bpf"`
	Newest  map[string]int64 `json:"newest"`
	Unknown []string         `json:"unknown"`
}

func askLibseccomp(t *testing.T, list []*configs.Seccomp) []result {
	t.Helper()
	in, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/libseccomp.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var res []result
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	return res
}

// Debian's libseccomp decides the same.
func TestSameAsLibseccomp(t *testing.T) {
	needLibseccomp(t)
	list := profiles(t, many(t, 60), true)
	ask := func(list []*configs.Seccomp) []result { return askLibseccomp(t, list) }
	// First what this libseccomp does not know: it is older than the tables.
	unknown := map[string]bool{}
	for _, r := range ask(list) {
		for _, u := range r.Unknown {
			unknown[u] = true
		}
	}
	for _, s := range list {
		s.Syscalls = slices.DeleteFunc(s.Syscalls, func(c *configs.Syscall) bool { return unknown[c.Name] })
	}
	r := rand.New(rand.NewPCG(3, 3))
	points, bad, instructions := 0, 0, [2]int{}
	for i, res := range ask(list) {
		s := list[i]
		names := archNames(s)
		ours, err := compile(s, names, false)
		if err != nil {
			t.Fatal(err)
		}
		theirs := decode(res.BPF)
		instructions[0], instructions[1] = instructions[0]+len(ours), instructions[1]+len(theirs)
		audits := everyAudit()
		if i > 0 {
			audits = []uint32{auditX8664, 0x40000003, audits[i%len(audits)]}
		}
		samples(s, r, audits, func(d *data) {
			points++
			got, constant, err := interpret(ours, d, false)
			if err != nil {
				t.Fatal(err)
			}
			want, theirConstant, err := interpret(theirs, d, false)
			if err != nil {
				t.Fatal(err)
			}
			// The rule for new syscalls is not libseccomp's but runc's.
			if fails(s.DefaultAction) {
				a := ""
				for _, n := range names {
					if k := archByName(n); k.audit == d.arch && (n == "x32") == (k.audit == auditX8664 && d.nr >= x32Bit) {
						a = n
					}
				}
				top, ok := res.Newest[a]
				if a == "x86" {
					// What is behind socketcall or ipc as well has no number to
					// libseccomp there; 359 for socket(2) is one all the same.
					if k := newest(newProfile(s), archByName(a)); k > top {
						top, ok = k, true
					}
				}
				if a != "" && ok && int64(d.nr) > top {
					want, theirConstant = retErrno|38, true
				}
			}
			if got != want && bad < 10 {
				bad++
				t.Errorf("profile %d: %+v: %#x, libseccomp %#x; rules: %s", i, *d, got, want, rulesOf(s, d))
			}
			if theirConstant && !constant && bad < 10 {
				bad++
				t.Errorf("profile %d: %+v looks at arguments, libseccomp does not; rules: %s", i, *d, rulesOf(s, d))
			}
		})
	}
	t.Logf("%d profiles, %d points, %d syscalls unknown to libseccomp left out; instructions: ours %d, libseccomp %d",
		len(list), points, len(unknown), instructions[0], instructions[1])
}

// rulesOf are those that may concern a number.
func rulesOf(s *configs.Seccomp, d *data) string {
	var list []*configs.Syscall
	for _, c := range s.Syscalls {
		i := nameIndex(c.Name)
		for a := range arches {
			if i >= 0 && arches[a].audit == d.arch && uint32(arches[a].numbers[i]) == d.nr {
				list = append(list, c)
			}
		}
		if m, _ := multiplexer(c.Name); m != "" && (d.nr == 102 || d.nr == 117) {
			list = append(list, c)
		}
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Of two rules with another action each and one condition each, both of which
// hold, the same decides as with Debian's libseccomp, where the argument has no
// more than 32 bits: it compares the halves of others one by one, in an order
// that depends on what halves the two have in common.
func TestOverlapSameAsLibseccomp(t *testing.T) {
	needLibseccomp(t)
	r := rand.New(rand.NewPCG(5, 5))
	value := func() uint64 {
		if r.IntN(8) == 0 {
			return 1<<32 + uint64(r.IntN(8))
		}
		return uint64(r.IntN(8))
	}
	// Names that both know, and no newer ones.
	names := []string{"personality", "prctl", "ioctl", "fcntl", "madvise", "prlimit64", "clone", "unshare"}
	var list []*configs.Seccomp
	for range many(t, 150) {
		s := &configs.Seccomp{DefaultAction: configs.Allow, Architectures: []string{"amd64", "x86", "x32"}}
		for _, name := range names {
			first := configs.Arg{Index: uint(r.IntN(3)), Op: configs.Operator(1 + r.IntN(6)), Value: value()}
			second := configs.Arg{Index: uint(r.IntN(3)), Op: configs.Operator(1 + r.IntN(6)), Value: value()}
			if first.Index == second.Index && (first.Value == second.Value || uint32(first.Value) == uint32(second.Value)) {
				// Which libseccomp may refuse.
				second.Index = 3
			}
			if first.Index == second.Index {
				// See TestOrderTwice.
				first.Value, second.Value = uint64(uint32(first.Value)), uint64(uint32(second.Value))
			}
			for i, a := range []configs.Arg{first, second} {
				e := uint(10 + i)
				s.Syscalls = append(s.Syscalls, &configs.Syscall{Name: name, Action: configs.Errno, ErrnoRet: &e, Args: []*configs.Arg{&a}})
			}
		}
		list = append(list, s)
	}
	points, bad := 0, 0
	for i, res := range askLibseccomp(t, list) {
		s := list[i]
		ours, err := compile(s, archNames(s), false)
		if err != nil {
			t.Fatal(err)
		}
		theirs := decode(res.BPF)
		samples(s, r, []uint32{auditX8664, 0x40000003}, func(d *data) {
			for _, a := range d.args {
				if a>>32 != 0 {
					return
				}
			}
			points++
			got, _, err := interpret(ours, d, false)
			if err != nil {
				t.Fatal(err)
			}
			want, _, err := interpret(theirs, d, false)
			if err != nil {
				t.Fatal(err)
			}
			if got != want && bad < 10 {
				bad++
				t.Errorf("profile %d: %+v: %#x, libseccomp %#x; rules: %s", i, *d, got, want, rulesOf(s, d))
			}
		})
	}
	t.Logf("%d profiles, %d points", len(list), points)
}
