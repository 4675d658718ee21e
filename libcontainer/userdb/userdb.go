// Package userdb looks up the home directory of a user in a container's own
// /etc/passwd; see passwd(5).
package userdb

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// Path of the file inside a container.
const Path = "/etc/passwd"

const (
	// maxSize bounds how much of an image's file is read.
	maxSize = 16 << 20
	// maxLine bounds one entry; longer ones are skipped.
	maxLine = 4096
)

// Home is the home directory of uid in /etc/passwd as the calling process sees
// it, so the caller's root has to be the container's. Home gives "/" when there is
// no such entry, or no file that can be read: a fault of the image must not keep a
// program from starting that may never ask for its home.
//
// The image may be hostile. The file has to be a regular one, reached through no
// magic link of procfs, and Home reads it up to a limit, a buffer at a time.
func Home(uid int) string { return homeFrom(Path, uid) }

// HomeIn is Home for a caller that has read the whole file already.
func HomeIn(passwd []byte, uid int) string {
	home, err := homeIn(bytes.NewReader(passwd), uid)
	if err != nil || home == "" {
		return "/"
	}
	return home
}

func homeFrom(path string, uid int) string {
	f, err := openPasswd(path)
	if err != nil {
		return "/"
	}
	defer f.Close()
	home, err := homeIn(io.LimitReader(f, maxSize), uid)
	if err != nil || home == "" {
		return "/"
	}
	return home
}

func openPasswd(name string) (*os.File, error) {
	how := unix.OpenHow{
		// O_NONBLOCK: a FIFO in the image must not hold init up.
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, name, &how)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Openat2(unix.AT_FDCWD, name, &how)
	}
	if system.IsRefused(system.Refused(unix.SYS_OPENAT2, err)) {
		// Then the file must not be a link at all.
		fd, err = unix.Openat(unix.AT_FDCWD, name, int(how.Flags)|unix.O_NOFOLLOW, 0)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open the container's", Path: name, Err: err}
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = unix.ENOENT // any other type counts as no file
	}
	if err == nil {
		// NewFile would register a non-blocking file with the poller, which a
		// regular file does not need.
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
			// The line is longer than the buffer: it is skipped up to its end.
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
