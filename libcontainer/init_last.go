package libcontainer

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/bare"
	"runc/libcontainer/configs"
	"runc/libcontainer/rlimit"
)

// The last steps of init are those that may be under the container's filter, so
// they are few, known beforehand, and made without the Go runtime (package
// bare). Without no_new_privs only a process with CAP_SYS_ADMIN may load a
// filter; all but that capability is dropped by then:
//
//	no_new_privs off     no_new_privs on
//	filter, listener
//	capabilities
//	msgReady             msgReady
//	                     filter, listener
//	close the socket     close the socket     standard init only
//	open exec.fifo       open exec.fifo       standard init only
//	hooks                hooks                standard init only
//	exec                 exec

// holdsAdmin: CAP_SYS_ADMIN is kept for the filter.
func (i *initProcess) holdsAdmin() bool { return i.Seccomp != nil && !i.NoNewPrivileges }

// become makes this process the user's.
func (i *initProcess) become(program string) error {
	if !i.Setns {
		if err := i.awaitSaved(); err != nil {
			return err
		}
	}
	// Go would do it in its own exec.
	if err := rlimit.RestoreNofile(); err != nil {
		return err
	}
	calls := &bare.Calls{Sock: i.sock.fd, Mark: byte(msgError)}
	if i.holdsAdmin() {
		if err := i.filterCalls(calls); err != nil {
			return err
		}
		i.capsCall(calls)
	}
	calls.Add("unable to tell that init is ready: write", unix.SYS_WRITE,
		uintptr(i.sock.fd), calls.Pointer(unsafe.Pointer(&[]byte{byte(msgReady)}[0])), 1)
	if i.NoNewPrivileges {
		if err := i.filterCalls(calls); err != nil {
			return err
		}
	}
	if !i.Setns {
		i.startCalls(calls)
	}
	if len(i.StartContainer) != 0 {
		if err := i.run(calls); err != nil {
			return err
		}
		if err := i.runOwnHooks(configs.StartContainer, i.StartContainer, specs.StateCreated); err != nil {
			return err
		}
		calls = &bare.Calls{Sock: -1, Filtered: i.filtered}
	}
	if err := i.execCall(calls, program); err != nil {
		return err
	}
	return i.run(calls)
}

func (i *initProcess) run(calls *bare.Calls) error {
	err := calls.Run()
	i.filtered = calls.Filtered
	i.told = calls.Sock < 0
	var failed *bare.Error
	if errors.As(err, &failed) && failed.Call.Explain != nil {
		return failed.Call.Explain(failed.Errno)
	}
	return err
}

// filterCalls put the filter on this thread and hand its listener out, see
// listener.go. After them the runtime has it, and init has no more; unless
// read(2) is denied, when it is exec that closes it.
func (i *initProcess) filterCalls(calls *bare.Calls) error {
	p := i.Seccomp
	if p == nil {
		return nil
	}
	flags, prog := p.Prepare(), p.Fprog()
	load := calls.Add("unable to init seccomp", unix.SYS_SECCOMP,
		unix.SECCOMP_SET_MODE_FILTER, uintptr(flags), calls.Pointer(unsafe.Pointer(prog))).Filters()
	load.Explain = func(errno unix.Errno) error {
		return fmt.Errorf("unable to init seccomp: %w", p.Refused(flags, errno))
	}
	if !p.Notify {
		return nil
	}
	// The message's type, and the number, which the kernel's answer is put into.
	msg := new(struct {
		_        [3]byte
		kind     msgType
		listener uint32
		end      byte
	})
	msg.kind = msgListener
	done, err := i.closeListener(&msg.listener)
	if err != nil {
		return err
	}
	load.Into32(&msg.listener)
	calls.Add("unable to hand out the seccomp listener: write", unix.SYS_WRITE,
		uintptr(i.sock.fd), calls.Pointer(unsafe.Pointer(&msg.kind)), 1+unsafe.Sizeof(msg.listener))
	calls.Add("read", unix.SYS_READ, uintptr(done), calls.Pointer(unsafe.Pointer(&msg.end)), 1).Optional()
	return nil
}

// capsCall drops the capability that was held for the filter.
func (i *initProcess) capsCall(calls *bare.Calls) {
	hdr, data := i.Caps.Capset()
	calls.Add("unable to apply caps: capset", unix.SYS_CAPSET,
		calls.Pointer(unsafe.Pointer(hdr)), calls.Pointer(unsafe.Pointer(data)))
}

// startCalls block until somebody opens exec.fifo for reading: `runc start`. Its
// one byte says that init is past all that could fail.
func (i *initProcess) startCalls(calls *bare.Calls) {
	calls.Add("unable to close the socket to the runtime: close", unix.SYS_CLOSE, uintptr(i.sock.fd)).Close()
	open := calls.Add("open exec fifo "+fifoFilename, unix.SYS_OPENAT,
		uintptr(i.procFDs), calls.Text(strconv.Itoa(i.Fifo)), unix.O_WRONLY|unix.O_CLOEXEC)
	write := calls.Add("write exec fifo "+fifoFilename, unix.SYS_WRITE, 0, calls.Text("0"), 1)
	open.Into(write, 0)
	if len(i.StartContainer) == 0 {
		return // exec closes them
	}
	close := calls.Add("close", unix.SYS_CLOSE).Once().Optional()
	open.Into(close, 0)
	for _, fd := range []int{i.Fifo, i.procFDs} {
		calls.Add("close", unix.SYS_CLOSE, uintptr(fd)).Once().Optional()
	}
}

func (i *initProcess) execCall(calls *bare.Calls, program string) error {
	words := "exec " + program
	argv, err := calls.Texts(i.Args)
	if err != nil {
		return fmt.Errorf("%s: %w", words, err)
	}
	envv, err := calls.Texts(i.Env)
	if err != nil {
		return fmt.Errorf("%s: %w", words, err)
	}
	calls.Add(words, unix.SYS_EXECVE, calls.Text(program), argv, envv)
	return nil
}
