package criu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/consolesocket"
)

const restoreLog = "restore.log"

// Restore is a container about to be restored. Its functions are called in this
// order, Console in between.
type Restore struct {
	Config  *configs.Config
	Options *Options

	// Root is an empty folder. The container's root is mounted there for CRIU,
	// which wants a root that is a mount.
	Root string

	// Stdio are the files in place of those pipes that the container had. Stdin
	// is also CRIU's own for Options.ShellJob.
	Stdio [3]*os.File

	// Console gets the master of the container's terminal; nil: none.
	Console *os.File

	// Join puts CRIU into the container's cgroup, before it makes any process.
	// It gives the paths of the cgroup.
	Join func(pid int) (map[string]string, error)

	// Namespaces is called when the first process is in its namespaces.
	Namespaces func(pid int) error

	// Restored is called when all is restored, and nothing of it runs yet.
	Restored func(pid int, created time.Time) error

	images, work *os.File
}

// Run restores the container; its first process is then a child of the calling
// process. On an error there may be processes of it left in its cgroup.
func (r *Restore) Run(ctx context.Context) error {
	o := r.Options
	descriptors, info, err := readInfo(o.ImagesDirectory)
	if err != nil {
		return fmt.Errorf("no checkpoint of a container in %s: %w (--image-path)", o.ImagesDirectory, err)
	}
	opts := r.request()
	ns, err := restoreNamespaces(r.Config)
	if err != nil {
		return err
	}
	defer ns.close()
	in := stdioPipes(descriptors, r.Stdio)
	null, err := in.addFiles(info.Files, r.Stdio)
	if err != nil {
		return err
	}
	defer null.Close()
	in.names, in.files = append(in.names, ns.names...), append(in.files, ns.files...)
	for i, name := range in.names {
		opts.InheritFd = append(opts.InheritFd, &rpc.InheritFd{Key: &name, Fd: new(int32(firstFile + i))})
	}
	opts.JoinNs = ns.join

	defer r.closeDirs()
	p, err := start(r.spawn(in.files))
	if err != nil {
		return err
	}
	defer p.close()
	opts.ImagesDirFd = new(int32(r.images.Fd()))
	if r.work != nil {
		opts.WorkDirFd = new(int32(r.work.Fd()))
	}
	defer p.watch(ctx)()
	v, err := p.version()
	if err != nil {
		return err
	}
	if err := r.suit(v, ns); err != nil {
		return err
	}
	paths, err := r.Join(p.pid())
	if err != nil {
		return err
	}
	if opts.CgRoot, err = cgroupRoots(p.pid()); err != nil {
		return err
	}
	if opts.ExtMnt, err = restoreMounts(r.Config, paths); err != nil {
		return err
	}
	kind := rpc.CriuReqType_RESTORE
	resp, err := p.call(ctx, &rpc.CriuReq{Type: &kind, Opts: opts}, func(n notification) error {
		return r.notify(n, info.Created)
	})
	if err != nil || !resp.GetSuccess() {
		return p.failure(kind, resp, err, logPath(o, restoreLog))
	}
	return nil
}

// request is the part of the request that is known beforehand.
func (r *Restore) request() *rpc.CriuOpts {
	o := r.Options
	opts := &rpc.CriuOpts{
		Root:              &r.Root,
		LogLevel:          new(int32(logLevel)),
		LogFile:           new(restoreLog),
		ConfigFile:        configFile(r.Config.Labels),
		ManageCgroups:     new(true),
		NotifyScripts:     new(true),
		OrphanPtsMaster:   new(true),
		EvasiveDevices:    new(true),
		RstSibling:        new(true),
		TcpEstablished:    new(o.TcpEstablished),
		ExtUnixSk:         new(o.ExternalUnixConnections),
		ShellJob:          new(o.ShellJob),
		FileLocks:         new(o.FileLocks),
		AutoDedup:         new(o.AutoDedup),
		LazyPages:         new(o.LazyPages),
		EmptyNs:           new(o.EmptyNs),
		ManageCgroupsMode: restoreMode(o),
	}
	if o.LsmProfile != "" {
		opts.LsmProfile = &o.LsmProfile
	}
	if o.LsmMountContext != "" {
		opts.LsmMountContext = &o.LsmMountContext
	}
	return opts
}

// suit says what the CRIU that was found is too old for.
func (r *Restore) suit(v version, ns *joined) error {
	var errs []error
	if r.Options.LsmProfile != "" {
		errs = append(errs, v.need(lsmProfileVersion, "--lsm-profile"))
	}
	if r.Options.LsmMountContext != "" {
		errs = append(errs, v.need(lsmMountVersion, "--lsm-mount-context"))
	}
	errs = append(errs, v.need(ns.least, "a namespace that is joined (config.json: linux.namespaces)"))
	return errors.Join(errs...)
}

// spawn says how CRIU is started: where it can be, in mounts of its own, so that
// nobody else sees the container's root mounted once more, and nothing is left of
// that whenever this process or CRIU is killed.
func (r *Restore) spawn(files []*os.File) spawn {
	s := spawn{Files: files, Apart: true, Foreground: r.Options.ShellJob}
	if r.Options.ShellJob {
		s.Stdin = r.Stdio[0]
	}
	s.Within = r.mountRoot
	if !r.Config.Namespaces.IsPrivate(configs.NEWNS) {
		// The container has the mounts of the caller, and CRIU has to as well.
		r.Root, s.Apart, s.Within = r.Config.Rootfs, false, r.openDirs
	}
	return s
}

// openDirs opens the folders for CRIU's files. CRIU mounts in them, which takes
// descriptors of its own mount namespace.
func (r *Restore) openDirs() (err error) {
	if r.images, err = os.Open(r.Options.ImagesDirectory); err != nil {
		return fmt.Errorf("%w (--image-path)", err)
	}
	if r.Options.WorkDirectory != "" {
		r.work, err = openDir(r.Options.WorkDirectory, "--work-path")
	}
	return err
}

func (r *Restore) closeDirs() {
	for _, f := range []*os.File{r.images, r.work} {
		if f != nil {
			f.Close()
		}
	}
}

// mountRoot mounts the container's root at Root, in a mount namespace that is
// CRIU's alone.
func (r *Restore) mountRoot() error {
	if err := r.openDirs(); err != nil {
		return err
	}
	if err := enslave(r.Root); err != nil {
		return err
	}
	err := unix.Mount(r.Config.Rootfs, r.Root, "", unix.MS_BIND|unix.MS_REC, "")
	if err != nil {
		return fmt.Errorf("bind the container's root for CRIU: %w", &os.PathError{Op: "mount", Path: r.Config.Rootfs, Err: err})
	}
	return nil
}

func (r *Restore) notify(n notification, created time.Time) error {
	if n.file != nil {
		defer n.file.Close()
	}
	switch n.script {
	case "setup-namespaces":
		return r.Namespaces(n.pid)
	case "post-restore":
		return r.Restored(n.pid, created)
	case "orphan-pts-master":
		if n.file == nil || r.Console == nil {
			return errors.New("the checkpoint has a terminal: restore it with one (config.json: process.terminal)")
		}
		return consolesocket.Send(int(r.Console.Fd()), n.file.Name(), int(n.file.Fd()))
	}
	return nil
}
