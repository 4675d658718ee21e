package libcontainer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Every error that is exported is returned somewhere.
func TestErrorsAreReturned(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for _, e := range entries {
		if name := e.Name(); !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for _, name := range n.Names {
					used[name.Name]-- // the declaration is not a use
				}
			case *ast.CallExpr:
				// To match an error is not to return it.
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Is" {
					return false
				}
			case *ast.Ident:
				used[n.Name]++
			}
			return true
		})
	}
	n := 0
	for name, count := range used {
		if strings.HasPrefix(name, "Err") && ast.IsExported(name) {
			n++
			if count < 1 {
				t.Errorf("%s is returned nowhere", name)
			}
		}
	}
	if n < 10 {
		t.Errorf("%d errors found", n)
	}
}
