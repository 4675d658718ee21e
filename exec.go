package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v3"

	"runc/internal/logging"
	"runc/internal/runner"
	"runc/libcontainer"
	"runc/libcontainer/specconv"
)

var execCommand = &cli.Command{
	Name:  "exec",
	Usage: "execute new process inside the container",
	ArgsUsage: `<container-id> <command> [command options]  || -p process.json <container-id>

Where "<container-id>" is the name for the instance of the container and
"<command>" is the command to be executed in the container.
"<command>" can't be empty unless a "-p" flag provided.

EXAMPLE:
For example, if the container is configured to run the linux ps command the
following will output a list of processes running in the container:

       # runc exec <container-id> ps`,
	Flags: []cli.Flag{
		&cli.Int64SliceFlag{Name: "additional-gids", Aliases: []string{"g"}, Usage: "additional gids"},
		&cli.StringFlag{Name: "apparmor", Usage: "set the apparmor profile for the process"},
		&cli.StringSliceFlag{Name: "cap", Aliases: []string{"c"}, Usage: "add a capability to the bounding set for the process"},
		&cli.StringSliceFlag{Name: "cgroup", Usage: "run the process in an (existing) sub-cgroup(s). Format is [<controller>:]<cgroup>."},
		&cli.StringFlag{Name: "console-socket", Usage: "path to an AF_UNIX socket which will receive a file descriptor referencing the master end of the console's pseudoterminal"},
		&cli.StringFlag{Name: "cwd", Usage: "current working directory in the container"},
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "detach from the container's process"},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set environment variables"},
		&cli.BoolFlag{Name: "ignore-paused", Usage: "allow exec in a paused container"},
		&cli.BoolFlag{Name: "no-new-privs", Usage: "set the no new privileges value for the process"},
		&cli.StringFlag{Name: "pid-file", Usage: "specify the file to write the process id to"},
		&cli.StringFlag{Name: "pidfd-socket", Usage: "path to an AF_UNIX socket which will receive a file descriptor referencing the exec process"},
		&cli.IntFlag{Name: "preserve-fds", Usage: "Pass N additional file descriptors to the container (stdio + $LISTEN_FDS + N in total)"},
		&cli.StringFlag{Name: "process", Aliases: []string{"p"}, Usage: "path to the process.json"},
		&cli.StringFlag{Name: "process-label", Usage: "set the asm process label for the process commonly used with selinux"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "allocate a pseudo-TTY"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "UID (format: <uid>[:<gid>])"},
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, atLeast, 1); err != nil {
			return err
		}
		status, err := execProcess(cmd)
		if err != nil {
			logExecFailure(err)
			return exitCode(255)
		}
		if status != 0 {
			return exitCode(status)
		}
		return nil
	},
}

// logExecFailure prints what execve(2) says as `run` does, where the process
// itself prints it: without the prefixes of a log line.
func logExecFailure(err error) {
	var failed *libcontainer.ExecveError
	switch {
	case !errors.As(err, &failed):
		logging.Error(fmt.Errorf("exec failed: %w", err))
	case logging.OnStderr():
		logging.Plain(failed)
	default:
		logging.Error(fmt.Errorf("exec failed: %w", failed))
	}
}

func execProcess(cmd *cli.Command) (int, error) {
	c, err := container(cmd)
	if err != nil {
		return -1, err
	}
	status, err := c.Status()
	if err != nil {
		return -1, err
	}
	switch {
	case status == libcontainer.Stopped:
		return -1, errors.New("cannot exec in a stopped container")
	case status == libcontainer.Paused && !cmd.Bool("ignore-paused"):
		return -1, errors.New("cannot exec in a paused container (use --ignore-paused to override)")
	}
	p, err := execSpec(cmd, c)
	if err != nil {
		return -1, err
	}
	r := &runner.Runner{
		Container:     c,
		Detach:        cmd.Bool("detach"),
		ConsoleSocket: cmd.String("console-socket"),
		PidfdSocket:   cmd.String("pidfd-socket"),
		PidFile:       cmd.String("pid-file"),
		PreserveFDs:   cmd.Int("preserve-fds"),
	}
	if r.SubCgroups, err = subCgroups(cmd.StringSlice("cgroup")); err != nil {
		return -1, err
	}
	process, err := r.Prepare(p)
	if err != nil {
		return -1, err
	}
	return r.Run(process)
}

