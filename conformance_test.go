package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The rows of docs/spec-conformance.md and the documents of the specification
// name the same lines, and each test that a row names is there.
func TestConformanceRows(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/opencontainers/runtime-spec").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skip("needs the specification's module, which has its documents")
	}
	page, err := os.ReadFile("docs/spec-conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	var document string
	for _, line := range strings.Split(string(page), "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			document = name
		}
		var number int
		if n, _ := fmt.Sscanf(line, "| %d |", &number); n == 1 {
			cells := strings.Split(strings.TrimSuffix(line, " |"), " | ")
			rows[fmt.Sprintf("%s:%d", document, number)] = cells[len(cells)-1]
		}
	}
	rule := regexp.MustCompile("MUST|SHOULD")
	for _, d := range []string{"runtime.md", "config.md", "config-linux.md"} {
		text, err := os.ReadFile(filepath.Join(dir, d))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			key := fmt.Sprintf("%s:%d", d, i+1)
			if _, ok := rows[key]; rule.MatchString(line) != ok {
				t.Errorf("%s: the specification has %q, a row of the page is there: %v", key, line, ok)
			}
		}
	}
	sources := map[string]string{}
	read := func(file string) string {
		if s, ok := sources[file]; ok {
			return s
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		sources[file] = string(b)
		return sources[file]
	}
	for key, tests := range rows {
		for _, name := range strings.Split(tests, "; ") {
			file, title, _ := strings.Cut(name, ": ")
			switch {
			case file == "\u2014": // a dash: the reason why there is none
			case strings.HasSuffix(file, "_test.go"):
				if !strings.Contains(read(file), "func "+title+"(") {
					t.Errorf("%s: no %s in %s", key, title, file)
				}
			case !strings.Contains(read("tests/integration/"+file+".bats"), `@test "`+title+`" {`):
				t.Errorf("%s: no test %q in %s.bats", key, title, file)
			}
		}
	}
}
