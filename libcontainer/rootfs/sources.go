package rootfs

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/opencontainers/selinux/go-selinux/label"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/nsenter"
)

// OpenSources opens, in the runtime, what init may not: the sources of idmapped
// mounts and those that the container's root may not reach. It gives the fds
// to be sent to init, as Env.Sources, and marks in the plan which is whose, so
// the plan has to be sent after it. userns opens the container's user namespace,
// for idmapped mounts without maps of their own.
//
// On error, what was opened is closed.
func (p *Plan) OpenSources(userns func() (*os.File, error)) (files []*os.File, err error) {
	defer func() {
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			files = nil
		}
	}()
	for i := range p.Ops {
		op := &p.Ops[i]
		if op.Kind != Bind {
			continue
		}
		if op.Relabel != "" {
			shared := op.Relabel == "z"
			if err := label.Relabel(op.Source, op.RelabelTo, shared); err != nil {
				return files, fmt.Errorf("error relabeling %q (config.json: %s): %w", op.Source, op.Place, err)
			}
		}
		if op.IDMap != nil && !op.FromRuntime {
			ns, err := openMaps(op.IDMap, userns)
			if err != nil {
				return files, mountError(op.Source, op.Target, fmt.Errorf("%w (config.json: %s)", err, op.Place))
			}
			files = append(files, ns)
			op.UserNSFD = len(files)
			continue
		}
		if !op.FromRuntime || op.IDMap == nil && p.reachable(op.Source) {
			continue
		}
		mnt, err := op.openFor(userns)
		if err != nil {
			if op.IDMap == nil && !errors.Is(err, errNoSource) && lacksSetattr(err) {
				continue // init tries by itself
			}
			if errors.Is(err, errNoSource) {
				return files, fmt.Errorf("%w (config.json: %s.source)", err, op.Place)
			}
			return files, mountError(op.Source, op.Target, fmt.Errorf("%w (config.json: %s)", err, op.Place))
		}
		files = append(files, os.NewFile(uintptr(mnt), op.Source))
		op.SourceFD = len(files)
	}
	return files, nil
}

func (op *Op) openFor(userns func() (*os.File, error)) (fd, error) {
	mnt, later, err := openSource(op)
	if err != nil {
		return none, err
	}
	if later {
		mnt.close()
		return none, os.NewSyscallError("mount_setattr", unix.ENOSYS)
	}
	if op.IDMap == nil {
		return mnt, nil
	}
	ns, err := openMaps(op.IDMap, userns)
	if err == nil {
		err = idmap(mnt, op.IDMap, ns)
		ns.Close()
	}
	if err != nil {
		mnt.close()
		return none, err
	}
	return mnt, nil
}

// openMaps opens the user namespace whose maps an id-mapped mount is to have.
func openMaps(m *configs.MountIDMapping, userns func() (*os.File, error)) (ns *os.File, err error) {
	switch {
	case len(m.UIDMappings) != 0 || len(m.GIDMappings) != 0:
		ns, err = nsenter.NewUserNS(m.UIDMappings, m.GIDMappings)
	case m.UserNSPath != "":
		ns, err = os.Open(m.UserNSPath)
	default:
		ns, err = userns()
	}
	if err != nil {
		return nil, fmt.Errorf("id-mapped mount: open its user namespace: %w", err)
	}
	return ns, nil
}

// idmap gives the mount the id maps of a user namespace (mount_setattr(2),
// MOUNT_ATTR_IDMAP; Linux 5.12, and the file system has to take part).
func idmap(mnt fd, m *configs.MountIDMapping, ns *os.File) error {
	var flags uint
	if m.Recursive {
		flags = unix.AT_RECURSIVE
	}
	err := setattr(mnt, flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(ns.Fd())})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("id-mapped mounts are not supported by the kernel (from 5.12) or by this file system: %w", err)
	}
	return err
}

// reachable says whether the container's root, as it is on the host, can find
// the path. If so its init is to clone it: what it clones in its own namespace
// stays locked together as the host has it (mount_namespaces(7)).
func (p *Plan) reachable(path string) bool {
	if p.rootUID < 0 || p.rootGID < 0 {
		return false
	}
	found := make(chan bool)
	go func() {
		// Never unlocked: the thread, whose ids are no longer those of the
		// others, ends with the goroutine.
		runtime.LockOSThread()
		// In a user namespace groups may be unchangeable; then nobody gained
		// anything by them either.
		unix.RawSyscall(sysSetgroups, 0, 0, 0)
		unix.Setfsgid(p.rootGID)
		// The kernel takes the capabilities that override permissions with it.
		unix.Setfsuid(p.rootUID)
		var st unix.Stat_t
		err := retry(func() error { return unix.Stat(path, &st) })
		found <- err != unix.EACCES && err != unix.EPERM
	}()
	return <-found
}
