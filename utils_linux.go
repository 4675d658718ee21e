package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/sys/userns"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runc/internal/foreground"
	"runc/internal/notifysocket"
	"runc/internal/runner"
	"runc/libcontainer"
	"runc/libcontainer/configs/validate"
	"runc/libcontainer/specconv"
)

type action int

const (
	actionCreate action = iota
	actionRun
	actionRestore
)

// startContainer makes a container of the bundle and starts its first process:
// up to the point where it waits for `start` (create), or all the way (run), or
// it has the processes of a checkpoint for its own (restore).
// It gives the process's exit status when it waited for it.
func startContainer(cmd *cli.Command, act action) (int, error) {
	// Relative paths start at the caller's folder, which is left for the bundle.
	pidFile, err := absolute(cmd.String("pid-file"))
	if err != nil {
		return -1, err
	}
	for _, name := range []string{"console-socket", "pidfd-socket"} {
		path, err := absolute(cmd.String(name))
		if err != nil {
			return -1, err
		}
		if path != "" {
			if err := cmd.Set(name, path); err != nil {
				return -1, err
			}
		}
	}
	var criu *libcontainer.CriuOpts
	if act == actionRestore {
		if criu, err = criuOptions(cmd); err != nil {
			return -1, err
		}
	}
	if bundle := cmd.String("bundle"); bundle != "" {
		if err := os.Chdir(bundle); err != nil {
			return -1, err
		}
	}
	spec, err := loadSpec(specConfig)
	if err != nil {
		return -1, err
	}
	id := cmd.Args().First()
	if id == "" {
		return -1, libcontainer.ErrEmptyID
	}
	notify := notifysocket.New(filepath.Join(cmd.String("root"), id))
	notify.AddTo(spec)

	rootless, err := rootlessCgroups(cmd)
	if err != nil {
		return -1, err
	}
	config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{
		CgroupName:       id,
		UseSystemdCgroup: cmd.Bool("systemd-cgroup"),
		NoPivotRoot:      cmd.Bool("no-pivot"),
		NoNewKeyring:     cmd.Bool("no-new-keyring"),
		Spec:             spec,
		RootlessEUID:     os.Geteuid() != 0,
		RootlessCgroups:  rootless,

		UserNamespaceMaps: libcontainer.UserNamespaceMaps,
	})
	if err != nil {
		return -1, err
	}
	if err := validate.Validate(config); err != nil {
		return -1, err
	}
	for _, w := range validate.Warnings(config) {
		logrus.Warn(w)
	}
	r := &runner.Runner{
		Init:          true,
		Detach:        act == actionCreate || cmd.Bool("detach"),
		Subreaper:     act != actionCreate && !cmd.Bool("no-subreaper"),
		Remove:        !cmd.Bool("keep"),
		Start:         act == actionRun,
		Restore:       criu,
		ConsoleSocket: cmd.String("console-socket"),
		PidfdSocket:   cmd.String("pidfd-socket"),
		PidFile:       pidFile,
		PreserveFDs:   cmd.Int("preserve-fds"),
		Notify:        notify,
	}
	process, err := r.Prepare(spec.Process)
	if err != nil {
		return -1, err
	}
	// From here on there is something to undo.
	if r.Signals, err = foreground.Catch(); err != nil {
		return -1, err
	}
	if r.Container, err = libcontainer.Create(cmd.String("root"), id, config); err != nil {
		return -1, err
	}
	if err := notify.MakeDir(); err != nil {
		return -1, errors.Join(err, r.Container.Destroy())
	}
	return r.Run(process)
}

func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// loadSpec reads config.json and checks what concerns its process.
func loadSpec(path string) (*specs.Spec, error) {
	spec, err := specconv.Load(path)
	if err != nil {
		return nil, err
	}
	return spec, checkProcess(spec.Process)
}

func checkProcess(p *specs.Process) error {
	switch {
	case p == nil:
		return errors.New("process property must not be empty")
	case p.Cwd == "":
		//lint:ignore ST1005 callers know these words
		return errors.New("Cwd property must not be empty")
	case !filepath.IsAbs(p.Cwd):
		//lint:ignore ST1005 callers know these words
		return errors.New("Cwd must be an absolute path")
	case len(p.Args) == 0:
		return errors.New("args must not be empty")
	}
	return nil
}

// defaultRootDir is the default of --root: for ordinary users, and for the root
// of a user namespace whose $USER is not root, a folder in their own runtime
// folder.
func defaultRootDir() string {
	if os.Getenv("XDG_RUNTIME_DIR") == "" {
		return defaultRoot // without a look at /proc
	}
	euid := os.Geteuid()
	return rootDirOf(euid, euid == 0 && userns.RunningInUserNS())
}

func rootDirOf(euid int, inUserNS bool) string {
	xdg := os.Getenv("XDG_RUNTIME_DIR")
	if xdg != "" && (euid != 0 || inUserNS && os.Getenv("USER") != "root") {
		return filepath.Join(xdg, "runc")
	}
	return defaultRoot
}

// rootlessCgroups tells whether permission errors of cgroups are to be ignored.
func rootlessCgroups(cmd *cli.Command) (bool, error) {
	if v := cmd.String("rootless"); v != "" && !strings.EqualFold(v, "auto") {
		return strconv.ParseBool(v)
	}
	if os.Geteuid() != 0 {
		return true, nil
	}
	if !userns.RunningInUserNS() {
		return false, nil
	}
	if cmd.Bool("systemd-cgroup") {
		// The root of a user namespace has no rights over the units of the
		// host's systemd.
		var st unix.Stat_t
		if err := unix.Stat("/run/systemd/private", &st); err == nil && st.Uid == 0 {
			return false, nil
		}
	}
	return true, nil
}
