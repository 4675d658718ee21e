package seccomp

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runc/libcontainer/configs"
	"strings"
	"testing"
)

// FuzzCompile: whatever the rules, the kernel takes the program, and it decides
// as the model does.
func FuzzCompile(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed.b, seed.n)
	}
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		s := fuzzed(b)
		all := make([]string, len(arches))
		for i := range arches {
			all[i] = arches[i].name
		}
		if _, err := Compile(s); err != nil {
			return
		}
		names := all[:1+int(seed%uint64(len(all)))]
		code, err := compile(s, names, seed&1<<63 != 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(code) > maxInstructions {
			return
		}
		if err := verify(code); err != nil {
			t.Fatal(err)
		}
		if seed%64 == 0 {
			accepted(t, code)
		}
		r := rand.New(rand.NewPCG(seed, 0))
		audits := everyAudit()
		for range 200 {
			d := &data{nr: uint32(r.IntN(500)), arch: audits[r.IntN(len(audits))]}
			if len(s.Syscalls) > 0 && r.IntN(4) > 0 {
				c := s.Syscalls[r.IntN(len(s.Syscalls))]
				a := &arches[r.IntN(len(names))]
				d.arch = a.audit
				if i := nameIndex(c.Name); i >= 0 {
					d.nr = uint32(a.numbers[i]) + uint32(r.IntN(2))
				}
				for _, g := range c.Args {
					d.args[g.Index] = g.Value + uint64(r.IntN(3)) - 1
				}
			}
			got, _, err := interpret(code, d, seed&1<<63 != 0)
			if err != nil {
				t.Fatal(err)
			}
			if want := model(s, names, d); got != want {
				t.Fatalf("%+v: %#x, want %#x", *d, got, want)
			}
		}
	})
}

// fuzzed makes rules of bytes.
func fuzzed(b []byte) *configs.Seccomp {
	next := func() uint64 {
		if len(b) == 0 {
			return 0
		}
		v := b[0]
		b = b[1:]
		return uint64(v)
	}
	wide := func() uint64 {
		v := uint64(0)
		for range next() % 9 {
			v = v<<8 | next()
		}
		return v
	}
	s := &configs.Seccomp{DefaultAction: configs.Action(next() % 11)}
	if n := next(); n%2 == 1 {
		e := uint(wide())
		s.DefaultErrnoRet = &e
	}
	for len(b) > 0 && len(s.Syscalls) < 2000 {
		c := &configs.Syscall{Name: syscallNames[(next()|next()<<8)%uint64(len(syscallNames))], Action: configs.Action(next() % 11)}
		k := next()
		if k&0x80 != 0 {
			e := uint(wide())
			c.ErrnoRet = &e
		}
		for range k % 8 {
			c.Args = append(c.Args, &configs.Arg{Index: uint(next() % 7), Op: configs.Operator(next() % 9), Value: wide(), ValueTwo: wide()})
		}
		s.Syscalls = append(s.Syscalls, c)
	}
	return s
}

type seed struct {
	b []byte
	n uint64
}

// seeds are what fuzzing has found worth keeping: a quoted string and a number a
// line.
func seeds(f *testing.F) []seed {
	text, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		f.Fatal(err)
	}
	list := []seed{{[]byte("\x02\x00read\x00\x04\x01\x00\x01"), 1}}
	for line := range strings.Lines(string(text)) {
		var q string
		var s seed
		if _, err := fmt.Sscanf(line, "%q %d", &q, &s.n); err != nil {
			f.Fatalf("testdata/corpus.txt: %q: %v", line, err)
		}
		s.b = []byte(q)
		list = append(list, s)
	}
	return list
}
