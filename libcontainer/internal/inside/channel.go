package inside

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// What the runtime and `runc init` say to each other, over one SOCK_SEQPACKET
// pair. Both sides follow this table from top to bottom. A line in brackets is
// only there when the configuration needs it.
//
//	runtime                    init
//	MsgBootstrap ----------->
//	MsgSaved ---------------->             whenever the state file is there, and
//	                                       limits are set that need not wait
//	               [<--- KindSources]      the number of a mount whose source the
//	[MsgGo (+fds)] ------>                 runtime opens; as often as needed
//	               [<--- MsgMounts]        the mounts on the host, of a container
//	[MsgGo] ------------->                 without a mount namespace
//	               [<--- KindHooks]        mounts are made, the root changes next
//	[MsgGo] ------------->
//	               [<--- KindConsole]
//	               [<--- KindRlimits]      before privileges are dropped
//	[MsgGo] ------------->
//	               [<--- KindListener]     where no_new_privs is on, after KindReady
//	[MsgGo] ------------->
//	                 <--- KindReady        nothing is left that can fail; init
//	                                       must have had MsgSaved by now
//	                 <--- end of file      first process: it opens exec.fifo now;
//	                                       others: the user's program runs
//
// The kinds are those of the program's messages (setup.go), sent by MsgProgram.
// MsgError may come instead of any line from init, and MsgDebug before any when
// the runtime logs that much. The stub's socket has the same messages of the
// program, without MsgBootstrap and MsgSaved: the runtime sends the last part of
// the program when the state file is there.
type MsgType byte

// The messages.
const (
	MsgBootstrap MsgType = iota + 1
	MsgSaved
	MsgGo
	MsgProgram
	MsgMounts
	MsgError
	MsgDebug
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

// Channel is one end of the pair.
type Channel struct {
	FD int
	// Await, where it is not nil, waits for these events of poll(2) before a
	// piece is sent or received: the runtime must not be held up by a process
	// that reads or writes nothing more. Its [io.EOF] says that the other side
	// has ended.
	Await func(events int16) error
}

// Send sends a message, in pieces where it is long.
func (c Channel) Send(t MsgType, payload []byte, fds ...int) error {
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
		if err := c.sendPiece(piece, rights); err != nil {
			return err
		}
		payload, fds = payload[n:], fds[k:]
		if head&msgMore == 0 {
			return nil
		}
	}
}

func (c Channel) sendPiece(piece, rights []byte) error {
	flags := unix.MSG_NOSIGNAL
	if c.Await != nil {
		flags |= unix.MSG_DONTWAIT
	}
	for {
		_, err := unix.SendmsgN(c.FD, piece, rights, nil, flags)
		switch {
		case err == nil:
			return nil
		case err == unix.EINTR:
		case err == unix.EAGAIN && c.Await != nil:
			if err := c.Await(unix.POLLOUT); err == io.EOF {
				return unix.EPIPE
			} else if err != nil {
				return err
			}
		default:
			return os.NewSyscallError("sendmsg", err)
		}
	}
}

// Recv gives the next message; [io.EOF] when the other side has closed.
func (c Channel) Recv() (MsgType, []byte, []*os.File, error) {
	var (
		whole []byte
		files []*os.File
		kind  MsgType
		buf   = make([]byte, 1+pieceSize)
		oob   = make([]byte, unix.CmsgSpace(4*maxFDs))
		reset bool
	)
	fail := func(err error) (MsgType, []byte, []*os.File, error) {
		CloseAll(files)
		return 0, nil, nil, err
	}
	for {
		if c.Await != nil {
			if err := c.Await(unix.POLLIN); err != nil {
				return fail(err)
			}
		}
		var n, oobn, flags int
		if err := system.Retry(func() (err error) {
			n, oobn, flags, _, err = unix.Recvmsg(c.FD, buf, oob, unix.MSG_CMSG_CLOEXEC)
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
		got, err := ParseRights(oob[:oobn])
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
		t := MsgType(buf[0] &^ msgMore)
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

// ParseRights gives the files of a control message.
func ParseRights(oob []byte) ([]*os.File, error) {
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

// CloseAll closes files, of which some may be nil.
func CloseAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
