package libcontainer

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"runc/libcontainer/configs"
)

// What is one writer stays one: two goroutines would write to it at once.
func TestOneWriterForBoth(t *testing.T) {
	var out bytes.Buffer
	p := &Process{Stdin: strings.NewReader("in"), Stdout: &out, Stderr: &out}
	run := new(running)
	files, theirs, err := p.stdio(run)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 || files[1] != files[2] || len(theirs) != 2 {
		t.Fatalf("%v, of which %v are to close", files, theirs)
	}
	run.startCopies()
	if in, err := io.ReadAll(files[0]); string(in) != "in" || err != nil {
		t.Errorf("stdin: %q, %v", in, err)
	}
	for _, f := range files[1:] {
		if _, err := f.WriteString("x"); err != nil {
			t.Error(err)
		}
	}
	for _, f := range theirs {
		f.Close()
	}
	run.copies.Wait()
	if out.String() != "xx" {
		t.Errorf("got %q", out.String())
	}
}

// A start that fails reads nothing of Stdin: the next one may want it.
func TestDroppedCopies(t *testing.T) {
	in := strings.NewReader("in")
	p := &Process{Stdin: in, Stdout: new(bytes.Buffer)}
	run := new(running)
	if _, _, err := p.stdio(run); err != nil {
		t.Fatal(err)
	}
	run.dropCopies()
	if in.Len() != 2 {
		t.Error("it was read")
	}
}

func TestInitializeIO(t *testing.T) {
	p := new(Process)
	pipes, err := p.InitializeIO(os.Geteuid(), os.Getegid())
	if err != nil {
		t.Fatal(err)
	}
	files, theirs, err := p.stdio(new(running))
	if err != nil || len(theirs) != 0 {
		t.Fatal(theirs, err)
	}
	go func() { io.WriteString(pipes.Stdin, "hello"); pipes.Stdin.Close() }()
	in, err := io.ReadAll(files[0])
	if string(in) != "hello" || err != nil {
		t.Errorf("stdin: %q, %v", in, err)
	}
	for i, r := range []io.Reader{pipes.Stdout, pipes.Stderr} {
		files[1+i].WriteString("out")
		b := make([]byte, 10)
		if n, err := r.Read(b); string(b[:n]) != "out" || err != nil {
			t.Errorf("fd %d: %q, %v", 1+i, b[:n], err)
		}
	}
	// Start closes the process's ends also when it fails.
	c := &Container{config: new(configs.Config)}
	p.Args = []string{"a\x00b"}
	if err := c.Start(p); err == nil {
		t.Error("it started")
	}
	if n, err := pipes.Stdout.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the start: %d, %v", n, err)
	}
	if err := pipes.Close(); err != nil {
		t.Error(err)
	}
}
