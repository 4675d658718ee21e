package inside

import (
	"bytes"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func pair(t *testing.T) (a, b Channel) {
	t.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(p[0]); unix.Close(p[1]) })
	return Channel{FD: p[0]}, Channel{FD: p[1]}
}

func TestChannelCarriesAnyLength(t *testing.T) {
	for _, n := range []int{0, 1, pieceSize - 1, pieceSize, pieceSize + 1, 5 * pieceSize, 3 << 20} {
		a, b := pair(t)
		want := bytes.Repeat([]byte{7, 9}, n)[:n]
		sent := make(chan error, 1)
		go func() { sent <- a.Send(MsgBootstrap, want) }()
		kind, got, files, err := b.Recv()
		if err != nil || kind != MsgBootstrap || !bytes.Equal(got, want) || len(files) != 0 {
			t.Errorf("%d bytes: type %d, %d bytes, %d files, %v", n, kind, len(got), len(files), err)
		}
		if err := <-sent; err != nil {
			t.Errorf("%d bytes: send: %v", n, err)
		}
	}
}

func TestChannelCarriesFilesInOrder(t *testing.T) {
	a, b := pair(t)
	var fds []int
	var want []unix.Stat_t
	for range maxFDs + 10 {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var st unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &st); err != nil {
			t.Fatal(err)
		}
		fds, want = append(fds, int(f.Fd())), append(want, st)
	}
	sent := make(chan error, 1)
	go func() { sent <- a.Send(MsgGo, []byte("x"), fds...) }()
	_, payload, files, err := b.Recv()
	if err != nil || string(payload) != "x" || len(files) != len(fds) {
		t.Fatalf("%q, %d files, %v", payload, len(files), err)
	}
	defer CloseAll(files)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		var st unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Ino != want[i].Ino {
			t.Fatalf("file %d is another one (%v)", i, err)
		}
		flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Fatalf("file %d is not close-on-exec", i)
		}
	}
}

func TestChannelTellsTheEnd(t *testing.T) {
	a, b := pair(t)
	if err := a.Send(MsgProgram, nil); err != nil {
		t.Fatal(err)
	}
	unix.Shutdown(a.FD, unix.SHUT_RDWR)
	if kind, _, _, err := b.Recv(); kind != MsgProgram || err != nil {
		t.Errorf("first: %d, %v", kind, err)
	}
	if _, _, _, err := b.Recv(); err != io.EOF {
		t.Errorf("then: %v, not EOF", err)
	}
}

func TestChannelRefusesMixedPieces(t *testing.T) {
	a, b := pair(t)
	for _, piece := range [][]byte{{byte(MsgProgram) | msgMore, 'a'}, {byte(MsgError), 'b'}} {
		if _, err := unix.Write(a.FD, piece); err != nil {
			t.Fatal(err)
		}
	}
	if kind, payload, _, err := b.Recv(); err == nil {
		t.Errorf("accepted as type %d: %q", kind, payload)
	}
}

func TestChannelReadsTheLastWordsOfAPeerThatDidNotListen(t *testing.T) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b := Channel{FD: p[0]}, Channel{FD: p[1]}
	defer unix.Close(a.FD)
	if err := a.Send(MsgSaved, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Send(MsgError, []byte("why")); err != nil {
		t.Fatal(err)
	}
	unix.Close(b.FD)
	if kind, payload, _, err := a.Recv(); kind != MsgError || string(payload) != "why" || err != nil {
		t.Errorf("%d, %q, %v", kind, payload, err)
	}
	if _, _, _, err := a.Recv(); err != io.EOF {
		t.Errorf("then: %v, not EOF", err)
	}
}
