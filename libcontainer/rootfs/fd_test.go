package rootfs

import "testing"

func TestMountID(t *testing.T) {
	ids := make(map[uint64]string)
	for _, path := range []string{"/", "/proc", "/proc/self/fd", "/dev/null"} {
		f, err := openPath(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		a, err := f.mountID()
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.fdinfoMountID()
		if err != nil || a != b {
			t.Errorf("%s: %d by statx, %d by fdinfo, %v", path, a, b, err)
		}
		ids[a] = path
	}
	if len(ids) < 2 {
		t.Error("the root and /proc have the same id")
	}
}
