package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/security.md names for a promise exists.
func TestSecurityTests(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	reference := regexp.MustCompile("`([a-z_]+\\.bats)`((?: \"[^\"]*\",?)+)")
	name := regexp.MustCompile(`"([^"]*)"`)
	found := 0
	for _, m := range reference.FindAllStringSubmatch(string(text), -1) {
		tests, err := os.ReadFile(filepath.Join("tests/integration", m[1]))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, n := range name.FindAllStringSubmatch(m[2], -1) {
			found++
			if !strings.Contains(string(tests), `@test "`+n[1]) {
				t.Errorf("%s has no test %q", m[1], n[1])
			}
		}
	}
	if found < 30 {
		t.Errorf("%d names of tests were found", found)
	}
}
