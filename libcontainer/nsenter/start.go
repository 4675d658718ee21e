package nsenter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var stepNames = [...]string{
	stepMaps:  "wait for the user namespace's maps",
	stepClone: "clone into new namespaces",
	stepExec:  "exec init",
}

// nsNames is in the order of the CLONE_NEW bits' use in messages.
var nsNames = [...]struct {
	flag uintptr
	name string
}{
	{unix.CLONE_NEWUSER, "user"}, {unix.CLONE_NEWPID, "pid"}, {unix.CLONE_NEWNET, "network"},
	{unix.CLONE_NEWNS, "mount"}, {unix.CLONE_NEWIPC, "ipc"}, {unix.CLONE_NEWUTS, "uts"},
	{unix.CLONE_NEWTIME, "time"}, {unix.CLONE_NEWCGROUP, "cgroup"},
}

func flagNames(flags uintptr) string {
	s := ""
	for _, n := range nsNames {
		if flags&n.flag != 0 {
			if s != "" {
				s += ", "
			}
			s += n.name
		}
	}
	return s
}

// Start makes the child; [Child.Executed] waits for it to execute Exe. On error
// no child is left, and the error says which step failed.
func (p *Plan) Start() (_ *Child, err error) {
	if p.Direct != nil {
		if p.Exe, err = newStub(); err != nil {
			return nil, err
		}
		p.Argv, p.Env = []string{"runc"}, nil
		defer func() {
			if err != nil {
				p.Exe.Close()
			}
		}()
	}
	s, cleanup, err := p.script()
	if err != nil {
		return nil, err
	}
	defer cleanup()

	var status, gate [2]int
	if err := unix.Pipe2(status[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	defer func() {
		if err != nil {
			unix.Close(status[0])
			if s.shared && s.held {
				releaseDumpable()
			}
			// Until here a child may have used it.
			runtime.KeepAlive(s)
		}
	}()
	gate = [2]int{-1, -1}
	if s.waitMaps || s.direct != nil {
		if err := unix.Pipe2(gate[:], unix.O_CLOEXEC); err != nil {
			unix.Close(status[1])
			return nil, os.NewSyscallError("pipe2", err)
		}
		defer func() {
			if err != nil || s.direct == nil {
				unix.Close(gate[1])
			}
		}()
	}
	statusUp, err := above(status[1], s.reserved)
	unix.Close(status[1])
	if err != nil {
		if gate[0] >= 0 {
			unix.Close(gate[0])
		}
		return nil, err
	}
	if gate[0] >= 0 && gate[0] < s.reserved {
		up, e := above(gate[0], s.reserved)
		unix.Close(gate[0])
		gate[0] = up
		if e != nil {
			unix.Close(statusUp)
			return nil, e
		}
	}
	if s.relay {
		s.files = append(s.files, int(s.exe), statusUp, s.pidNS)
		s.spare = max(s.spare, s.pidNS+1)
	}
	s.status, s.gate, s.gateUp = uintptr(statusUp), uintptr(gate[0]), none
	if gate[1] >= 0 {
		s.gateUp = uintptr(gate[1])
	}
	s.spare = max(s.spare, statusUp+1, status[0]+1, gate[0]+1, gate[1]+1)

	if s.shared {
		holdDumpable()
		s.held = true
	}
	pid, errno := fork(s)
	unix.Close(statusUp)
	if gate[0] >= 0 {
		unix.Close(gate[0])
	}
	runtime.KeepAlive(p)
	if errno != 0 {
		if p.Cgroup != nil && s.first.flags&unix.CLONE_INTO_CGROUP != 0 && p.cgroupRefused(errno) {
			return nil, fmt.Errorf("%w: %w", ErrIntoCgroup, errno)
		}
		return nil, fmt.Errorf("clone into new namespaces (%s): %w", flagNames(uintptr(s.first.flags)), errno)
	}
	if s.waitMaps {
		err := p.MapIDs(int(pid))
		if err == nil {
			_, err = unix.Write(gate[1], []byte{1})
		}
		if err != nil {
			unix.Kill(int(pid), unix.SIGKILL)
			reap(int(pid))
			return nil, err
		}
	}
	final := int(pid)
	first := 0
	if s.stages == 2 {
		final, err = p.secondStage(status[0])
		if err == nil && s.shared {
			// It goes when the second executes.
			first = int(pid)
		} else {
			reap(int(pid))
		}
		if err != nil {
			return nil, err
		}
	}
	// It is our child and not waited for, so the number is still its own.
	fd, err := unix.PidfdOpen(final, 0)
	if err != nil {
		unix.Kill(final, unix.SIGKILL)
		reap(final)
		if first != 0 {
			reap(first)
		}
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	c := &Child{Pid: final, PidFD: os.NewFile(uintptr(fd), "pidfd"), plan: p, script: s, status: status[0], gate: -1, first: first}
	if s.direct != nil {
		c.gate, c.stub = gate[1], p.Exe
	}
	return c, nil
}

// cgroupRefused says whether the errno is one that CLONE_INTO_CGROUP gives for
// a folder where the child may not be (clone(2)).
func (p *Plan) cgroupRefused(errno syscall.Errno) bool {
	switch errno {
	case unix.EACCES, unix.EBUSY, unix.EOPNOTSUPP, unix.ENODEV, unix.EBADF, unix.EINVAL, unix.ENOENT:
		return true
	}
	return false
}

// secondStage waits for the first stage to tell the pid of the second.
func (p *Plan) secondStage(fd int) (int, error) {
	r, err := readReport(fd)
	switch {
	case err != nil:
		return 0, err
	case r == nil:
		return 0, errors.New("the child ended before it could make the process")
	case r.step != stepPid:
		return 0, p.explain(r)
	}
	return int(r.num), nil
}

// readReport reads what the child has to say: nothing when it has exec'd, which
// closes the pipe, or is gone, which does too.
func readReport(fd int) (*report, error) {
	r := new(report)
	buf := unsafe.Slice((*byte)(unsafe.Pointer(r)), unsafe.Sizeof(*r))
	var n int
	err := retry(func() (err error) { n, err = unix.Read(fd, buf); return err })
	switch {
	case err != nil:
		return nil, os.NewSyscallError("read", err)
	case n == 0:
		return nil, nil
	case n != len(buf):
		return nil, io.ErrUnexpectedEOF
	}
	return r, nil
}

func (p *Plan) explain(r *report) error {
	errno := syscall.Errno(r.num)
	switch r.step {
	case stepJoin:
		return fmt.Errorf("join %s namespace: %w", flagNames(p.Join[r.index].Flag), errno)
	case stepRoot:
		return fmt.Errorf("become %s of the user namespace: %w", [...]string{"group root", "root"}[r.index], errno)
	case stepTime:
		return fmt.Errorf("time namespace (config.json: linux.timeOffsets): %s: %w", [...]string{"unshare", "open timens_offsets", "write timens_offsets"}[r.index], errno)
	case stepCall:
		return stubFailed(r)
	case stepFiles:
		return fmt.Errorf("place fd %d: %w", r.index, errno)
	case stepExec:
		if errno == syscall.ENOENT {
			// Of a file that is open: its interpreter is meant (execve(2)).
			return fmt.Errorf("exec init: %w (the runtime is linked dynamically, which does not work inside containers: build it with CGO_ENABLED=0)", errno)
		}
	case stepClone:
		if p.Cgroup != nil && p.cgroupRefused(errno) {
			return fmt.Errorf("%w: %w", ErrIntoCgroup, errno)
		}
	}
	if int(r.step) < len(stepNames) && stepNames[r.step] != "" {
		if errno == 0 {
			return errors.New(stepNames[r.step])
		}
		return fmt.Errorf("%s: %w", stepNames[r.step], errno)
	}
	return fmt.Errorf("step %d of the child: %w", r.step, errno)
}

// script lays everything out for the child.
func (p *Plan) script() (*script, func(), error) {
	s := &script{
		becomeRoot: p.BecomeRoot,
		waitMaps:   p.New&unix.CLONE_NEWUSER != 0,
		newTime:    p.New&unix.CLONE_NEWTIME != 0,
		otherGID:   none,
	}
	if s.waitMaps && p.MapIDs == nil {
		return nil, nil, errors.New("a new user namespace needs maps")
	}
	slices.SortStableFunc(p.Join, func(a, b Join) int { return rank(a.Flag) - rank(b.Flag) })
	var joined uintptr
	for _, j := range p.Join {
		joined |= j.Flag
	}
	s.relay = p.Exposed && joined&unix.CLONE_NEWPID != 0
	pidNS := -1
	for _, j := range p.Join {
		flag := j.Flag
		if s.relay && flag&unix.CLONE_NEWPID != 0 {
			// The relay needs threads, which a process whose children are to
			// be elsewhere cannot have (copy_namespaces in the kernel).
			pidNS = int(j.File.Fd())
			flag &^= unix.CLONE_NEWPID
		}
		if flag != 0 {
			s.joins = append(s.joins, joinArg{j.File.Fd(), flag})
		}
	}
	rest := p.New &^ (unix.CLONE_NEWUSER | unix.CLONE_NEWTIME | unix.CLONE_NEWCGROUP)
	// A namespace of these kinds is entered by the child of who makes or
	// joins it; and what is made must be made by root of the user namespace,
	// once it is mapped, to be root's.
	s.stages = 1
	// A direct child is waited for in the place of another program.
	if p.Direct != nil || joined&(unix.CLONE_NEWPID|unix.CLONE_NEWTIME) != 0 || s.newTime ||
		rest != 0 && (s.waitMaps || len(p.Join) != 0) {
		s.stages = 2
	}
	// Linux 5.5: no handler of ours is the child's.
	s.first.flags, s.first.exitSignal = unix.CLONE_CLEAR_SIGHAND, uint64(unix.SIGCHLD)
	if p.asSibling {
		s.first.flags |= unix.CLONE_PARENT
		s.first.exitSignal = 0
	}
	s.reserved, s.pidNS = len(p.Files), pidNS
	if s.relay {
		s.reserved += relayFiles
	}
	// Not with a new user namespace, for whose maps the child has to be dumpable
	// and would be with our memory in it; not for an ordinary user, whose own
	// /proc/self would be closed to him meanwhile; and who enters a time
	// namespace must have its memory for itself (timens_install in the kernel).
	if canShare && !s.relay && !p.asSibling && !s.waitMaps && !s.newTime && joined&unix.CLONE_NEWTIME == 0 && os.Geteuid() == 0 {
		const size = 32 << 10
		s.shared = true
		s.stacks = make([]byte, 2*size)
		for i, a := range []*cloneArgs{&s.first, &s.second} {
			a.flags |= unix.CLONE_VM
			// The stack pointer has to be a multiple of 16.
			base := uintptr(unsafe.Pointer(&s.stacks[i*size]))
			a.stack = uint64((base + 15) &^ 15)
			a.stackSize = size - 16
		}
		// The first stage waits for the second: a process that is waited for
		// so is none that the kernel kills for want of memory, which would
		// take all that share its memory along, us too (mm/oom_kill.c).
		s.second.flags |= unix.CLONE_VFORK | unix.CLONE_PARENT_SETTID
		s.second.parentTID = uint64(uintptr(unsafe.Pointer(&s.tid)))
	}
	last := &s.first
	if s.stages == 2 && !s.relay {
		last = &s.second
		// The exit signal is the first stage's (clone3 wants 0 here).
		s.second.flags |= unix.CLONE_PARENT
	}
	if s.waitMaps {
		s.first.flags |= unix.CLONE_NEWUSER
	}
	if !s.relay {
		last.flags |= uint64(rest)
	}
	if p.Cgroup != nil {
		last.flags |= unix.CLONE_INTO_CGROUP
		last.cgroup = uint64(p.Cgroup.Fd())
	}
	if p.TimeOffsets != "" {
		s.offsets = []byte(p.TimeOffsets)
	}
	// Of the process, not of a thread: the child has but one.
	var err error
	if s.offsetPath, err = unix.BytePtrFromString("/proc/self/timens_offsets"); err != nil {
		return nil, nil, err
	}
	s.empty, _ = unix.BytePtrFromString("")
	if s.argv, err = syscall.SlicePtrFromStrings(p.Argv); err != nil {
		return nil, nil, fmt.Errorf("arguments of init: %w", err)
	}
	env := p.Env
	if s.relay {
		env = append(slices.Clip(env), relayVar(len(p.Files), rest))
	}
	if s.envv, err = syscall.SlicePtrFromStrings(env); err != nil {
		return nil, nil, fmt.Errorf("environment of init: %w", err)
	}
	if p.Direct != nil {
		if !s.shared {
			return nil, nil, errors.New("a direct child has to share the memory at first")
		}
		if s.direct, err = p.Direct.script(); err != nil {
			return nil, nil, err
		}
	}
	s.spare = len(p.Files)
	for _, f := range p.Files {
		fd := -1
		if f != nil {
			fd = int(f.Fd())
		}
		s.files = append(s.files, fd)
		s.spare = max(s.spare, fd+1)
	}
	exe, err := above(int(p.Exe.Fd()), s.reserved)
	if err != nil {
		return nil, nil, err
	}
	s.exe = uintptr(exe)
	s.spare = max(s.spare, exe+1)
	if !s.waitMaps && joined&unix.CLONE_NEWUSER == 0 {
		// "nobody", mapped in the initial user namespace; elsewhere it fails
		// and init has to be dumpable for a moment.
		s.otherGID = 65534
	} else {
		s.otherGID = 1
	}
	return s, func() { unix.Close(exe) }, nil
}

// above duplicates an fd to a number that the child's own files do not reach.
func above(fd, n int) (int, error) {
	up, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, n)
	if err != nil {
		return -1, os.NewSyscallError("fcntl(F_DUPFD_CLOEXEC)", err)
	}
	return up, nil
}

func reap(pid int) {
	retry(func() error { _, err := unix.Wait4(pid, nil, 0, nil); return err })
}

func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
