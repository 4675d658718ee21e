package rootfs

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long OpenOr waits before it asks await: long for a healthy
// file system, and short for a person who has interrupted the start.
const patience = 100 * time.Millisecond

// OpenOr is Open, but may be given up: to open a path hangs where its file
// system does (NFS, FUSE), and no signal ends that. await waits until the fd can
// be read, or returns an error because the start has been interrupted. After
// that error s is not to be used any more, but for Close.
func (s *Sources) OpenOr(op int, await func(fd int) error) ([]*os.File, error) {
	var files []*os.File
	var err error
	done := make(chan struct{})
	go func() {
		files, err = s.Open(op)
		close(done)
	}()
	slow := time.NewTimer(patience)
	defer slow.Stop()
	select {
	case <-done:
		return files, err
	case <-slow.C:
	}
	event, everr := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if everr != nil {
		<-done
		return files, err
	}
	written := make(chan struct{})
	go func() {
		<-done
		_, _ = unix.Write(event, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		close(written)
	}()
	werr := await(event)
	finish := func() {
		<-written
		unix.Close(event)
	}
	if werr == nil {
		finish()
		return files, err
	}
	s.hung = true
	go func() {
		finish()
		closeFiles(files)
		s.end()
	}()
	return nil, werr
}
