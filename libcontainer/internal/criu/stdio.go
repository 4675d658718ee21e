package criu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/system"
)

// inherited are descriptors of CRIU's that take the place of something outside
// the container which was dumped by name.
type inherited struct {
	names []string
	files []*os.File
}

// stdioPipes pairs the pipes that a dumped container had as its stdio with the
// files that the restored one gets.
func stdioPipes(descriptors []string, stdio [3]*os.File) inherited {
	var in inherited
	for i, name := range descriptors {
		if i < len(stdio) && stdio[i] != nil && strings.HasPrefix(name, "pipe:") {
			in.names, in.files = append(in.names, name), append(in.files, stdio[i])
		}
	}
	return in
}

// stdioFiles are those files among the stdio of a process that are open from
// outside its mount namespace, /dev/null of the host above all. CRIU cannot find
// them by path, and has to be told that they are external. It names them by
// mount and inode: any process of the container may have them open. The null
// device has no descriptors here, it is the same for all.
func stdioFiles(pid int) (map[string][]int, error) {
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil {
		return nil, err
	}
	var own []string
	for line := range strings.Lines(string(mounts)) {
		id, _, _ := strings.Cut(line, " ")
		own = append(own, id)
	}
	files := make(map[string][]int)
	for fd := range 3 {
		var st unix.Stat_t
		link := fmt.Sprintf("/proc/%d/fd/%d", pid, fd)
		if err := unix.Stat(link, &st); err == unix.ENOENT {
			continue // closed by the container
		} else if err != nil {
			return nil, &os.PathError{Op: "stat", Path: link, Err: err}
		}
		if st.Mode&unix.S_IFMT != unix.S_IFREG && !system.IsNullDevice(&st) {
			// Pipes, sockets and terminals CRIU knows.
			continue
		}
		info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		var mount string
		for line := range strings.Lines(string(info)) {
			if v, ok := strings.CutPrefix(line, "mnt_id:"); ok {
				mount = strings.TrimSpace(v)
			}
		}
		if mount == "" || slices.Contains(own, mount) {
			continue
		}
		var id uint64
		if _, err := fmt.Sscan(mount, &id); err != nil {
			continue
		}
		name := fmt.Sprintf("file[%x:%x]", id, st.Ino)
		if system.IsNullDevice(&st) {
			files[name] = []int{}
		} else {
			files[name] = append(files[name], fd)
		}
	}
	return files, nil
}

// addFiles pairs the files of stdioFiles with those that the restored container
// gets. CRIU wants them to be of the same type, so the null device stays what it
// was. CRIU takes one file for all that have the same name, whether they were
// open for reading or for writing: null, which the caller closes, is for both.
func (in *inherited) addFiles(files map[string][]int, stdio [3]*os.File) (null *os.File, err error) {
	if null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	for name, fds := range files {
		with := null
		for _, fd := range fds {
			if fd >= 0 && fd < len(stdio) && stdio[fd] != nil {
				with = stdio[fd]
			}
		}
		in.names, in.files = append(in.names, name), append(in.files, with)
	}
	return null, nil
}
