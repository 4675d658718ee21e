package netdev

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// link is what must be known of a device to move it and to give it back.
type link struct {
	index int32
	name  string
	up    bool
}

// ifInfo is struct ifinfomsg.
func ifInfo(index int32, flags, change uint32) []byte {
	b := make([]byte, 4, unix.SizeofIfInfomsg) // family, padding, type
	b = native.AppendUint32(b, uint32(index))
	b = native.AppendUint32(b, flags)
	return native.AppendUint32(b, change)
}

// find looks a device up by its name; ENODEV when there is none.
func (c *conn) find(name string) (*link, error) {
	if err := validName(name); err != nil {
		return nil, err
	}
	var found *link
	r := newRequest(unix.RTM_GETLINK, 0, ifInfo(0, 0, 0)).text(unix.IFLA_IFNAME, name)
	err := c.do(r, func(kind uint16, p []byte) error {
		if kind != unix.RTM_NEWLINK || len(p) < unix.SizeofIfInfomsg {
			return errMalformed
		}
		found = &link{
			index: int32(native.Uint32(p[4:])),
			name:  name,
			up:    native.Uint32(p[8:])&unix.IFF_UP != 0,
		}
		return nil
	})
	if err == nil && found == nil {
		err = unix.ENODEV
	}
	return found, err
}

func validName(name string) error {
	if name == "" || len(name) >= unix.IFNAMSIZ {
		return fmt.Errorf("device name %q: %w", name, unix.EINVAL)
	}
	return nil
}

// setUp changes whether the device is up.
func (c *conn) setUp(index int32, up bool) error {
	var flags uint32
	if up {
		flags = unix.IFF_UP
	}
	return c.do(newRequest(unix.RTM_NEWLINK, 0, ifInfo(index, flags, unix.IFF_UP)), nil)
}

// move puts the device, down, into another namespace under a name. The kernel
// takes the name into account already when it looks for conflicts there.
func (c *conn) move(index int32, name string, ns *os.File) error {
	if err := validName(name); err != nil {
		return err
	}
	r := newRequest(unix.RTM_NEWLINK, 0, ifInfo(index, 0, unix.IFF_UP)).
		u32(unix.IFLA_NET_NS_FD, uint32(ns.Fd())).
		text(unix.IFLA_IFNAME, name)
	return c.do(r, nil)
}

// address is one of a device, as RTM_GETADDR gave it.
type address struct {
	family    uint8
	prefixLen uint8
	flags     uint32
	attrs     map[uint16][]byte
}

// settableFlags are those IFA_F_ flags that are wishes; the others describe
// what became of the address.
const settableFlags = unix.IFA_F_NODAD | unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR |
	unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_MCAUTOJOIN

// ifaProto is IFA_PROTO of include/uapi/linux/if_addr.h (Linux 5.18).
const ifaProto = 11

// keptAttrs are the parts of an address that are given to the kernel again, in
// this order. The label is not among them: it begins with the old name.
var keptAttrs = [...]uint16{unix.IFA_LOCAL, unix.IFA_ADDRESS, unix.IFA_BROADCAST, unix.IFA_RT_PRIORITY, ifaProto}

// addresses lists those that the runtime-spec wants kept: permanent ones of
// global scope.
func (c *conn) addresses(index int32) ([]address, error) {
	for try := 0; ; try++ {
		list, err := c.dumpAddresses(index)
		if !errors.Is(err, unix.EAGAIN) || try == 3 {
			return list, err
		}
	}
}

func (c *conn) dumpAddresses(index int32) ([]address, error) {
	var list []address
	r := newRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP, make([]byte, unix.SizeofIfAddrmsg))
	err := c.do(r, func(kind uint16, p []byte) error {
		if kind != unix.RTM_NEWADDR || len(p) < unix.SizeofIfAddrmsg {
			return errMalformed
		}
		a, scope, of, err := parseAddress(p)
		if err != nil {
			return err
		}
		if of == index && scope == unix.RT_SCOPE_UNIVERSE && a.flags&unix.IFA_F_PERMANENT != 0 {
			list = append(list, a)
		}
		return nil
	})
	return list, err
}

// parseAddress reads a struct ifaddrmsg and its attributes.
func parseAddress(p []byte) (a address, scope uint8, index int32, err error) {
	all, err := attrs(p[unix.SizeofIfAddrmsg:])
	if err != nil {
		return a, 0, 0, err
	}
	a = address{family: p[0], prefixLen: p[1], flags: uint32(p[2]), attrs: map[uint16][]byte{}}
	if f := all[unix.IFA_FLAGS]; len(f) == 4 {
		a.flags = native.Uint32(f)
	}
	for _, k := range keptAttrs {
		if v, ok := all[k]; ok {
			// The buffer is used again for the next message.
			a.attrs[k] = append([]byte(nil), v...)
		}
	}
	return a, p[3], int32(native.Uint32(p[4:])), nil
}

// add gives an address to a device; one that it has already is no error.
func (c *conn) add(index int32, a address) error {
	fixed := []byte{a.family, a.prefixLen, uint8(a.flags & settableFlags), unix.RT_SCOPE_UNIVERSE}
	fixed = native.AppendUint32(fixed, uint32(index))
	r := newRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, fixed)
	for _, k := range keptAttrs {
		if v, ok := a.attrs[k]; ok {
			r.attr(k, v)
		}
	}
	r.u32(unix.IFA_FLAGS, a.flags&settableFlags)
	return c.do(r, nil)
}

// String is the address as a person writes it. It does without net/netip, for
// what that package does when a program starts.
func (a address) String() string {
	raw := a.attrs[unix.IFA_LOCAL]
	if raw == nil {
		raw = a.attrs[unix.IFA_ADDRESS]
	}
	switch len(raw) {
	case 4:
		return fmt.Sprintf("%d.%d.%d.%d/%d", raw[0], raw[1], raw[2], raw[3], a.prefixLen)
	case 16:
		s := ""
		for i := 0; i < 16; i += 2 {
			s += fmt.Sprintf(":%x", binary.BigEndian.Uint16(raw[i:]))
		}
		return fmt.Sprintf("%s/%d", s[1:], a.prefixLen)
	}
	return fmt.Sprintf("of family %d", a.family)
}
