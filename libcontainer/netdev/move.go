package netdev

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// Move moves devices of the caller's network namespace into the one at nsPath,
// brings them up there, and gives them the global permanent addresses that they
// had; MTU and hardware address stay with a device anyway. devices is keyed by
// the names that they have now; their new names may end in %d, which becomes
// the first free number.
//
// On an error, those that had been moved have been put back. On success, back
// does that, should the container fail to come up later; it works as long as
// anything is left of the namespace, for which it holds it open.
//
// Needs CAP_NET_ADMIN and CAP_SYS_ADMIN over both namespaces.
func Move(devices map[string]*configs.LinuxNetDevice, nsPath string) (back func() error, err error) {
	if len(devices) == 0 {
		return func() error { return nil }, nil
	}
	m, err := newMover(nsPath)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(devices))
	for name := range devices {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		want := name
		if d := devices[name]; d != nil && d.Name != "" {
			want = d.Name
		}
		if err := m.move(name, want); err != nil {
			err = fmt.Errorf("move netDevice %s to namespace %s: %w", name, nsPath, err)
			return nil, errors.Join(err, m.back())
		}
	}
	// The files close themselves when nobody remembers back.
	m.hangUp()
	return m.back, nil
}

// mover holds both namespaces, and what it did so far.
type mover struct {
	hereNS, thereNS *os.File
	here, there     *conn
	moved           []moved
}

// moved is a device away from home.
type moved struct {
	was       link
	name      string // the name that it has now
	addresses []address
}

func newMover(nsPath string) (*mover, error) {
	there, err := os.Open(nsPath)
	if err != nil {
		return nil, err
	}
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		there.Close()
		return nil, err
	}
	m := &mover{hereNS: here, thereNS: there}
	if err := m.dial(); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *mover) dial() (err error) {
	// Also for here: the caller may by now run on a thread that is elsewhere.
	if m.here == nil {
		if m.here, err = dialIn(m.hereNS); err != nil {
			return err
		}
	}
	if m.there == nil {
		m.there, err = dialIn(m.thereNS)
	}
	return err
}

func (m *mover) hangUp() {
	for _, c := range []*conn{m.here, m.there} {
		if c != nil {
			c.close()
		}
	}
	m.here, m.there = nil, nil
}

func (m *mover) close() {
	m.hangUp()
	m.hereNS.Close()
	m.thereNS.Close()
}

// dialIn makes a conn in another namespace. A socket stays in the namespace in
// which it was made, so that a thread has to go there; it is one that nothing
// else runs on, and that does not come back.
func dialIn(ns *os.File) (*conn, error) {
	type result struct {
		c   *conn
		err error
	}
	done := make(chan result)
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- result{nil, fmt.Errorf("enter network namespace %s: %w", ns.Name(), os.NewSyscallError("setns", err))}
			return
		}
		c, err := dial()
		done <- result{c, err}
	}()
	r := <-done
	return r.c, r.err
}

func (m *mover) move(name, want string) error {
	dev, err := m.here.find(name)
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("link not found for interface %s on runtime namespace: %w", name, err)
	}
	if err != nil {
		return err
	}
	if want, err = m.freeName(want); err != nil {
		return err
	}
	list, err := m.here.addresses(dev.index)
	if err != nil {
		return fmt.Errorf("list addresses of %s: %w", name, err)
	}
	err = m.here.move(dev.index, want, m.thereNS)
	if err != nil {
		// The kernel may fail after it has moved it: at renaming.
		if _, gone := m.here.find(name); !errors.Is(gone, unix.ENODEV) {
			if dev.up {
				err = errors.Join(err, m.restore(m.here, dev.index, true, list))
			}
			return err
		}
		if _, ferr := m.there.find(want); ferr != nil {
			want = name
		}
		m.moved = append(m.moved, moved{*dev, want, list})
		return err
	}
	m.moved = append(m.moved, moved{*dev, want, list})
	now, err := m.there.find(want)
	if err != nil {
		return fmt.Errorf("find it there as %s: %w", want, err)
	}
	return m.restore(m.there, now.index, true, list)
}

// restore gives a device its addresses and brings it up, in this order: routes
// of the addresses appear when it comes up.
func (m *mover) restore(c *conn, index int32, up bool, list []address) error {
	for _, a := range list {
		if err := c.add(index, a); err != nil {
			return fmt.Errorf("add address %s: %w", a, err)
		}
	}
	if !up {
		return nil
	}
	if err := c.setUp(index, true); err != nil {
		return fmt.Errorf("bring it up: %w", err)
	}
	return nil
}

// maxNumber bounds the search for a free number; the kernel's own is 32768.
const maxNumber = 4096

// freeName is the name itself when no device there has it, or the first free
// one for a name with %d.
func (m *mover) freeName(want string) (string, error) {
	if !strings.Contains(want, "%d") {
		_, err := m.there.find(want)
		switch {
		case errors.Is(err, unix.ENODEV):
			return want, nil
		case err == nil:
			err = fmt.Errorf("device %s exists there: %w", want, unix.EEXIST)
		}
		return "", err
	}
	for n := range maxNumber {
		name := strings.Replace(want, "%d", strconv.Itoa(n), 1)
		_, err := m.there.find(name)
		if errors.Is(err, unix.ENODEV) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("no free name like %s: %w", want, unix.EEXIST)
}

// back puts all devices back, the last first, and ends the mover.
func (m *mover) back() error {
	defer m.close()
	if len(m.moved) == 0 {
		return nil
	}
	if err := m.dial(); err != nil {
		return fmt.Errorf("give netDevices back: %w", err)
	}
	var errs []error
	for _, d := range slices.Backward(m.moved) {
		if err := m.putBack(d); err != nil {
			errs = append(errs, fmt.Errorf("give netDevice %s back: %w", d.was.name, err))
		}
	}
	m.moved = nil
	return errors.Join(errs...)
}

func (m *mover) putBack(d moved) error {
	now, err := m.there.find(d.name)
	if err != nil {
		return err
	}
	if err := m.there.move(now.index, d.was.name, m.hereNS); err != nil {
		return err
	}
	home, err := m.here.find(d.was.name)
	if err != nil {
		return err
	}
	return m.restore(m.here, home.index, d.was.up, d.addresses)
}