// subCgroups parses --cgroup: [CTRL[,CTRL...]:]PATH.
func subCgroups(flags []string) (map[string]string, error) {
	if len(flags) == 0 {
		return nil, nil
	}
	paths := make(map[string]string)
	for _, f := range flags {
		ctrls, path, ok := strings.Cut(f, ":")
		if !ok {
			if len(flags) != 1 {
				return nil, fmt.Errorf("invalid --cgroup argument: %s (missing <controller>: prefix)", f)
			}
			return map[string]string{"": f}, nil
		}
		if ctrls == "" || path == "" {
			return nil, fmt.Errorf("invalid --cgroup argument: %s", f)
		}
		for ctrl := range strings.SplitSeq(ctrls, ",") {
			if old, dup := paths[ctrl]; dup {
				return nil, fmt.Errorf("invalid --cgroup argument(s): controller %s specified multiple times (%s, %s)", ctrl, old, path)
			}
			paths[ctrl] = path
		}
	}
	return paths, nil
}

// execSpec is the process as -p has it, or config.json's with the flags laid
// over it.
func execSpec(cmd *cli.Command, c *libcontainer.Container) (*specs.Process, error) {
	if path := cmd.String("process"); path != "" {
		p, err := specconv.LoadProcess(path)
		if err != nil {
			return nil, err
		}
		return p, checkProcess(p)
	}
	args := cmd.Args().Tail()
	if len(args) == 0 {
		return nil, errors.New("exec args cannot be empty")
	}
	spec, err := loadSpec(c.Bundle() + "/" + specConfig)
	if err != nil {
		return nil, err
	}
	p := spec.Process
	p.Args = args
	if v := cmd.String("cwd"); v != "" {
		p.Cwd = v
	}
	if v := cmd.String("apparmor"); v != "" {
		p.ApparmorProfile = v
	}
	if v := cmd.String("process-label"); v != "" {
		p.SelinuxLabel = v
	}
	if caps := cmd.StringSlice("cap"); len(caps) > 0 {
		addCaps(p, caps)
	}
	if cmd.IsSet("no-new-privs") {
		p.NoNewPrivileges = cmd.Bool("no-new-privs")
	}
	p.Terminal = cmd.Bool("tty")
	p.Env = append(p.Env, cmd.StringSlice("env")...)
	if v := cmd.String("user"); v != "" {
		if err := setUser(p, v); err != nil {
			return nil, err
		}
	}
	for _, g := range cmd.Int64Slice("additional-gids") {
		if g < 0 || g >= 1<<32-1 {
			return nil, fmt.Errorf("additional-gids must be a positive number %d", g)
		}
		p.User.AdditionalGids = append(p.User.AdditionalGids, uint32(g))
	}
	return p, checkProcess(p)
}

func addCaps(p *specs.Process, caps []string) {
	if p.Capabilities == nil {
		p.Capabilities = new(specs.LinuxCapabilities)
	}
	for _, cap := range caps {
		c := p.Capabilities
		c.Bounding = append(c.Bounding, cap)
		c.Effective = append(c.Effective, cap)
		c.Permitted = append(c.Permitted, cap)
		// Without being inheritable it cannot be raised to the ambient set,
		// and a process of another user than root does not get it. An
		// inheritable set that grew here would give it to that user
		// (CVE-2022-29162). A warning says so.
		if len(c.Inheritable) > 0 {
			c.Ambient = append(c.Ambient, cap)
		}
	}
}

func setUser(p *specs.Process, v string) error {
	user, group, hasGroup := strings.Cut(v, ":")
	uid, err := parseID(user)
	if err != nil {
		return fmt.Errorf("bad uid: %w", err)
	}
	if hasGroup {
		gid, err := parseID(group)
		if err != nil {
			return fmt.Errorf("bad gid: %w", err)
		}
		p.User.GID = gid
	}
	p.User.UID = uid
	return nil
}

// parseID refuses what an id of the kernel cannot hold: cut down to 32 bits,
// 1<<32 would be root.
func parseID(s string) (uint32, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, err
	}
	if n < 0 || uint64(n) >= 1<<32-1 {
		return 0, fmt.Errorf("%d is out of range", n)
	}
	return uint32(n), nil
}
