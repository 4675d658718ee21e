package foreground

import (
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// pipeOf gives the process's end as a file, and our end as a stream holds it.
func pipeOf(t *testing.T, inwards bool) (their *os.File, our int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	theirs, ours := 1, 0
	if inwards {
		theirs, ours = 0, 1
	}
	their = os.NewFile(uintptr(fds[theirs]), "their")
	t.Cleanup(func() { their.Close() })
	return their, fds[ours]
}

func TestStreams(t *testing.T) {
	caller := func(t *testing.T) (r, w *os.File) {
		t.Helper()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close(); w.Close() })
		return r, w
	}
	once := func(t *testing.T, c *streams) {
		t.Helper()
		// Whatever there is to be seen is there already: do not wait.
		if _, err := c.look(-1, new(unix.Timespec)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("input from the null device ends at once", func(t *testing.T) {
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		their, our := pipeOf(t, true)
		var c streams
		c.add(stream{caller: null, ours: our, inwards: true})
		once(t, &c)
		if b, err := io.ReadAll(their); len(b) != 0 || err != nil || len(c.waiting) != 0 {
			t.Errorf("%q %v, %d streams left", b, err, len(c.waiting))
		}
	})
	t.Run("input that has ended ends", func(t *testing.T) {
		r, w := caller(t)
		w.Close()
		their, our := pipeOf(t, true)
		var c streams
		c.add(stream{caller: r, ours: our, inwards: true})
		once(t, &c)
		if b, err := io.ReadAll(their); len(b) != 0 || err != nil {
			t.Errorf("%q %v", b, err)
		}
	})
	t.Run("input goes in whole, then its end", func(t *testing.T) {
		r, w := caller(t)
		if _, err := w.WriteString("text"); err != nil {
			t.Fatal(err)
		}
		w.Close()
		their, our := pipeOf(t, true)
		var c streams
		c.add(stream{caller: r, ours: our, inwards: true})
		once(t, &c)
		if b, err := io.ReadAll(their); string(b) != "text" || err != nil {
			t.Errorf("%q %v", b, err)
		}
	})
	t.Run("silent streams wait without a goroutine, and are given up", func(t *testing.T) {
		_, w := caller(t)
		_, our := pipeOf(t, false)
		var c streams
		c.add(stream{caller: w, ours: our})
		once(t, &c)
		if len(c.waiting) != 1 {
			t.Fatal("not waiting any more")
		}
		c.close()
		if _, err := unix.FcntlInt(uintptr(our), unix.F_GETFD, 0); err != unix.EBADF {
			t.Errorf("our end is open: %v", err)
		}
	})
	t.Run("drain waits for the last of the output", func(t *testing.T) {
		r, w := caller(t)
		their, our := pipeOf(t, false)
		var c streams
		c.add(stream{caller: w, ours: our})
		if _, err := their.WriteString("last words"); err != nil {
			t.Fatal(err)
		}
		their.Close()
		c.drain()
		w.Close()
		if b, err := io.ReadAll(r); string(b) != "last words" || err != nil {
			t.Errorf("%q %v", b, err)
		}
	})
	t.Run("poll wakes for a signal only", func(t *testing.T) {
		r, w := caller(t)
		sig, sigw := caller(t)
		their, our := pipeOf(t, false)
		var c streams
		c.add(stream{caller: w, ours: our})
		done := make(chan error)
		go func() { done <- c.poll(int(sig.Fd())) }()
		if _, err := their.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		if _, err := r.Read(b[:]); err != nil || b[0] != 'x' {
			t.Fatal(b, err)
		}
		select {
		case err := <-done:
			t.Fatal("returned without a signal", err)
		default:
		}
		if _, err := sigw.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		their.Close()
		c.drain()
	})
}
