package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestRooms compares the table of folders in docs/design.md with the folders
// and what they import.
func TestRooms(t *testing.T) {
	text, err := os.ReadFile("docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	// row is the row of a folder in the table.
	row := map[string]int{".": 0}
	name := regexp.MustCompile("`([^`]+)`")
	for n, line := range strings.Split(string(text), "\n") {
		cell, ok := strings.CutPrefix(line, "| `")
		if !ok {
			continue
		}
		cell, _, _ = strings.Cut("`"+cell, " |")
		for _, m := range name.FindAllStringSubmatch(cell, -1) {
			row[m[1]] = n + 1
		}
	}
	seen := map[string]bool{}
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "contrib" || path == "packaging" || path == "tests" || path == "vendor" || strings.HasPrefix(d.Name(), "mk") || path != "." && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		dir := filepath.Dir(path)
		own, listed := row[dir]
		if !listed && !seen[dir] {
			t.Errorf("docs/design.md does not name the folder %s", dir)
		}
		seen[dir] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range file.Imports {
			to, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(to, "runc/")
			if ours && listed && row[to] <= own {
				t.Errorf("%s imports %s, which is not in a row below its own in docs/design.md", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range row {
		if !seen[dir] {
			t.Errorf("docs/design.md names %s, which has no Go file", dir)
		}
	}
}
