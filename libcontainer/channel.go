package libcontainer

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// What the runtime and init say to each other, over one SOCK_SEQPACKET pair.
// Both sides follow this table from top to bottom; a line in brackets is said
// only when the configuration needs it.
//
//	runtime                    init
//	msgBootstrap -------->
//	msgSaved ---------------->            whenever the state file is there
//	                                    and limits are set that need not wait
//	               [<--- msgSources]    the number of a mount whose source the
//	[msgGo (+fds)] ------>              runtime opens; as often as needed
//	               [<--- msgMounts]     the mounts on the host, of a container
//	[msgGo] ------------->              without a mount namespace
//	               [<--- msgHooks]      mounts are made, pivot_root is next; hooks,
//	                                    and limits that had to wait for mounts
//	[msgGo] ------------->
//	               [<--- msgRlimits]    before privileges are dropped
//	[msgGo] ------------->
//	               [<--- msgListener]   the seccomp notify fd, see listener.go;
//	                                    where no_new_privs is on, after msgReady
//	                 <--- msgReady      nothing is left that can fail
//	                                    init has to have had msgSaved by now
//	                 <--- end of file   (standard init: it opens exec.fifo now;
//	                                     setns init: the user's process runs)
//
// msgError may come instead of any line from init, and msgDebug before any when
// the runtime logs that much.
type msgType byte

const (
	msgBootstrap msgType = iota + 1
	msgSaved
	msgGo
	msgSources
	msgMounts
	msgHooks
	msgRlimits
	msgListener
	msgReady
	msgError
	msgDebug
)

const (
	// A packet must fit into the socket's send buffer (net.core.wmem_default,
	// 208 KiB unless set lower), so longer payloads go in pieces.
	pieceSize = 32 << 10
	// msgMore is set on all pieces but the last.
	msgMore = 0x80
	// maxPayload bounds what one side makes the other keep: a config.json's
	// strings plus slack. The kernel bounds argv and env to less.
	maxPayload = 64 << 20
	// maxFDs is SCM_MAX_FD of the kernel (net/scm.h).
	maxFDs = 253
)

// channel is one end of the pair.
type channel struct{ fd int }

func (c channel) send(t msgType, payload []byte, fds ...int) error {
	var rights []byte
	for {
		n := min(len(payload), pieceSize)
		head := byte(t)
		if n < len(payload) {
			head |= msgMore
		}
		// Many files go over several pieces too, the first ones first.
		k := min(len(fds), maxFDs)
		if k < len(fds) {
			head |= msgMore
		}
		rights = nil
		if k > 0 {
			rights = unix.UnixRights(fds[:k]...)
		}
		piece := make([]byte, 1+n)
		piece[0] = head
		copy(piece[1:], payload[:n])
		if err := retry(func() error {
			_, err := unix.SendmsgN(c.fd, piece, rights, nil, unix.MSG_NOSIGNAL)
			return os.NewSyscallError("sendmsg", err)
		}); err != nil {
			return err
		}
		payload, fds = payload[n:], fds[k:]
		if head&msgMore == 0 {
			return nil
		}
	}
}

// recv gives the next message; [io.EOF] when the other side has closed.
func (c channel) recv() (msgType, []byte, []*os.File, error) {
	var (
		whole []byte
		files []*os.File
		kind  msgType
		buf   = make([]byte, 1+pieceSize)
		oob   = make([]byte, unix.CmsgSpace(4*maxFDs))
		reset bool
	)
	fail := func(err error) (msgType, []byte, []*os.File, error) {
		closeAll(files)
		return 0, nil, nil, err
	}
	for {
		var n, oobn, flags int
		if err := retry(func() (err error) {
			n, oobn, flags, _, err = unix.Recvmsg(c.fd, buf, oob, unix.MSG_CMSG_CLOEXEC)
			return os.NewSyscallError("recvmsg", err)
		}); err != nil {
			// A peer that ends with something of ours unread resets the
			// connection, once; what it said before can still be read.
			if errors.Is(err, unix.ECONNRESET) && !reset {
				reset = true
				continue
			}
			return fail(err)
		}
		got, err := parseRights(oob[:oobn])
		files = append(files, got...)
		if err != nil {
			return fail(err)
		}
		if n == 0 {
			return fail(io.EOF)
		}
		if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || len(whole)+n > maxPayload {
			return fail(errors.New("message between runtime and init is too long"))
		}
		t := msgType(buf[0] &^ msgMore)
		if kind != 0 && t != kind {
			return fail(fmt.Errorf("message between runtime and init: type %d inside type %d", t, kind))
		}
		kind = t
		whole = append(whole, buf[1:n]...)
		if buf[0]&msgMore == 0 {
			return kind, whole, files, nil
		}
	}
}

func parseRights(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("control message between runtime and init: %w", err)
	}
	var files []*os.File
	for i := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "passed-fd"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// retry repeats a call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
