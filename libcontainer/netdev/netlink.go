package netdev

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// request is a netlink message in the making: header, fixed part, attributes.
type request struct {
	kind  uint16
	flags uint16
	body  []byte
	err   error
}

func newRequest(kind, flags uint16, fixed []byte) *request {
	return &request{kind: kind, flags: flags, body: pad(fixed)}
}

func align(n int) int { return (n + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1) }

func pad(b []byte) []byte { return append(b, make([]byte, align(len(b))-len(b))...) }

// attr adds an attribute. Its length has 16 bits, and one that does not fit
// would be read as several by the kernel (CVE-2021-43784).
func (r *request) attr(kind uint16, data []byte) *request {
	n := unix.SizeofNlAttr + len(data)
	if n > math.MaxUint16 {
		r.err = fmt.Errorf("netlink attribute %d of %d bytes: %w", kind, len(data), unix.EMSGSIZE)
		return r
	}
	r.body = native.AppendUint16(r.body, uint16(n))
	r.body = native.AppendUint16(r.body, kind)
	r.body = pad(append(r.body, data...))
	return r
}

func (r *request) text(kind uint16, s string) *request { return r.attr(kind, append([]byte(s), 0)) }

func (r *request) u32(kind uint16, n uint32) *request {
	return r.attr(kind, native.AppendUint32(nil, n))
}

// attrs splits attributes, each of which must lie within b.
func attrs(b []byte) (map[uint16][]byte, error) {
	all := map[uint16][]byte{}
	for len(b) >= unix.SizeofNlAttr {
		n := int(native.Uint16(b))
		if n < unix.SizeofNlAttr || n > len(b) {
			return nil, errMalformed
		}
		all[native.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)] = b[unix.SizeofNlAttr:n]
		b = b[min(align(n), len(b)):]
	}
	return all, nil
}

var errMalformed = errors.New("malformed netlink message")

// conn talks rtnetlink(7) in the network namespace in which it was made.
type conn struct {
	fd  int
	seq uint32
	buf []byte
}

// dial makes a conn in the namespace of the calling thread.
func dial() (*conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket AF_NETLINK", err)
	}
	// The kernel answers dumps in messages of up to 32 KiB.
	return &conn{fd: fd, buf: make([]byte, 64<<10)}, nil
}

func (c *conn) close() { unix.Close(c.fd) }

// do sends a request and gives the payload of each message that answers it.
func (c *conn) do(r *request, answer func(kind uint16, payload []byte) error) error {
	if r.err != nil {
		return r.err
	}
	c.seq++
	msg := native.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(r.body)))
	msg = native.AppendUint16(msg, r.kind)
	msg = native.AppendUint16(msg, r.flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	msg = native.AppendUint32(msg, c.seq)
	msg = native.AppendUint32(msg, 0) // our port, which the kernel fills in
	msg = append(msg, r.body...)
	kernel := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	if err := unix.Sendto(c.fd, msg, 0, kernel); err != nil {
		return os.NewSyscallError("sendto netlink", err)
	}
	for {
		n, _, flags, from, err := unix.Recvmsg(c.fd, c.buf, nil, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("recvmsg netlink", err)
		case flags&unix.MSG_TRUNC != 0:
			return errMalformed
		}
		// Anyone may send to a netlink socket; the kernel's port is 0.
		if sa, ok := from.(*unix.SockaddrNetlink); !ok || sa.Pid != 0 {
			continue
		}
		done, err := c.take(c.buf[:n], answer)
		if done || err != nil {
			return err
		}
	}
}

// take goes through the messages of one datagram, up to the one that ends the
// answer: an error, with errno 0 for success, or the end of a dump.
func (c *conn) take(b []byte, answer func(uint16, []byte) error) (done bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		n := int(native.Uint32(b))
		if n < unix.SizeofNlMsghdr || n > len(b) {
			return true, errMalformed
		}
		kind, flags, seq := native.Uint16(b[4:]), native.Uint16(b[6:]), native.Uint32(b[8:])
		payload := b[unix.SizeofNlMsghdr:n]
		b = b[min(align(n), len(b)):]
		if seq != c.seq {
			continue // left over from a request given up earlier
		}
		if flags&unix.NLM_F_DUMP_INTR != 0 {
			return true, fmt.Errorf("netlink dump changed while it was read: %w", unix.EAGAIN)
		}
		switch kind {
		case unix.NLMSG_ERROR, unix.NLMSG_DONE:
			if len(payload) < 4 {
				return kind == unix.NLMSG_DONE, nil
			}
			if errno := int32(native.Uint32(payload)); errno < 0 {
				return true, unix.Errno(-errno)
			}
			return true, nil
		case unix.NLMSG_NOOP:
		default:
			if answer == nil {
				continue
			}
			if err := answer(kind, payload); err != nil {
				return true, err
			}
		}
	}
	return false, nil
}
