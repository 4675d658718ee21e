package netdev

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAttributesThatDoNotFitAreRefused(t *testing.T) {
	r := newRequest(unix.RTM_NEWLINK, 0, nil).text(unix.IFLA_IFNAME, strings.Repeat("x", 1<<16))
	if err := (&conn{fd: -1}).do(r, nil); !errors.Is(err, unix.EMSGSIZE) {
		t.Fatalf("got %v, want EMSGSIZE", err)
	}
}

func TestAttrs(t *testing.T) {
	good := newRequest(0, 0, nil).text(3, "eth0").u32(4, 7).body
	got, err := attrs(good)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got[3], []byte("eth0\x00")) || native.Uint32(got[4]) != 7 || len(got) != 2 {
		t.Errorf("got %v", got)
	}
	for name, b := range map[string][]byte{
		"shorter than its header": native.AppendUint16(native.AppendUint16(nil, 3), 1),
		"longer than the message": native.AppendUint16(native.AppendUint16(nil, 9), 1),
		"cut in the second":       good[:len(good)-2],
	} {
		if _, err := attrs(b); !errors.Is(err, errMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, errMalformed)
		}
	}
}

// message makes one as the kernel would.
func message(kind, flags uint16, seq uint32, payload []byte) []byte {
	b := native.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(payload)))
	b = native.AppendUint16(b, kind)
	b = native.AppendUint16(b, flags)
	b = native.AppendUint32(b, seq)
	b = native.AppendUint32(b, 0)
	return append(b, payload...)
}

func TestTake(t *testing.T) {
	enodev := int32(-int(unix.ENODEV))
	for _, tc := range []struct {
		name    string
		in      []byte
		done    bool
		err     error
		answers int
	}{
		{"success", message(unix.NLMSG_ERROR, 0, 5, make([]byte, 4)), true, nil, 0},
		{"errno", message(unix.NLMSG_ERROR, 0, 5, native.AppendUint32(nil, uint32(enodev))), true, unix.ENODEV, 0},
		{"end of a dump", append(message(unix.RTM_NEWADDR, 0, 5, []byte{1, 2, 3, 4}), message(unix.NLMSG_DONE, 0, 5, make([]byte, 4))...), true, nil, 1},
		{"more to come", message(unix.RTM_NEWADDR, 0, 5, nil), false, nil, 1},
		{"of an earlier request", message(unix.NLMSG_ERROR, 0, 4, make([]byte, 4)), false, nil, 0},
		{"interrupted dump", message(unix.RTM_NEWADDR, unix.NLM_F_DUMP_INTR, 5, nil), true, unix.EAGAIN, 0},
		{"length beyond the datagram", message(unix.RTM_NEWADDR, 0, 5, make([]byte, 8))[:20], true, errMalformed, 0},
		{"length below the header", native.AppendUint32(nil, 3), false, nil, 0},
		{"length below the header, long", append(native.AppendUint32(nil, 3), make([]byte, 12)...), true, errMalformed, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := 0
			done, err := (&conn{seq: 5}).take(tc.in, func(uint16, []byte) error { n++; return nil })
			if done != tc.done || !errors.Is(err, tc.err) || n != tc.answers {
				t.Errorf("got done %v, error %v, %d answers", done, err, n)
			}
		})
	}
}

func TestAddressString(t *testing.T) {
	for want, a := range map[string]address{
		"192.0.2.1/24":            {prefixLen: 24, attrs: map[uint16][]byte{unix.IFA_LOCAL: {192, 0, 2, 1}}},
		"2001:db8:0:0:0:0:0:1/64": {prefixLen: 64, attrs: map[uint16][]byte{unix.IFA_ADDRESS: {0x20, 1, 0xd, 0xb8, 15: 1}}},
		"of family 5":             {family: 5},
	} {
		if got := a.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
