package inside

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"runc/libcontainer/internal/program"
)

// lookPath finds a program in this process.
func lookPath(t *testing.T, name string, env []string) (string, error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &Setup{Bootstrap: &Bootstrap{Args: []string{name}, Env: env}, b: new(program.Builder)}
	found := s.lookUp()
	if err := s.b.Run(&program.Runner{Sock: -1}); err != nil {
		return "", err
	}
	return s.candidates()[found.Int()].path, nil
}

func TestLookPath(t *testing.T) {
	d := t.TempDir()
	write := func(name string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(d, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("yes", 0o755)
	write("no", 0o644)
	os.Mkdir(filepath.Join(d, "dir"), 0o755)
	env := []string{"PATH=/nosuch:" + d}
	for name, want := range map[string]string{
		"yes":       filepath.Join(d, "yes"),
		d + "/yes":  d + "/yes",
		"no":        `exec: "no": executable file not found in $PATH`,
		"dir":       `exec: "dir": executable file not found in $PATH`,
		"":          `exec: "": executable file not found in $PATH`,
		d + "/no":   `exec: "` + d + `/no": permission denied`,
		d + "/dir":  `exec: "` + d + `/dir": is a directory`,
		d + "/none": `exec: "` + d + `/none": stat ` + d + `/none: no such file or directory`,
	} {
		got, err := lookPath(t, name, env)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	t.Chdir(d)
	for _, path := range []string{":/nosuch", "/nosuch::", ".", "/nosuch:./", "../" + filepath.Base(d)} {
		env := []string{"PATH=" + path + ":" + d}
		const want = `exec: "yes": cannot run executable found relative to current directory`
		if got, err := lookPath(t, "yes", env); err == nil || err.Error() != want {
			t.Errorf("PATH=%s: %q, %v", path, got, err)
		}
	}
	if got, err := lookPath(t, "yes", []string{"PATH=/nosuch:" + d + ":."}); err != nil || got != filepath.Join(d, "yes") {
		t.Errorf("before the working directory: %q, %v", got, err)
	}
	if got, err := lookPath(t, "./yes", nil); err != nil || got != "./yes" {
		t.Errorf("by its path: %q, %v", got, err)
	}
	if _, err := lookPath(t, "yes", nil); err == nil {
		t.Error("found without a PATH")
	}
}
