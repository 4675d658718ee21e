package criu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

const dumpLog = "dump.log"

// logLevel is CRIU's debug level: what people are asked for when a dump or a
// restore has failed.
const logLevel = 4

// Dump is the checkpoint of a container, about to be made.
type Dump struct {
	Config  *configs.Config
	Options *Options

	// Pid is that of the container's first process.
	Pid int

	// Freezer is the container's cgroup with a freezer; empty: none.
	Freezer string
	// FreezerV2 says whether that is on cgroup v2.
	FreezerV2 bool

	// Descriptors and Created are kept for the restore.
	Descriptors []string
	Created     time.Time
}

// Run dumps the container. On an error CRIU has let the container go on, unless
// CRIU itself was killed; then the cgroup may still be frozen.
func (d *Dump) Run(ctx context.Context) error {
	o := d.Options
	images, err := openDir(o.ImagesDirectory, "--image-path")
	if err != nil {
		return err
	}
	defer images.Close()
	opts := d.request()
	opts.ImagesDirFd = new(int32(images.Fd()))
	if o.WorkDirectory != "" {
		work, err := openDir(o.WorkDirectory, "--work-path")
		if err != nil {
			return err
		}
		defer work.Close()
		opts.WorkDirFd = new(int32(work.Fd()))
	}
	if err := d.checkParent(); err != nil {
		return err
	}
	s := spawn{Foreground: o.ShellJob}
	if o.ShellJob {
		s.Stdin = os.Stdin
	}
	p, err := start(s)
	if err != nil {
		return err
	}
	defer p.close()
	defer p.watch(ctx)()
	if err := d.suit(p, opts); err != nil {
		return err
	}
	kind := rpc.CriuReqType_DUMP
	if o.PreDump {
		kind = rpc.CriuReqType_PRE_DUMP
	} else {
		if opts.ExtMnt, err = dumpMounts(d.Config, d.Pid); err != nil {
			return err
		}
		files, err := stdioFiles(d.Pid)
		if err != nil {
			return err
		}
		for name := range files {
			opts.External = append(opts.External, name)
		}
		if err := writeInfo(o.ImagesDirectory, d.Descriptors, containerInfo{Created: d.Created, Files: files}); err != nil {
			return err
		}
	}
	resp, err := p.call(ctx, &rpc.CriuReq{Type: &kind, Opts: opts}, d.notify)
	if err != nil || !resp.GetSuccess() {
		return p.failure(kind, resp, err, logPath(o, dumpLog))
	}
	return nil
}

// request is the part of the request that is known beforehand.
func (d *Dump) request() *rpc.CriuOpts {
	o := d.Options
	opts := &rpc.CriuOpts{
		Pid:               new(int32(d.Pid)),
		Root:              new(d.Config.Rootfs),
		LogLevel:          new(int32(logLevel)),
		LogFile:           new(dumpLog),
		ConfigFile:        configFile(d.Config.Labels),
		ManageCgroups:     new(true),
		NotifyScripts:     new(true),
		OrphanPtsMaster:   new(true),
		LeaveRunning:      new(o.LeaveRunning),
		TcpEstablished:    new(o.TcpEstablished),
		TcpSkipInFlight:   new(o.TcpSkipInFlight),
		ExtUnixSk:         new(o.ExternalUnixConnections),
		ShellJob:          new(o.ShellJob),
		FileLocks:         new(o.FileLocks),
		LinkRemap:         new(o.LinkRemap),
		AutoDedup:         new(o.AutoDedup),
		LazyPages:         new(o.LazyPages),
		EmptyNs:           new(o.EmptyNs),
		ManageCgroupsMode: mode(o),
	}
	if o.PageServer.Address != "" {
		opts.Ps = &rpc.CriuPageServerInfo{Address: new(o.PageServer.Address), Port: new(o.PageServer.Port)}
	}
	return opts
}

// suit adds to the request what depends on the CRIU that was found.
func (d *Dump) suit(p *process, opts *rpc.CriuOpts) error {
	v, err := p.version()
	if err != nil {
		return err
	}
	if d.Freezer != "" && (!d.FreezerV2 || v >= freezerV2Version) {
		opts.FreezeCgroup = &d.Freezer
	}
	if opts.External, err = dumpNamespaces(d.Config, d.Pid, v); err != nil {
		return err
	}
	track := d.Options.PreDump || d.Options.ParentImage != ""
	if !track && !d.Options.LazyPages {
		return nil
	}
	have, err := p.features()
	if err != nil {
		return err
	}
	if d.Options.LazyPages && !have.GetLazyPages() {
		return errNoLazyPages
	}
	switch {
	case !track:
	case have.GetMemTrack():
		opts.TrackMem = new(true)
	case d.Options.PreDump:
		return errNoMemTrack
	case d.Options.Warn != nil:
		d.Options.Warn("--parent-path: " + noMemTrack + ": all of the memory is dumped")
	}
	if d.Options.ParentImage != "" {
		opts.ParentImg = &d.Options.ParentImage
	}
	return nil
}

// checkParent says early what CRIU would take for a checkpoint without a parent.
func (d *Dump) checkParent() error {
	parent := d.Options.ParentImage
	if parent == "" {
		return nil
	}
	if filepath.IsAbs(parent) {
		return fmt.Errorf("invalid --parent-path: %s: must be relative to --image-path", parent)
	}
	st, err := os.Stat(filepath.Join(d.Options.ImagesDirectory, parent))
	if err == nil && !st.IsDir() {
		err = &os.PathError{Op: "stat", Path: parent, Err: unix.ENOTDIR}
	}
	if err != nil {
		return fmt.Errorf("invalid --parent-path (relative to --image-path): %w", err)
	}
	return nil
}

func (d *Dump) notify(n notification) error {
	if n.file != nil {
		n.file.Close()
	}
	if n.script == "status-ready" && d.Options.StatusFd > 0 {
		_, err := unix.Write(d.Options.StatusFd, []byte{0})
		if err != nil && !errors.Is(err, unix.EPIPE) {
			return fmt.Errorf("--status-fd: %w", os.NewSyscallError("write", err))
		}
		_ = unix.Close(d.Options.StatusFd)
	}
	return nil
}
