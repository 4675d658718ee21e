package nsenter

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
	"runc/libcontainer/internal/wire"
)

// The relay is the carrier where there is no stub: the sealed binary, executed
// outside the container as `runc init`. It goes through the same program in a
// child that has a copy of its memory, in which nothing of the runtime is.

// RelayEnv is the environment variable that tells the program to call [Relay],
// with its value.
const RelayEnv = "_RUNC_INIT_RELAY"

func relayEnv(sock int) string { return RelayEnv + "=" + strconv.Itoa(sock) }

// relayPlan is the part of a Plan that its program depends on.
type relayPlan struct {
	Joins       []uintptr
	New         uintptr
	BecomeRoot  bool
	TimeOffsets string
	Cgroup      bool
	Files       int
	Argv, Env   []string
	Others      []int
}

// sendRelay sends the plan to the relay.
func (s *start) sendRelay() error {
	p := s.p
	r := relayPlan{
		New: p.New, BecomeRoot: p.BecomeRoot, TimeOffsets: p.TimeOffsets, Cgroup: p.Cgroup != nil,
		Files: len(p.Files), Argv: p.Exec.Argv, Env: p.Exec.Env, Others: p.others,
	}
	for _, j := range p.Join {
		r.Joins = append(r.Joins, j.Flag)
	}
	payload, err := wire.Encode(r)
	if err != nil {
		return err
	}
	_, err = s.conn.Write(append(binary.NativeEndian.AppendUint32(nil, uint32(len(payload))), payload...))
	return err
}

// Relay makes the process that this one was started for, as a child of its own
// parent, and ends. It returns only when value is not from the runtime.
func Relay(value string) error {
	sock, err := strconv.Atoi(value)
	if err != nil || sock < 0 {
		return errors.New("not started as a relay")
	}
	if _, err := unix.FcntlInt(uintptr(sock), unix.F_GETFD, 0); err != nil {
		return errors.New("not started as a relay")
	}
	conn := os.NewFile(uintptr(sock), "runtime")
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil {
		os.Exit(program.ExitAlone)
	}
	payload := make([]byte, binary.NativeEndian.Uint32(head))
	if _, err := io.ReadFull(conn, payload); err != nil {
		os.Exit(program.ExitAlone)
	}
	var r relayPlan
	if err := wire.Decode(payload, &r); err != nil {
		return err
	}
	p := &Plan{
		New: r.New, BecomeRoot: r.BecomeRoot, TimeOffsets: r.TimeOffsets,
		Files: make([]*os.File, r.Files), Exec: &Exec{Argv: r.Argv, Env: r.Env}, relay: true, others: r.Others,
	}
	for _, flag := range r.Joins {
		p.Join = append(p.Join, Join{Flag: flag})
	}
	if r.Cgroup {
		p.Cgroup = conn
	}
	b := p.program()
	// The child that enters is a sibling of this process, as the one that it
	// makes: the runtime waits for all of them.
	if _, err := b.Fork(sock); err != nil {
		os.Exit(program.ExitFailed)
	}
	os.Exit(0)
	return nil
}
