// Package libcontainer makes and controls containers.
//
// # The life of a container
//
// A container is made in two steps, as the runtime-spec has it: [Create] and
// [Container.Start] set everything up and leave an init process waiting,
// [Container.Exec] lets it become the user's process. [Load] finds a container
// that this program or another one has made. [Container.Start] with a [Process]
// that is not the first one runs one more process inside. [Container.Destroy]
// removes what is left of a container that has ended. The configuration is made of
// a runtime-spec by package runc/libcontainer/specconv, and has to be checked by
// package runc/libcontainer/configs/validate.
//
// # The program that uses the package
//
// It must call [Init] first thing in main when its first argument is "init": the
// package executes the running binary inside the container. So the binary has to
// be linked statically.
//
// Several containers may be used at once. One [Container] is for one goroutine at
// a time: another goroutine gets a Container by [Load]. [Process.Wait],
// [Process.Signal] and the channels of [Container.NotifyOOM] and
// [Container.NotifyMemoryPressure] may be used beside it. The package leaves
// limits, umask, working directory, namespaces and cgroup of the program as they
// are.
//
// A start ends with its [Process]'s Context, and undoes what it has done. Errors are
// to be matched by [errors.Is] and [errors.As]; the variables that begin with Err
// say which function returns them.
//
// See docs/library.md for go.mod and the rules in full.
package libcontainer

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/cgroup"
	"runc/libcontainer/configs"
	"runc/libcontainer/intelrdt"
)

// Container is one that exists: made by [Create] or found by [Load]. It may be
// used by one goroutine at a time.
type Container struct {
	id  string
	dir string // <root>/<id>

	config *configs.Config

	// folder is the state folder in the process that made it, until the user's
	// program has been started: open, it cannot be taken for another folder that
	// gets its name later. locked says whether this process holds its lock.
	folder *os.File
	locked bool

	// paused: it was when last asked for its Status.
	paused bool

	cgroups *cgroup.Manager // nil until somebody asks

	// init is the first process when this process started it.
	init        *Process
	initPid     int
	initStart   uint64
	created     time.Time
	cgroupPaths map[string]string
	rdt         *intelrdt.Group // nil for none
	nsPaths     map[configs.NamespaceType]string
	descriptors []string
}

// Create makes the state folder root/id of a container. Nothing of it runs
// yet, and [Load] does not see it before Start: call [Container.Destroy] to
// give it up.
func Create(root, id string, config *configs.Config) (*Container, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	dir := filepath.Join(root, id)
	folder, err := makeDir(dir)
	if err != nil {
		return nil, err
	}
	return &Container{id: id, dir: dir, config: config, folder: folder, locked: true}, nil
}

// Load finds the container root/id. [ErrNotExist] when there is none; [ErrBroken]
// when its state file cannot be made sense of.
func Load(root, id string) (*Container, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	dir := filepath.Join(root, id)
	s, err := readState(dir, id)
	if err != nil {
		return nil, err
	}
	return &Container{
		id: id, dir: dir,
		config:      &s.Config,
		initPid:     s.InitProcessPid,
		initStart:   s.InitProcessStartTime,
		created:     s.Created,
		cgroupPaths: s.CgroupPaths,
		rdt:         loadRDT(s),
		nsPaths:     s.NamespacePaths,
		descriptors: s.ExternalDescriptors,
	}, nil
}

func checkID(id string) error {
	if id == "" {
		return ErrEmptyID
	}
	for _, r := range id {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_+-.", r):
		default:
			return ErrInvalidID
		}
	}
	if id == "." || id == ".." {
		return ErrInvalidID
	}
	return nil
}

// ID is the container's name, unique below its root.
func (c *Container) ID() string { return c.id }

// Dir is the container's state folder.
func (c *Container) Dir() string { return c.dir }

// Config is the container's configuration as last saved.
func (c *Container) Config() configs.Config { return *c.config }

// ownsCgroup says whether there is a cgroup of this container's making. One
// whose start was refused has none: at the path of its configuration is perhaps
// somebody else's, with his processes in it.
func (c *Container) ownsCgroup() bool {
	if c.cgroups != nil {
		return true
	}
	// Without a path (a state file of a rootless container that got none, or a
	// damaged one) the library would take the caller's own cgroup for it.
	for _, p := range c.cgroupPaths {
		if p != "" {
			return true
		}
	}
	return false
}

