package consolesocket

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func pair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func tempFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFDTravels(t *testing.T) {
	a, b := pair(t)
	f := tempFile(t)
	for _, name := range []string{"/dev/pts/7", "standard", strings.Repeat("n", maxName)} {
		if err := Send(a, name, int(f.Fd())); err != nil {
			t.Fatal(err)
		}
		got, err := Receive(b)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name() != name {
			t.Errorf("name is %d bytes, want %d", len(got.Name()), len(name))
		}
		var want, have unix.Stat_t
		if err := errors.Join(unix.Fstat(int(f.Fd()), &want), unix.Fstat(int(got.Fd()), &have)); err != nil {
			t.Fatal(err)
		}
		if want.Ino != have.Ino || want.Dev != have.Dev {
			t.Error("another file arrived")
		}
		if flags, err := unix.FcntlInt(got.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("fd flags %#x, %v: not close-on-exec", flags, err)
		}
		got.Close()
	}
}

func TestFDTravelsOverANonBlockingSocket(t *testing.T) {
	a, b := pair(t)
	for _, fd := range []int{a, b} {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	f := tempFile(t)
	sent := make(chan error)
	go func() {
		// More than the socket holds, so that it must wait for the other end.
		for range 400 {
			if err := Send(a, strings.Repeat("n", maxName), int(f.Fd())); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for range 400 {
		got, err := Receive(b)
		if err != nil {
			t.Fatal(err)
		}
		got.Close()
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestSendFDRefusesNames(t *testing.T) {
	a, _ := pair(t)
	f := tempFile(t)
	for _, name := range []string{"", strings.Repeat("n", maxName+1), "a\x00b"} {
		if err := Send(a, name, int(f.Fd())); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%d bytes: got %v", len(name), err)
		}
	}
}

func TestSendFDToNobodyFails(t *testing.T) {
	a, b := pair(t)
	if err := unix.Shutdown(b, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	if err := Send(a, "x", int(tempFile(t).Fd())); !errors.Is(err, unix.EPIPE) {
		t.Errorf("got %v, want EPIPE", err)
	}
}

func openFDs(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestRecvFDRefusesOtherMessages(t *testing.T) {
	f := tempFile(t)
	fd := int(f.Fd())
	for _, tc := range []struct {
		name, payload string
		rights        []byte
		want          string
	}{
		{"no fd", "x", nil, "0 fds instead of one"},
		{"two fds", "x", unix.UnixRights(fd, fd), "2 fds instead of one"},
		{"five fds", "x", unix.UnixRights(fd, fd, fd, fd, fd), "more control data"},
		{"a long name", strings.Repeat("n", maxName+1), unix.UnixRights(fd), "name of 4097 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := pair(t)
			if err := unix.Sendmsg(a, []byte(tc.payload), tc.rights, nil, 0); err != nil {
				t.Fatal(err)
			}
			before := openFDs(t)
			got, err := Receive(b)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, %v, want %s", got, err, tc.want)
			}
			if after := openFDs(t); after != before {
				t.Errorf("%d fds were left behind", after-before)
			}
		})
	}
	t.Run("nothing, the end", func(t *testing.T) {
		a, b := pair(t)
		if err := unix.Shutdown(a, unix.SHUT_RDWR); err != nil {
			t.Fatal(err)
		}
		if got, err := Receive(b); err == nil || !strings.Contains(err.Error(), "closed the socket") {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
