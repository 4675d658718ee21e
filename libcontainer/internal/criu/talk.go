package criu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"golang.org/x/sys/unix"
)

// notification is CRIU's word that it has come to a certain step. CRIU waits
// until that is answered.
type notification struct {
	script string
	// pid is that of the container's first process, at those steps where there
	// is one.
	pid int
	// file came with the notification. Whoever is notified closes it.
	file *os.File
}

// maxPacket is more than any response of CRIU's has: it sends a message in one
// packet, and what does not fit is cut off.
const maxPacket = 64 << 10

// ask sends a request that CRIU answers at once, and that is not the last.
func (p *process) ask(req *rpc.CriuReq) (*rpc.CriuResp, error) {
	keep := true
	req.KeepOpen = &keep
	return p.call(context.Background(), req, nil)
}

// call sends a request and gives the response to it. Until then it passes on
// what CRIU notifies of; an error of notify, or the end of ctx, makes CRIU stop
// and undo what it did, and is returned.
func (p *process) call(ctx context.Context, req *rpc.CriuReq, notify func(notification) error) (*rpc.CriuResp, error) {
	if err := p.send(req); err != nil {
		return nil, err
	}
	var refused error
	for {
		resp, file, err := p.recv()
		if err != nil {
			return nil, errors.Join(refused, err)
		}
		if resp.GetType() != rpc.CriuReqType_NOTIFY {
			if file != nil {
				file.Close()
			}
			if resp.GetType() != req.GetType() && resp.GetSuccess() {
				return nil, fmt.Errorf("CRIU answered a request %v with a response %v", req.GetType(), resp.GetType())
			}
			return resp, refused
		}
		if refused == nil {
			refused = context.Cause(ctx)
		}
		n := notification{script: resp.GetNotify().GetScript(), pid: int(resp.GetNotify().GetPid()), file: file}
		if refused == nil && notify != nil {
			refused = notify(n)
		} else if file != nil {
			file.Close()
		}
		kind, ok := rpc.CriuReqType_NOTIFY, refused == nil
		if err := p.send(&rpc.CriuReq{Type: &kind, NotifySuccess: &ok}); err != nil {
			return nil, errors.Join(refused, err)
		}
	}
}

func (p *process) send(req *rpc.CriuReq) error {
	b, err := req.MarshalVT()
	if err != nil {
		return err
	}
	if _, err := p.sock.Write(b); err != nil {
		if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
			return errEnded
		}
		return fmt.Errorf("write to CRIU: %w", err)
	}
	return nil
}

// recv reads one packet, and the descriptor that may come with it.
func (p *process) recv() (*rpc.CriuResp, *os.File, error) {
	conn, err := p.sock.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	buf := make([]byte, maxPacket)
	oob := make([]byte, unix.CmsgSpace(2*4))
	var n, oobn, flags int
	read := func(fd uintptr) bool {
		for {
			n, oobn, flags, _, err = unix.Recvmsg(int(fd), buf, oob, unix.MSG_CMSG_CLOEXEC)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	}
	if e := conn.Read(read); errors.Is(e, os.ErrDeadlineExceeded) {
		// CRIU has ended. Its last words may still be in the socket.
		got := false
		if e := conn.Control(func(fd uintptr) { got = read(fd) }); e != nil {
			return nil, nil, e
		}
		if !got {
			return nil, nil, errEnded
		}
	} else if e != nil {
		return nil, nil, e
	}
	switch {
	case errors.Is(err, unix.ECONNRESET) || err == nil && n <= 0 && oobn == 0:
		return nil, nil, errEnded
	case err != nil:
		return nil, nil, fmt.Errorf("read from CRIU: %w", os.NewSyscallError("recvmsg", err))
	}
	file, err := oneFile(oob[:oobn])
	if err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = io.ErrShortBuffer
	}
	resp := new(rpc.CriuResp)
	if err == nil {
		err = resp.UnmarshalVT(buf[:n])
	}
	if err != nil {
		if file != nil {
			file.Close()
		}
		return nil, nil, fmt.Errorf("read from CRIU: %w", err)
	}
	return resp, file, nil
}

// oneFile takes a descriptor out of control data; nil when there is none.
func oneFile(oob []byte) (*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var file *os.File
	for i := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			continue // credentials, say
		}
		for _, fd := range fds {
			if file != nil {
				unix.Close(fd)
				continue
			}
			file = os.NewFile(uintptr(fd), "criu-fd")
		}
	}
	return file, nil
}