// manager is the container's cgroup; only for who has asked ownsCgroup, or has
// found the container by its state file.
func (c *Container) manager() (*cgroup.Manager, error) {
	if c.cgroups != nil {
		return c.cgroups, nil
	}
	m, err := cgroup.Load(c.config.Cgroups, c.cgroupPaths)
	if err != nil {
		return nil, err
	}
	c.cgroups = m
	return m, nil
}

// Status looks whether init still lives and what it does.
func (c *Container) Status() (Status, error) {
	if ok, err := alive(c.initPid, c.initStart); err != nil || !ok {
		return Stopped, err
	}
	frozen, err := cgroup.Frozen(c.cgroupPaths)
	if err != nil {
		return Stopped, err
	}
	if c.paused = frozen; frozen {
		return Paused, nil
	}
	// init waits at the fifo, and start removes it.
	var st unix.Stat_t
	if unix.Stat(filepath.Join(c.dir, fifoFilename), &st) == nil {
		return Created, nil
	}
	return Running, nil
}

// State is the container's state now, as it would be saved.
func (c *Container) State() (*State, error) {
	s := &State{
		ID:                   c.id,
		InitProcessPid:       c.initPid,
		InitProcessStartTime: c.initStart,
		Created:              c.created,
		Config:               *c.config,
		CgroupPaths:          c.cgroupPaths,
		NamespacePaths:       c.nsPaths,
		ExternalDescriptors:  c.descriptors,
	}
	s.Config.Hooks = s.Config.Hooks.Commands()
	if c.rdt != nil {
		s.IntelRdtPath, s.IntelRdtMonPath = c.rdt.Path, c.rdt.MonPath
	}
	return s, nil
}

// Summary is what `state` and `list` show of a container.
type Summary struct {
	Version string
	ID      string
	// Pid of init; 0 when stopped.
	Pid         int
	Status      Status
	Bundle      string
	Rootfs      string
	Created     time.Time
	Annotations map[string]string
}

// Summary reads as little as it can for [Summary].
func (c *Container) Summary() (*Summary, error) {
	status, err := c.Status()
	if err != nil {
		return nil, err
	}
	s := &Summary{
		Version: c.config.Version,
		ID:      c.id,
		Pid:     c.initPid,
		Status:  status,
		Rootfs:  c.config.Rootfs,
		Created: c.created,
	}
	if status == Stopped {
		s.Pid = 0
	}
	s.Bundle, s.Annotations = splitLabels(c.config.Labels)
	return s, nil
}

// Bundle is the folder that the container was made of.
func (c *Container) Bundle() string {
	bundle, _ := splitLabels(c.config.Labels)
	return bundle
}

// splitLabels takes the bundle and the annotations out of a config's labels.
func splitLabels(labels []string) (bundle string, annotations map[string]string) {
	for _, l := range labels {
		k, v, ok := strings.Cut(l, "=")
		switch {
		case !ok:
		case k == "bundle":
			bundle = v
		default:
			if annotations == nil {
				annotations = make(map[string]string)
			}
			annotations[k] = v
		}
	}
	return bundle, annotations
}

// OCIState is what hooks get on stdin, and seccomp listeners with their fd.
func (c *Container) OCIState() (*specs.State, error) {
	status, err := c.Status()
	if err != nil {
		return nil, err
	}
	return c.ociState(specs.ContainerState(status.String()))
}

func (c *Container) ociState(status specs.ContainerState) (*specs.State, error) {
	bundle, annotations := splitLabels(c.config.Labels)
	s := &specs.State{
		Version:     specs.Version,
		ID:          c.id,
		Status:      status,
		Pid:         c.initPid,
		Bundle:      bundle,
		Annotations: annotations,
	}
	if status == specs.StateStopped {
		s.Pid = 0
	}
	return s, nil
}

// save writes state.json.
func (c *Container) save() error {
	s, err := c.State()
	if err != nil {
		return err
	}
	return writeState(c.dir, s)
}
