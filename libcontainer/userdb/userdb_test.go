package userdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/sys/unix"
)

func TestHomeIn(t *testing.T) {
	long := "long:x:7:7:" + strings.Repeat("g", 2*maxLine) + ":/home/long:/bin/sh\n"
	for _, tc := range []struct {
		name, file string
		uid        int
		want       string
	}{
		{"the entry of the uid", "root:x:0:0:root:/root:/bin/sh\nu:x:1000:100:U:/home/u:/bin/sh\n", 1000, "/home/u"},
		{"the first of two", "a:x:5:5::/a:\nb:x:5:5::/b:\n", 5, "/a"},
		{"no newline at the end", "a:x:5:5::/a:", 5, "/a"},
		{"no shell", "a:x:5:5::/a", 5, "/a"},
		{"carriage returns", "a:x:5:5::/a:/bin/sh\r\n", 5, "/a"},
		{"no such uid", "a:x:5:5::/a:/bin/sh\n", 6, ""},
		{"a uid is not a prefix", "a:x:55:5::/a:/bin/sh\n", 5, ""},
		{"the gid is not the uid", "a:x:1:5::/a:/bin/sh\n", 5, ""},
		{"empty home", "a:x:5:5:::/bin/sh\n", 5, ""},
		{"short entry", "a:x:5\nb:x:5:5::/b:\n", 5, "/b"},
		{"comments and blanks", "# c:x:5:5::/c:\n\n  \na:x:5:5::/a:\n", 5, "/a"},
		{"NIS entries", "+::::::\na:x:5:5::/a:\n", 5, "/a"},
		{"behind an overlong line", long + "a:x:5:5::/a:/bin/sh\n", 5, "/a"},
		{"overlong lines are skipped", long, 7, ""},
		{"an overlong line's tail is no entry", strings.Repeat("x", maxLine) + "a:x:5:5::/evil:\n", 5, ""},
		{"a line as long as the buffer", strings.Repeat("#", maxLine) + "\na:x:5:5::/a:\n", 5, "/a"},
		{"empty", "", 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := homeIn(strings.NewReader(tc.file), tc.uid)
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
			got, err = homeIn(iotest.OneByteReader(strings.NewReader(tc.file)), tc.uid)
			if err != nil || got != tc.want {
				t.Errorf("byte by byte: got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestHomeFrom(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(at("passwd"), []byte("a:x:5:5::/home/a:/bin/sh\n"), 0o600))
	must(os.Symlink("passwd", at("link")))
	must(os.Symlink("loop", at("loop")))
	must(os.Symlink("/proc/self/exe", at("magic")))
	must(unix.Mkfifo(at("fifo"), 0o600))
	must(os.Mkdir(at("folder"), 0o700))
	for name, want := range map[string]string{
		"passwd":      "/home/a",
		"link":        "/home/a",
		"missing":     "/",
		"passwd/file": "/",
		"loop":        "/",
		"magic":       "/",
		"fifo":        "/",
		"folder":      "/",
	} {
		if got := homeFrom(at(name), 5); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := homeFrom(at("passwd"), 6); got != "/" {
		t.Errorf("unknown uid: got %q", got)
	}
}
