package userdb

import (
	"bytes"
	"testing"
	"testing/iotest"
)

// The file is the image's; however it is cut into reads, the answer is one.
func FuzzHomeIn(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/sh\nu:x:5:5::/u:\n"), 5)
	f.Add([]byte("::5:::\r\n#\n:::::"), 5)
	f.Fuzz(func(t *testing.T, file []byte, uid int) {
		whole, err := homeIn(bytes.NewReader(file), uid)
		if err != nil {
			t.Fatal(err)
		}
		cut, err := homeIn(iotest.HalfReader(bytes.NewReader(file)), uid)
		if err != nil || cut != whole {
			t.Errorf("in pieces %q, %v; whole %q", cut, err, whole)
		}
	})
}
