package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runc/internal/foreground"
	"runc/libcontainer"
)

// criuFlags are what checkpoint and restore have in common; images says what the
// image path is for.
func criuFlags(images string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "image-path", Usage: images + " (default: ./checkpoint)"},
		&cli.StringFlag{Name: "work-path", Usage: "path for saving work files and logs (default: the image path)"},
		&cli.BoolFlag{Name: "tcp-established", Usage: "allow open tcp connections"},
		&cli.BoolFlag{Name: "ext-unix-sk", Usage: "allow external unix sockets"},
		&cli.BoolFlag{Name: "shell-job", Usage: "allow shell jobs"},
		&cli.BoolFlag{Name: "lazy-pages", Usage: "use userfaultfd to lazily restore memory pages"},
		&cli.BoolFlag{Name: "file-locks", Usage: "handle file locks, for safety"},
		&cli.StringFlag{Name: "manage-cgroups-mode", Usage: "cgroups mode: 'soft' (default), 'full', 'strict' and 'ignore'"},
		&cli.StringSliceFlag{Name: "empty-ns", Usage: "create a namespace, but don't restore its properties (only 'network')"},
		&cli.BoolFlag{Name: "auto-dedup", Usage: "enable auto deduplication of memory images"},
	}
}

var checkpointCommand = &cli.Command{
	Name:      "checkpoint",
	Usage:     "checkpoint a running container",
	ArgsUsage: "<container-id>\n\nWhere \"<container-id>\" is the name for the instance of the container to be\ncheckpointed.",
	Description: `The checkpoint command saves the state of the container instance.
It needs CRIU (https://criu.org) in PATH.`,
	Flags: byName(append(criuFlags("path for saving criu image files"),
		&cli.StringFlag{Name: "parent-path", Usage: "path for previous criu image files in pre-dump, relative to image-path"},
		&cli.BoolFlag{Name: "leave-running", Usage: "leave the process running after checkpointing"},
		&cli.BoolFlag{Name: "tcp-skip-in-flight", Usage: "leave out tcp connections that are not established yet"},
		&cli.BoolFlag{Name: "link-remap", Usage: "give unlinked files a name again where possible"},
		&cli.IntFlag{Name: "status-fd", Value: -1, Usage: "criu writes \\0 to this FD once lazy-pages is ready"},
		&cli.StringFlag{Name: "page-server", Usage: "ADDRESS:PORT of the page server"},
		&cli.BoolFlag{Name: "pre-dump", Usage: "dump container's memory information only, leave the container running after this"},
	)),
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		status, err := c.Status()
		if err != nil {
			return err
		}
		if status == libcontainer.Created || status == libcontainer.Stopped {
			//lint:ignore ST1005 callers know these words
			return fmt.Errorf("Container cannot be checkpointed in %s state", status)
		}
		opts, err := criuOptions(cmd)
		if err != nil {
			return err
		}
		// A signal has CRIU undo what it did.
		signals, err := foreground.Catch()
		if err != nil {
			return err
		}
		signals.Listen()
		if err := c.Checkpoint(signals.Context(), opts); err != nil {
			return err
		}
		if opts.LeaveRunning || opts.PreDump {
			return nil
		}
		// A runc in the foreground may be faster.
		if err := c.Destroy(); err != nil && !errors.Is(err, libcontainer.ErrNotExist) {
			logrus.Warn(err)
		}
		return nil
	},
}

// criuOptions are what the flags of checkpoint or restore ask for.
func criuOptions(cmd *cli.Command) (*libcontainer.CriuOpts, error) {
	opts := &libcontainer.CriuOpts{
		ParentImage:             cmd.String("parent-path"),
		LeaveRunning:            cmd.Bool("leave-running"),
		TcpEstablished:          cmd.Bool("tcp-established"),
		TcpSkipInFlight:         cmd.Bool("tcp-skip-in-flight"),
		LinkRemap:               cmd.Bool("link-remap"),
		ExternalUnixConnections: cmd.Bool("ext-unix-sk"),
		ShellJob:                cmd.Bool("shell-job"),
		FileLocks:               cmd.Bool("file-locks"),
		PreDump:                 cmd.Bool("pre-dump"),
		AutoDedup:               cmd.Bool("auto-dedup"),
		LazyPages:               cmd.Bool("lazy-pages"),
		LsmProfile:              cmd.String("lsm-profile"),
		LsmMountContext:         cmd.String("lsm-mount-context"),
		Warn:                    func(msg string) { logrus.Warn(msg) },
	}
	images := cmd.String("image-path")
	if images == "" {
		images = "checkpoint"
	}
	var err error
	// restore changes into the bundle.
	if opts.ImagesDirectory, err = filepath.Abs(images); err != nil {
		return nil, err
	}
	if opts.WorkDirectory, err = absolute(cmd.String("work-path")); err != nil {
		return nil, err
	}
	if mode := cmd.String("manage-cgroups-mode"); mode != "" {
		var ok bool
		if opts.ManageCgroupsMode, ok = libcontainer.CriuCgroupModes[mode]; !ok {
			return nil, fmt.Errorf("invalid manage-cgroups-mode value: %q (known are soft, full, strict and ignore)", mode)
		}
		opts.ManageCgroupsSet = true
	}
	for _, kind := range cmd.StringSlice("empty-ns") {
		bit, err := libcontainer.CriuEmptyNs(kind)
		if err != nil {
			return nil, err
		}
		opts.EmptyNs |= bit
	}
	if opts.PageServer, err = pageServer(cmd.String("page-server")); err != nil {
		return nil, err
	}
	if fd := cmd.Int("status-fd"); cmd.IsSet("status-fd") && fd >= 0 {
		if err := writable(fd); err != nil {
			return nil, fmt.Errorf("invalid --status-fd argument %d: %w", fd, err)
		}
		opts.StatusFd = fd
	}
	return opts, nil
}

// pageServer takes ADDRESS:PORT apart.
func pageServer(s string) (ps libcontainer.CriuPageServerInfo, err error) {
	if s == "" {
		return ps, nil
	}
	address, port, err := net.SplitHostPort(s)
	if err != nil || address == "" {
		return ps, errors.New("use --page-server ADDRESS:PORT to specify page server")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ps, fmt.Errorf("invalid port number %q (--page-server ADDRESS:PORT)", port)
	}
	return libcontainer.CriuPageServerInfo{Address: address, Port: int32(n)}, nil
}

// writable checks an fd that the caller has left open for this process.
func writable(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if flags&unix.O_ACCMODE == unix.O_RDONLY {
		return errors.New("not open for writing")
	}
	return nil
}
