// Seccompagent is an example of an agent for SCMP_ACT_NOTIFY: it listens at
// the socket that config.json names in linux.seccomp.listenerPath, and answers
// for the processes of each container that comes there.
//
//   - mkdir and mkdirat: it makes the folder itself, inside the process's root,
//     with "-" and the listenerMetadata behind its name, if there is any.
//   - chmod, fchmod, fchmodat: fail with ENOMEDIUM.
//   - all others go on as if there were no filter.
//
// Making a folder on a process's behalf is only an example: the agent's rights
// are not the process's, and it checks none of those.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// notif, data and resp are those of linux/seccomp.h (seccomp_unotify(2)).
type data struct {
	nr   int32
	arch uint32
	ip   uint64
	args [6]uint64
}

type notif struct {
	id    uint64
	pid   uint32
	flags uint32
	data  data
}

type resp struct {
	id    uint64
	val   int64
	errno int32 // negative
	flags uint32
}

const flagContinue = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE, Linux 5.5

func main() {
	log.SetFlags(0)
	log.SetPrefix("seccompagent: ")
	socket := flag.String("socketfile", "/run/seccomp-agent.socket", "where to listen")
	pidFile := flag.String("pid-file", "", "where to write our pid, once we listen")
	flag.Parse()
	if err := os.Remove(*socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: *socket, Net: "unix"})
	if err != nil {
		log.Fatal(err)
	}
	if *pidFile != "" {
		if err := os.WriteFile(*pidFile, []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			log.Fatal(err)
		}
		state, fd, err := receive(conn)
		conn.Close()
		if err != nil {
			log.Print(err)
			continue
		}
		go func() {
			defer unix.Close(fd)
			if err := serve(fd, state.Metadata); err != nil {
				log.Printf("container %s: %v", state.State.ID, err)
			}
		}()
	}
}

// receive reads the one message that a runtime sends.
func receive(conn *net.UnixConn) (*specs.ContainerProcessState, int, error) {
	var text bytes.Buffer
	buf, oob := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4))
	fd := -1
	for {
		n, k, _, _, err := conn.ReadMsgUnix(buf, oob)
		if n == 0 {
			if err != nil && text.Len() == 0 {
				return nil, -1, err
			}
			break
		}
		text.Write(buf[:n])
		if k > 0 {
			msgs, err := unix.ParseSocketControlMessage(oob[:k])
			if err != nil {
				return nil, -1, err
			}
			fds, err := unix.ParseUnixRights(&msgs[0])
			if err != nil {
				return nil, -1, err
			}
			fd = fds[0]
		}
	}
	state := new(specs.ContainerProcessState)
	if err := json.Unmarshal(text.Bytes(), state); err != nil {
		return nil, -1, err
	}
	if fd < 0 || len(state.Fds) != 1 || state.Fds[0] != specs.SeccompFdName {
		return nil, -1, fmt.Errorf("no %s came with the state", specs.SeccompFdName)
	}
	unix.CloseOnExec(fd)
	return state, fd, nil
}

// serve answers until the last process with the filter has ended.
func serve(fd int, metadata string) error {
	for {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(p, -1); err != nil && err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
		if p[0].Revents&unix.POLLIN == 0 {
			if p[0].Revents&unix.POLLHUP != 0 {
				return nil
			}
			continue
		}
		var n notif
		err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n))
		if err == unix.ENOENT || err == unix.EINTR {
			// It was killed in the meantime.
			continue
		} else if err != nil {
			return os.NewSyscallError("ioctl(SECCOMP_IOCTL_NOTIF_RECV)", err)
		}
		r := answer(fd, &n, metadata)
		if err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r)); err != nil && err != unix.ENOENT {
			return os.NewSyscallError("ioctl(SECCOMP_IOCTL_NOTIF_SEND)", err)
		}
	}
}

func answer(fd int, n *notif, metadata string) resp {
	r := resp{id: n.id}
	var err error
	switch kind(n.data.nr) {
	case callMkdir:
		err = mkdir(fd, n, unix.AT_FDCWD, n.data.args[0], uint32(n.data.args[1]), metadata)
	case callMkdirat:
		err = mkdir(fd, n, int(int32(n.data.args[0])), n.data.args[1], uint32(n.data.args[2]), metadata)
	case callChmod:
		err = unix.ENOMEDIUM
	default:
		r.flags = flagContinue
	}
	if err != nil {
		errno := unix.EINVAL
		errors.As(err, &errno)
		r.errno = -int32(errno)
	}
	return r
}

// mkdir makes the folder that the process wants.
func mkdir(fd int, n *notif, dirfd int, path uint64, mode uint32, metadata string) error {
	proc := "/proc/" + strconv.Itoa(int(n.pid))
	mem, err := os.Open(proc + "/mem")
	if err != nil {
		return err
	}
	defer mem.Close()
	buf := make([]byte, unix.PathMax)
	k, err := mem.ReadAt(buf, int64(path))
	if k == 0 && err != nil {
		return unix.EFAULT
	}
	name, _, ok := bytes.Cut(buf[:k], []byte{0})
	if !ok {
		return unix.ENAMETOOLONG
	}
	at, base := proc+"/root", string(name)
	flags := uint64(unix.RESOLVE_IN_ROOT)
	if !filepath.IsAbs(base) {
		at = proc + "/cwd"
		if dirfd != unix.AT_FDCWD {
			at = proc + "/fd/" + strconv.Itoa(dirfd)
		}
		// From there "..", would be beyond what one can bound.
		flags = unix.RESOLVE_BENEATH
	}
	if metadata != "" {
		base = filepath.Clean(base) + "-" + metadata
	}
	from, err := unix.Open(at, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	parent, err := unix.Openat2(from, filepath.Dir(base), &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: flags | unix.RESOLVE_NO_MAGICLINKS})
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	// All that was read by the pid was the process's own only if it still
	// waits for us: the pid may have become another's.
	if err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)); err != nil {
		return err
	}
	return unix.Mkdirat(parent, filepath.Base(base), mode)
}

func ioctl(fd int, req uint, arg unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(req), uintptr(arg))
	if errno != 0 {
		return errno
	}
	return nil
}

const (
	callOther = iota
	callMkdir
	callMkdirat
	callChmod
)
