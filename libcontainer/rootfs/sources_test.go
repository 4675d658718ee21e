package rootfs

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// hungSources gives sources whose thread hangs until the channel is closed.
func hungSources(t *testing.T) (*Sources, chan struct{}) {
	t.Helper()
	cfg := defaultConfig("/r")
	cfg.Namespaces.Add(configs.NEWUSER, "")
	cfg.Mounts = []*configs.Mount{
		{Source: t.TempDir(), Destination: "/a", Device: "bind", Flags: unix.MS_BIND},
		{Source: "/nosuch", Destination: "/b", Device: "bind", Flags: unix.MS_BIND},
	}
	plan, err := NewPlan(cfg, Layout{})
	check(t, err)
	plan.Arrange()
	free := make(chan struct{})
	return plan.NewSources(func() error { <-free; return nil }, nil), free
}

func TestHungSourceIsGivenUp(t *testing.T) {
	needRoot(t)
	s, free := hungSources(t)
	interrupted := errors.New("interrupted")
	if _, err := s.OpenOr(0, func(int) error { return interrupted }); err != interrupted {
		t.Errorf("got %v", err)
	}
	s.Close()
	close(free)
	// It goes on by itself, and must not find anything closed under it.
	time.Sleep(10 * time.Millisecond)
}

func TestSlowSourceIsWaitedFor(t *testing.T) {
	needRoot(t)
	s, free := hungSources(t)
	defer s.Close()
	files, err := s.OpenOr(0, func(fd int) error {
		close(free)
		return retry(func() error {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			return err
		})
	})
	check(t, err)
	if len(files) != 1 {
		t.Errorf("%d files", len(files))
	}
	closeFiles(files)
	_, err = s.OpenOr(1, func(int) error { t.Error("it is not slow"); return nil })
	if !errors.Is(err, errNoSource) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	expectError(t, err, "mounts[1].source")
}
