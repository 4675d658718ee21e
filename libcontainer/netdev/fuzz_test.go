package netdev

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What the kernel sends is trusted to be meant well, not to be well-formed.
func FuzzTake(f *testing.F) {
	f.Add(message(unix.RTM_NEWADDR, 0, 5, newRequest(0, 0, make([]byte, unix.SizeofIfAddrmsg)).u32(unix.IFA_FLAGS, 7).body))
	f.Add(message(unix.NLMSG_ERROR, 0, 5, make([]byte, 4)))
	f.Add(message(unix.NLMSG_DONE, 0, 5, nil))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = (&conn{seq: 5}).take(b, func(_ uint16, p []byte) error {
			if len(p) < unix.SizeofIfAddrmsg {
				return errMalformed
			}
			a, _, _, err := parseAddress(p)
			_ = a.String()
			return err
		})
	})
}
