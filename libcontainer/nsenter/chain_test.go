package nsenter

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// pidMessage is one that says that a process was made.
func pidMessage(pid int, more uint64) program.Message {
	return program.Message{Kind: msgPid, Value: uint32(pid), Addr: more}
}

func TestChainForged(t *testing.T) {
	const carrier, inCgroup, wanted, victim, neighbour = 100, 101, 102, 1, 900
	type said struct{ from, pid int }
	for name, c := range map[string]struct {
		relay  bool
		cgroup bool
		said   []said
		refuse bool
	}{
		"plain":                    {said: []said{{carrier, wanted}}},
		"forged before":            {said: []said{{neighbour, victim}, {carrier, wanted}}},
		"forged by the wanted one": {said: []said{{wanted, victim}, {carrier, wanted}}},
		"in a cgroup":              {cgroup: true, said: []said{{carrier, inCgroup}, {inCgroup, wanted}}},
		"in a cgroup, other order": {cgroup: true, said: []said{{inCgroup, wanted}, {carrier, inCgroup}}},
		"in a cgroup, forged":      {cgroup: true, said: []said{{wanted, victim}, {inCgroup, wanted}, {0x7fff, victim}, {carrier, inCgroup}}},
		"relay":                    {relay: true, said: []said{{inCgroup, inCgroup}, {neighbour, victim}, {inCgroup, wanted}}},
		"twice":                    {said: []said{{neighbour, victim}, {neighbour, victim}}, refuse: true},
		"many":                     {said: []said{{901, 1}, {902, 1}, {903, 1}, {904, 1}, {905, 1}}, refuse: true},
		"without a sender":         {said: []said{{0, victim}}, refuse: true},
		"relay for another":        {relay: true, said: []said{{neighbour, victim}}, refuse: true},
	} {
		s := &start{p: &Plan{relay: c.relay}, chain: chain{maker: -1}}
		s.pid, s.left = carrier, 1
		if c.relay || c.cgroup {
			s.left++
		}
		var err error
		for n, m := range c.said {
			more := uint64(0)
			if c.relay && n == 0 {
				more = 1
			}
			if err = s.note(m.from, pidMessage(m.pid, more)); err != nil {
				break
			}
		}
		switch {
		case c.refuse && err == nil:
			t.Errorf("%s: not refused, the process is %d", name, s.pid)
		case !c.refuse && (err != nil || s.pid != wanted || s.left != 0):
			t.Errorf("%s: process %d, %d left, error %v", name, s.pid, s.left, err)
		}
		for _, pid := range append(s.former, s.pid) {
			if pid == victim {
				t.Errorf("%s: the victim would be killed", name)
			}
		}
	}
}

// A message has its sender's pid, also when it is written by write(2), and one of
// another length than a message's is refused.
func TestReceiveSender(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Write(make([]byte, program.MessageSize)); err != nil {
		t.Fatal(err)
	}
	// With files, which are dropped.
	rights := syscall.UnixRights(pair[1])
	if err := syscall.Sendmsg(pair[1], make([]byte, program.MessageSize), rights, nil, 0); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	for range 2 {
		if _, from, err := receive(ours, -1, nil); err != nil || from != os.Getpid() {
			t.Errorf("message from %d, error %v; this is %d", from, err, os.Getpid())
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d open files, before %d", after, before)
	}
	if _, err := theirs.Write([]byte("short")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := receive(ours, -1, nil); err == nil {
		t.Error("a short message is none")
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
