package libcontainer

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/seccomp"
)

// How the seccomp notify fd comes out of init.
//
// From the moment the filter is loaded, every syscall of init that the rules
// want notified blocks until the agent answers, and the agent knows nothing
// before it has the fd. So init must not need any of them to hand it over: it
// writes the fd's number with write(2), which can have no notify rule
// (validation sees to it), and goes on; the runtime takes the fd out of init by
// pidfd_getfd(2) (Linux 5.6).

// loadSeccomp puts the filter on this thread, the one that will exec.
func (i *initProcess) loadSeccomp() error {
	if i.Seccomp == nil {
		return nil
	}
	listener, err := i.Seccomp.Load()
	if err != nil {
		return fmt.Errorf("unable to init seccomp: %w", err)
	}
	if listener < 0 {
		return nil
	}
	// Laid out by hand: sendmsg(2) may have a rule.
	msg := binary.LittleEndian.AppendUint32([]byte{byte(msgListener)}, uint32(listener))
	if err := retry(func() error { _, err := unix.Write(i.sock.fd, msg); return err }); err != nil {
		return fmt.Errorf("unable to hand out the seccomp listener: %w", err)
	}
	// Until the runtime has it: exec would close it. This call may have a rule,
	// too, which is answered once the agent has the fd; where it is denied, we
	// can but go on.
	for {
		t, _, files, err := i.sock.recv()
		closeAll(files)
		i.saved = i.saved || t == msgSaved
		if err != nil || t == msgGo {
			return nil
		}
	}
}

// passListener takes the fd out of init and gives it to the agent.
func (l *launch) passListener(payload []byte) error {
	if len(payload) != 4 {
		return fmt.Errorf("unexpected seccomp listener message from init")
	}
	n := int(binary.LittleEndian.Uint32(payload))
	fd, err := unix.PidfdGetfd(int(l.run.pidfd.Fd()), n, 0)
	if err != nil {
		return fmt.Errorf("unable to get the seccomp listener from init: %w", os.NewSyscallError("pidfd_getfd", err))
	}
	defer unix.Close(fd)
	config := l.c.config.Seccomp
	state, err := l.c.ociState(specs.StateCreating)
	if err != nil {
		return err
	}
	if !l.p.Init {
		state.Status = specs.StateRunning
	}
	return seccomp.SendListener(config.ListenerPath, &specs.ContainerProcessState{
		Version:  specs.Version,
		Fds:      []string{specs.SeccompFdName},
		Pid:      l.run.pid,
		Metadata: config.ListenerMetadata,
		State:    *state,
	}, fd)
}
