package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/wire"
	"runc/libcontainer/nsenter"
	"runc/libcontainer/rootfs"
)

// initProcess is this process, once it is the one inside.
type initProcess struct {
	bootstrap
	sock channel
	// told: the runtime has closed its ear; what still fails goes to stderr.
	told bool
	// procFDs is the folder of our fds in the host's procfs, opened while the
	// host's mounts are the only ones there are; -1 otherwise.
	procFDs int
	// saved: the runtime has written the state file.
	saved bool
	// filtered: the container's seccomp filter is on this thread.
	filtered bool
}

// errByHand is what a person gets who calls the hidden command.
var errByHand = errors.New("`runc init` is what the runtime starts inside a container, with a socket to talk to; it cannot be used by hand")

// Init is what the re-exec'd binary has to call as its very first step when
// its first argument is "init". It sets the container up, or joins it, and
// becomes the user's process; it returns only when it was not libcontainer
// that started it, with an error to be shown.
//
// Everything happens on the one thread that main began on: namespaces,
// credentials and filters belong to threads, and execve(2) keeps the caller's.
func Init() error {
	runtime.LockOSThread()
	if relay := os.Getenv(nsenter.RelayEnv); relay != "" {
		if err := nsenter.Relay(relay); err != nil {
			return errByHand
		}
	}
	text := os.Getenv(sockEnv)
	if text == "" {
		return errByHand
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		return errByHand
	}
	// Until execve no process of the container may look into this one: its
	// memory and fds are the runtime's (CVE-2016-9962). nsenter has seen to it
	// that exec did not make it dumpable; this is for kernels' exceptions.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl(PR_SET_DUMPABLE)", err)
	}
	// To that end nsenter gave us a real gid that is not the effective one. It
	// has served; and the runtime may only set our limits if all ids are its own.
	gid := uintptr(os.Getegid())
	if _, _, e := unix.RawSyscall(sysSetresgid, gid, gid, gid); e != 0 {
		return os.NewSyscallError("setresgid", e)
	}
	unix.CloseOnExec(fd)
	i := &initProcess{sock: channel{fd: fd}, procFDs: -1}
	err = i.main()
	i.fail(err)
	return nil
}

// fail tells why, to the runtime as long as it listens, and ends.
func (i *initProcess) fail(err error) {
	if i.filtered && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)) {
		err = fmt.Errorf("%w (denied by the seccomp filter? config.json: linux.seccomp)", err)
	}
	if !i.told {
		if i.sock.send(msgError, []byte(err.Error())) == nil {
			os.Exit(1)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(255)
}

func (i *initProcess) main() error {
	t, payload, files, err := i.sock.recv()
	closeAll(files)
	if err != nil {
		// The runtime is gone, or never was.
		os.Exit(1)
	}
	if t != msgBootstrap {
		return fmt.Errorf("init: unexpected message %d", t)
	}
	if err := wire.Decode(payload, &i.bootstrap); err != nil {
		return err
	}
	for _, fd := range []int{i.Fifo, i.Console, i.PidfdSock} {
		if fd >= 0 {
			unix.CloseOnExec(fd)
		}
	}
	i.debugf("child process in init()")
	// Away from the caller's terminal and its signals.
	if _, err := unix.Setsid(); err != nil {
		return os.NewSyscallError("setsid", err)
	}
	if i.Setns {
		return i.joinContainer()
	}
	return i.setUpContainer()
}

// ask stops until the runtime has done its part.
func (i *initProcess) ask(t msgType, payload []byte) error {
	if err := i.sock.send(t, payload); err != nil {
		return err
	}
	return i.await()
}

func (i *initProcess) await() error { return i.expect(msgGo) }

func (i *initProcess) expect(want msgType) error {
	closeAll(i.receive(want))
	return nil
}

// receive waits for a message of that type and gives the files that come with it.
func (i *initProcess) receive(want msgType) []*os.File {
	for {
		t, _, files, err := i.sock.recv()
		i.saved = i.saved || t == msgSaved
		switch {
		case err != nil || t != want && t != msgSaved:
			// The runtime gave up or died: it knows why, nobody else listens.
			os.Exit(1)
		case t == want:
			return files
		}
		closeAll(files)
	}
}

// askSources has the runtime open the sources that the operation with this
// number of the root file system's plan needs.
func (i *initProcess) askSources(op int) ([]*os.File, error) {
	if err := i.sock.send(msgSources, []byte(strconv.Itoa(op))); err != nil {
		return nil, err
	}
	return i.receive(msgGo), nil
}

// tellMounts says which mounts the runtime has to undo at the end.
func (i *initProcess) tellMounts(list []rootfs.HostMount) error {
	payload, err := wire.Encode(list)
	if err != nil {
		return err
	}
	return i.ask(msgMounts, payload)
}

// awaitSaved makes sure that the state file names us before we do what outlives
// the runtime: should that die earlier, we end with it and nothing is left.
func (i *initProcess) awaitSaved() error {
	if i.saved {
		return nil
	}
	return i.expect(msgSaved)
}
