package specconv

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestDocsNameEveryField keeps docs/config.md true: each field that the
// specification has for Linux appears there, between backquotes, by its name or
// as part of a dotted one.
func TestDocsNameEveryField(t *testing.T) {
	page, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, quoted := range regexp.MustCompile("`[^`\n]+`").FindAllString(string(page), -1) {
		for _, word := range strings.FieldsFunc(quoted, func(r rune) bool { return strings.ContainsRune("`. ,/[]", r) }) {
			named[word] = true
		}
	}
	// Sections of other systems, which the page says are ignored as a whole.
	other := map[string]bool{"solaris": true, "windows": true, "vm": true, "zos": true, "freebsd": true}
	seen := map[reflect.Type]bool{}
	var walk func(at string, typ reflect.Type)
	walk = func(at string, typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			if name == "" { // embedded
				walk(at, f.Type)
				continue
			}
			if other[name] {
				if !named[name] {
					t.Errorf("docs/config.md does not say that %s is ignored", name)
				}
				continue
			}
			if !named[name] {
				t.Errorf("docs/config.md does not name %s", at+name)
			}
			walk(at+name+".", f.Type)
		}
	}
	walk("", reflect.TypeFor[specs.Spec]())
}
