// Package library tests libcontainer as a program of another module uses it.
package library

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnotherModule builds the program in the folder user outside this tree, in
// a module that requires this one by a replace directive as docs/library.md says,
// and runs it. The race detector watches it where cgo is there.
func TestAnotherModule(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("containers with the example's configuration need root")
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("the root file system is made of busybox:", err)
	}
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile("user/main.go")
	must(err)
	sums, err := os.ReadFile(filepath.Join(tree, "go.sum"))
	must(err)
	module := "module example.org/user\n\ngo 1.26\n\nrequire runc v0.0.0\n\nreplace runc => " + tree + "\n"
	must(os.Mkdir(filepath.Join(dir, "src"), 0o755))
	must(os.WriteFile(filepath.Join(dir, "src/main.go"), program, 0o644))
	must(os.WriteFile(filepath.Join(dir, "src/go.mod"), []byte(module), 0o644))
	must(os.WriteFile(filepath.Join(dir, "src/go.sum"), sums, 0o644))

	build := func(args, env []string) ([]byte, error) {
		cmd := exec.Command("go", append([]string{"build", "-mod=mod", "-o", filepath.Join(dir, "user")}, args...)...)
		cmd.Dir = filepath.Join(dir, "src")
		// Every module is in the cache: this tree was built with them.
		cmd.Env = append(append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off"), env...)
		return cmd.CombinedOutput()
	}
	// The race detector is C. To run in a container, the program has to be
	// static then as well.
	out, err := build([]string{"-race", "-ldflags", "-linkmode external -extldflags -static"}, []string{"CGO_ENABLED=1"})
	if err != nil {
		t.Logf("without the race detector: %v\n%s", err, out)
		if out, err := build(nil, []string{"CGO_ENABLED=0"}); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}

	// The program of docs/library.md compiles as it stands there.
	doc, err := os.ReadFile(filepath.Join(tree, "docs/library.md"))
	must(err)
	must(os.Mkdir(filepath.Join(dir, "src/doc"), 0o755))
	must(os.WriteFile(filepath.Join(dir, "src/doc/main.go"), documented(t, string(doc)), 0o644))
	cmd := exec.Command("go", "build", "-mod=mod", "-o", os.DevNull, "./doc")
	cmd.Dir = filepath.Join(dir, "src")
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("docs/library.md: %v\n%s", err, out)
	}

	rootfs := filepath.Join(dir, "rootfs")
	must(os.MkdirAll(filepath.Join(rootfs, "bin"), 0o755))
	b, err := os.ReadFile(busybox)
	must(err)
	must(os.WriteFile(filepath.Join(rootfs, "bin/busybox"), b, 0o755))
	for _, way := range []string{"", "go"} {
		name := way
		if name == "" {
			name = "default"
		}
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := exec.Command(filepath.Join(dir, "user"), rootfs, filepath.Join(dir, "state"))
			cmd.Env = os.Environ()
			if way != "" {
				cmd.Env = append(cmd.Env, "_RUNC_TEST_INIT="+way)
			}
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil {
				t.Errorf("%v\n%s", err, out.Bytes())
			}
		})
	}
}

// documented is the program of docs/library.md: what is indented below "A whole
// program", with the imports that it needs.
func documented(t *testing.T, doc string) []byte {
	_, text, found := strings.Cut(doc, "\n## A whole program\n")
	if !found {
		t.Fatal("docs/library.md has no program")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	b := []byte("package main\n\nimport (\n")
	for _, name := range []string{"fmt", "log", "os", "runc/libcontainer", "runc/libcontainer/configs/validate", "runc/libcontainer/specconv"} {
		b = fmt.Appendf(b, "\t%q\n", name)
	}
	b = append(b, ")\n\n"...)
	for line := range strings.Lines(text) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			b = append(b, code...)
		}
	}
	return b
}
