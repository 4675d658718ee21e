// runc is a command line client for running containers packaged according to
// the Open Container Initiative's runtime specification.
//
// The Go runtime would read the cgroup's CPU limits at each start, inside a
// container even the container's own files, for nothing: this program lives
// for milliseconds.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"runc/internal/fdlimit"
	"runc/internal/logging"
	"runc/libcontainer"
)

const (
	specConfig  = "config.json"
	defaultRoot = "/run/runc"
)

const usage = `Open Container Initiative runtime

runc is a command line client for running applications packaged according to
the Open Container Initiative (OCI) format and is a compliant implementation of
the Open Container Initiative specification.

runc integrates well with existing process supervisors to provide a production
container runtime environment for applications. It can be used with your
existing process monitoring tools and the container will be spawned as a
direct child of the process supervisor.

Containers are configured using bundles. A bundle for a container is a directory
that includes a specification file named "` + specConfig + `" and a root filesystem.
The root filesystem contains the contents of the container.

To start a new instance of a container:

    # runc run [ -b bundle ] <container-id>

Where "<container-id>" is your name for the instance of the container that you
are starting. The name you provide for the container instance must be unique on
your host. Providing the bundle directory using "-b" is optional. The default
value for "bundle" is the current directory.`

func main() {
	if len(os.Args) > 1 && os.Args[1] == "init" {
		// Before anything else is set up: this is the way into a container.
		if err := libcontainer.Init(); err != nil {
			logging.Error(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run(os.Args))
}

// exitCode is an error that carries the exit status of the program. Its message,
// if there is one, has been logged already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func run(args []string) int {
	err := newApp(args).Run(context.Background(), args)
	if err == nil {
		return 0
	}
	if code := exitCode(0); errors.As(err, &code) {
		return int(code)
	}
	logging.Error(err)
	// Not errors.As: the error of a hook that failed has an exit status, too.
	if coder, ok := err.(cli.ExitCoder); ok {
		return coder.ExitCode()
	}
	return 1
}

func newApp(args []string) *cli.Command {
	cli.VersionPrinter = func(cmd *cli.Command) {
		fmt.Fprintf(cmd.Root().Writer, "runc version %s", versionText())
	}
	app := &cli.Command{
		Name:      "runc",
		Usage:     usage,
		UsageText: "runc [global options] [command [command options]]",
		Version:   version(),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "debug", Usage: "enable debug logging"},
			&cli.StringFlag{Name: "log", Usage: "set the log file to write runc logs to (default is '/dev/stderr')"},
			&cli.StringFlag{Name: "log-format", Value: "text", Usage: "set the log format ('text' (default), or 'json')"},
			&cli.StringFlag{Name: "root", Value: defaultRootDir(), Usage: "root directory for storage of container state (this should be located in tmpfs)"},
			&cli.StringFlag{Name: "criu", Hidden: true},
			&cli.BoolFlag{Name: "systemd-cgroup", Usage: `enable systemd cgroup support, expects cgroupsPath to be of form "slice:prefix:name" for e.g. "system.slice:runc:434234"`},
			&cli.StringFlag{Name: "rootless", Value: "auto", Usage: "ignore cgroup permission errors ('true', 'false', or 'auto')"},
		},
		Commands:                  commandsFor(args),
		DisableSliceFlagSeparator: true,
		Before:                    before,
		ExitErrHandler:            func(context.Context, *cli.Command, error) {},
	}
	return app
}

// commandsFor leaves out the commands that no word of the command line names:
// to set each of them up takes as long as a whole `state`. For help, and for a
// command that does not exist, it gives all.
func commandsFor(args []string) []*cli.Command {
	all := commands()
	var named []*cli.Command
	for _, a := range args {
		switch a {
		case "help", "h", "--help", "-h":
			return all
		}
		if len(named) == 0 && strings.HasPrefix(a, "-") && !globalFlag(a) {
			return all
		}
		for _, c := range all {
			if c.Name == a && !slices.Contains(named, c) {
				named = append(named, c)
			}
		}
	}
	if len(named) == 0 {
		return all
	}
	return named
}

// globalFlag tells whether a word that precedes the command is a known flag.
func globalFlag(word string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	switch name {
	case "debug", "log", "log-format", "root", "criu", "systemd-cgroup", "rootless":
		return true
	}
	return false
}

func commands() []*cli.Command {
	list := []*cli.Command{
		createCommand, deleteCommand, eventsCommand, execCommand, killCommand, listCommand,
		pauseCommand, psCommand, resumeCommand, runCommand, specCommand, startCommand,
		stateCommand, updateCommand, featuresCommand, initCommand,
		checkpointCommand, restoreCommand,
	}
	for _, c := range list {
		c.HideHelpCommand = true
		c.DisableSliceFlagSeparator = true // the root's own does not reach here
		// Flags behind the first argument belong to the user's command.
		if c.StopOnNthArg == nil && c.Name == "exec" {
			one := 1
			c.StopOnNthArg = &one
		}
	}
	return list
}

// before runs ahead of every command but init.
func before(ctx context.Context, cmd *cli.Command) (context.Context, error) {
	if err := fdlimit.Prepare(); err != nil {
		return ctx, err
	}
	if err := logging.SetUp(cmd.Bool("debug"), cmd.String("log-format"), cmd.String("log")); err != nil {
		return ctx, err
	}
	return ctx, reviseRoot(cmd)
}

// rootGiven tells whether --root was among the arguments. The flag itself counts
// as set once reviseRoot has made it absolute.
var rootGiven bool

func reviseRoot(cmd *cli.Command) error {
	root := cmd.String("root")
	abs, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	if abs == "/" {
		// This catches --root with an unset variable and a slash behind it.
		//lint:ignore ST1005 callers know these words
		return errors.New("Option --root argument should not be set to /")
	}
	rootGiven = cmd.IsSet("root")
	if !rootGiven && strings.HasPrefix(abs, os.Getenv("XDG_RUNTIME_DIR")) && os.Getenv("XDG_RUNTIME_DIR") != "" {
		// The clean-up of XDG_RUNTIME_DIR spares what has the sticky bit.
		if err := os.MkdirAll(abs, 0o700); err != nil {
			return err
		}
		if err := os.Chmod(abs, os.FileMode(0o700)|os.ModeSticky); err != nil {
			return err
		}
	}
	return cmd.Root().Set("root", abs)
}

// checkArgs refuses a wrong number of arguments, after the command's help.
func checkArgs(cmd *cli.Command, rule argRule, n int) error {
	got := cmd.Args().Len()
	var what string
	switch {
	case rule == exactly && got != n:
		what = "exactly"
	case rule == atLeast && got < n:
		what = "a minimum of"
	case rule == atMost && got > n:
		what = "a maximum of"
	default:
		return nil
	}
	fmt.Printf("Incorrect Usage.\n\n")
	_ = cli.ShowSubcommandHelp(cmd)
	return fmt.Errorf("%s: %q requires %s %d argument(s)", cmd.Root().Name, cmd.Name, what, n)
}

type argRule int

const (
	exactly argRule = iota
	atLeast
	atMost
)

// container loads the container that the first argument names.
func container(cmd *cli.Command) (*libcontainer.Container, error) {
	id := cmd.Args().First()
	if id == "" {
		return nil, libcontainer.ErrEmptyID
	}
	return libcontainer.Load(cmd.String("root"), id)
}
