package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// manFlags are the flags that a man page describes: those of its .TP entries.
func manFlags(t *testing.T, page string) []string {
	t.Helper()
	b, err := os.ReadFile("man/" + page + ".8")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	entry := regexp.MustCompile(`(?m)^\.TP\n(.*)$`)
	flag := regexp.MustCompile(`\\fB(-{1,2}[a-z0-9-]+)\\fR`)
	for _, m := range entry.FindAllStringSubmatch(strings.ReplaceAll(string(b), `\-`, "-"), -1) {
		for _, f := range flag.FindAllStringSubmatch(m[1], -1) {
			found = append(found, f[1])
		}
	}
	slices.Sort(found)
	return found
}

// codeFlags are the flags that the help of a command shows.
func codeFlags(flags []cli.Flag) []string {
	var found []string
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		for _, n := range f.Names() {
			if len(n) == 1 {
				found = append(found, "-"+n)
			} else {
				found = append(found, "--"+n)
			}
		}
	}
	slices.Sort(found)
	return found
}

func without(list []string, drop ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(drop, s) })
}

func TestManPagesHaveTheFlagsOfTheCommands(t *testing.T) {
	for _, c := range commands() {
		if c.Hidden {
			continue
		}
		want := without(codeFlags(c.Flags), "--help", "-h")
		got := without(manFlags(t, "runc-"+c.Name), "--help", "-h")
		for _, f := range want {
			if !slices.Contains(got, f) {
				t.Errorf("runc-%s.8 does not have %s", c.Name, f)
			}
		}
		for _, f := range got {
			if !slices.Contains(allFlags(c.Flags), f) {
				t.Errorf("runc-%s.8 has %s, which the command has not", c.Name, f)
			}
		}
	}
}

func TestHelpListsFlagsInAlphabeticalOrder(t *testing.T) {
	for _, c := range commands() {
		if !slices.IsSortedFunc(c.Flags, func(a, b cli.Flag) int { return strings.Compare(a.Names()[0], b.Names()[0]) }) {
			t.Errorf("flags of %s: %v", c.Name, codeFlags(c.Flags))
		}
	}
}

func TestManPageHasTheGlobalFlagsAndAllCommands(t *testing.T) {
	app := newApp([]string{"runc"})
	drop := []string{"--help", "-h", "--version", "-v"}
	want, got := without(codeFlags(app.Flags), drop...), without(manFlags(t, "runc"), drop...)
	if !slices.Equal(got, want) {
		t.Errorf("runc.8 has %v, the program %v", got, want)
	}
	b, err := os.ReadFile("man/runc.8")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		named := strings.Contains(string(b), `.BR runc\-`+c.Name+" (8)")
		if named == c.Hidden {
			t.Errorf("runc.8: %s, hidden: %v, is named: %v", c.Name, c.Hidden, named)
		}
	}
	pages, err := os.ReadDir("man")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		name, ok := strings.CutPrefix(strings.TrimSuffix(p.Name(), ".8"), "runc-")
		if ok && !slices.ContainsFunc(commands(), func(c *cli.Command) bool { return c.Name == name }) {
			t.Errorf("%s is about no command", p.Name())
		}
	}
}

// What completions know themselves, rather than from the help, is which global
// flags take a word, and in fish all of them.
func TestCompletionsKnowTheGlobalFlags(t *testing.T) {
	var words, all []string
	for _, f := range newApp([]string{"runc"}).Flags {
		name := f.Names()[0]
		if v, ok := f.(cli.VisibleFlag); ok && v.IsVisible() {
			all = append(all, name)
		}
		if d, ok := f.(cli.DocGenerationFlag); ok && d.TakesValue() {
			words = append(words, "--"+name)
		}
	}
	if len(words) < 4 || len(all) < 6 {
		t.Fatalf("flags of the program: %v, with a word: %v", all, words)
	}
	for _, file := range []string{"bash/runc", "zsh/_runc", "fish/runc.fish"} {
		b, err := os.ReadFile("contrib/completions/" + file)
		if err != nil {
			t.Fatal(err)
		}
		// The branches of the loop that skips global flags.
		var known []string
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, "--criu") {
				known = regexp.MustCompile(`--[a-z-]+`).FindAllString(line, -1)
			}
		}
		if strings.HasPrefix(file, "zsh") {
			known = append(known, "--root") // in a branch of its own
		}
		for _, w := range words {
			if !slices.Contains(known, w) {
				t.Errorf("%s does not know that %s takes a word", file, w)
			}
		}
		for _, k := range known {
			if !slices.Contains(words, k) {
				t.Errorf("%s thinks that %s takes a word", file, k)
			}
		}
		for _, name := range all {
			if strings.HasPrefix(file, "fish") &&
				!strings.Contains(string(b), "complete -c runc -n 'not __runc_command' -l "+name+" ") {
				t.Errorf("%s: no --%s", file, name)
			}
		}
	}
}

// A man page may tell what the help hides, but nothing that is not there.
func allFlags(flags []cli.Flag) []string {
	var found []string
	for _, f := range flags {
		for _, n := range f.Names() {
			found = append(found, strings.Repeat("-", min(len(n), 2))+n)
		}
	}
	return found
}
