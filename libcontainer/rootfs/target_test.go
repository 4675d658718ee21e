package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	securejoin "github.com/cyphar/filepath-securejoin"
	"golang.org/x/sys/unix"
)

// image makes a tree out of random bytes: folders, files and links that lead
// anywhere. What is left of the bytes is given back.
func image(t *testing.T, root string, b []byte) []byte {
	names := []string{"a", "b", "c"}
	texts := []string{"a", "../b", "/c", "/a/../../b", "..", "../../outside", "/", "missing/x", "./c/.", "//b//a", "a/b",
		"missing/../c", "/missing/gone/../../b/new", "c/../missing/../../a", "missing/../../.."}
	take := func() int {
		if len(b) == 0 {
			return 0
		}
		n := int(b[0])
		b = b[1:]
		return n
	}
	for range take() % 12 {
		n := take()
		p := filepath.Join(root, names[n%3])
		if n&16 != 0 {
			p = filepath.Join(p, names[n/3%3])
		}
		// Never through a link: what the test itself makes must stay inside.
		if parent, err := filepath.EvalSymlinks(filepath.Dir(p)); err != nil || parent != filepath.Dir(p) {
			continue
		}
		switch take() % 3 {
		case 0:
			_ = os.Mkdir(p, 0o755)
		case 1:
			_ = os.WriteFile(p, nil, 0o644)
		case 2:
			_ = os.Symlink(texts[take()%len(texts)], p)
		}
	}
	return b
}

// FuzzTargetsStayInside makes targets in random images and compares where they
// are with what securejoin says of the same path.
func FuzzTargetsStayInside(f *testing.F) {
	f.Add([]byte{3, 0, 2, 5, 1, 0, 2, 2, 8, 0, 1, 2})
	f.Add([]byte{2, 16, 2, 7, 0, 2, 0, 1, 0, 0, 1, 2, 1})
	f.Add([]byte{1, 0, 2, 7, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		top, err := filepath.EvalSymlinks(t.TempDir())
		check(t, err)
		root := filepath.Join(top, "root")
		outside := filepath.Join(top, "outside")
		check(t, os.Mkdir(root, 0o755))
		check(t, os.Mkdir(outside, 0o755))
		b = image(t, root, b)
		rootFD, err := openPath(root, unix.O_DIRECTORY)
		check(t, err)
		tr := tree{root: rootFD}
		defer rootFD.close()

		names := []string{"a", "b", "c", "d", "e/f"}
		for len(b) > 2 {
			p := "/" + names[int(b[0])%5] + "/" + names[int(b[1])%5]
			dir := b[2]&1 == 0
			b = b[3:]
			last := folder(0)
			if !dir {
				last = func() (leaf, error) { return emptyFile, nil }
			}
			want, jerr := securejoin.SecureJoin(root, p)
			got, err := tr.openOrMake(p, last)
			if entries, _ := os.ReadDir(outside); len(entries) != 0 {
				t.Fatalf("%s made something outside", p)
			}
			if err != nil {
				continue
			}
			place, perr := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", got.fd))
			st, _ := got.fd.stat()
			got.fd.close()
			check(t, perr)
			if place != root && !strings.HasPrefix(place, root+"/") {
				t.Fatalf("%s is outside: %s", p, place)
			}
			if st.Mode&unix.S_IFMT == unix.S_IFLNK {
				t.Fatalf("%s is a symlink", p)
			}
			if jerr == nil && place != want {
				t.Fatalf("%s is at %s, securejoin says %s", p, place, want)
			}
		}
	})
}
