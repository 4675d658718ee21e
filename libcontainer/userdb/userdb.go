// Package userdb looks up the home directory of a user in a container's own
// /etc/passwd; see passwd(5).
package userdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// maxSize bounds how much of an image's file is read.
	maxSize = 16 << 20
	// maxLine bounds one entry; longer ones are skipped.
	maxLine = 4096
)

// Home is the home directory of uid according to /etc/passwd below root, a
// directory that may be opened with O_PATH; nil is the root of the calling
// process. It is "/" when there is no such entry, or no such file.
//
// The file is the image's: it is opened with whatever symlinks it is made of
// staying inside the root, must be a regular file, and is read up to a limit,
// a buffer at a time.
func Home(root *os.File, uid int) (string, error) {
	f, err := openPasswd(root)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return "/", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	home, err := homeIn(io.LimitReader(f, maxSize), uid)
	if err != nil {
		return "", fmt.Errorf("read the container's /etc/passwd: %w", err)
	}
	if home == "" {
		home = "/"
	}
	return home, nil
}

func openPasswd(root *os.File) (*os.File, error) {
	const path = "etc/passwd"
	how := unix.OpenHow{
		// O_NONBLOCK: a FIFO in the image must not hold init up.
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	dir := unix.AT_FDCWD
	name := "/" + path
	if root != nil {
		dir = int(root.Fd())
	} else {
		// Below AT_FDCWD, RESOLVE_IN_ROOT would mean the working directory.
		how.Resolve = unix.RESOLVE_NO_MAGICLINKS
	}
	var fd int
	for {
		var err error
		fd, err = unix.Openat2(dir, name, &how)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "open the container's", Path: name, Err: err}
		}
		break
	}
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = unix.ENOENT // as good as none
	}
	if err == nil {
		// Regular files need no poller, and NewFile would ask for one.
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "open the container's", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// homeIn finds the first entry of a uid. An entry's directory may be empty.
func homeIn(r io.Reader, uid int) (string, error) {
	want := strconv.AppendInt(nil, int64(uid), 10)
	buf := make([]byte, maxLine)
	kept, skipping := 0, false
	for {
		n, err := r.Read(buf[kept:])
		data := buf[:kept+n]
		for {
			i := bytes.IndexByte(data, '\n')
			if i < 0 {
				break
			}
			if !skipping {
				if home, ok := entryHome(data[:i], want); ok {
					return home, nil
				}
			}
			skipping = false
			data = data[i+1:]
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return "", err
			}
			if !skipping {
				if home, ok := entryHome(data, want); ok {
					return home, nil
				}
			}
			return "", nil
		}
		if len(data) == len(buf) {
			// A line longer than the buffer: drop it up to its end.
			skipping = true
			data = nil
		}
		kept = copy(buf, data)
	}
}

// entryHome parses name:password:uid:gid:gecos:directory:shell.
func entryHome(line, uid []byte) (string, bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return "", false
	}
	for field := 0; ; field++ {
		var value []byte
		value, line, _ = bytes.Cut(line, []byte{':'})
		switch {
		case field == 2 && !bytes.Equal(value, uid):
			return "", false
		case field == 5:
			return string(value), true
		case line == nil:
			return "", false
		}
	}
}
