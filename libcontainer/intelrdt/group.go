// Package intelrdt puts containers into groups of resctrl, the kernel's file
// system that divides cache and memory bandwidth (Intel RDT, AMD QoS, Arm MPAM;
// Linux 4.10, monitoring groups 4.14), and reads what the groups use.
//
// See Documentation/filesystems/resctrl.rst for the file system, and the
// runtime-spec's section on linux.intelRdt for the rules of ownership.
package intelrdt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/system"
)

// ErrNotEnabled says that no resctrl is mounted. Callers of the runtime know its
// words.
var ErrNotEnabled = errors.New("intelRdt is specified in config, but Intel RDT is not enabled")

// Group is the resctrl group of one container.
type Group struct {
	// Path is the control group's folder, to be kept with the container's
	// state (intel_rdt_path).
	Path string
	// MonPath is the folder of the monitoring group that is the container's own,
	// to be kept likewise (intel_rdt_mon_path). Empty without monitoring, or where
	// a group of that name existed before the container.
	MonPath string
	// ID is the container's, and the name of its monitoring group.
	ID string
	// Config is what the container asks for. Its ClosID is set where the group is
	// not the container's own.
	Config *configs.IntelRdt

	// found says that the group existed before the container, without being named
	// in the configuration.
	found bool
}

// New decides which group a container is in: an own one, named after its id, or
// the one that closID names; "/" is the root's. Where a group of the container's
// id exists already, that is somebody else's: the container joins it if the terms
// agree, and Config names it, so that whoever reads the state does not remove it.
// [ErrNotEnabled] without resctrl.
func New(id string, config *configs.IntelRdt) (*Group, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	return newGroup(root, id, config)
}

func newGroup(root, id string, config *configs.IntelRdt) (*Group, error) {
	g := &Group{Path: root, ID: id, Config: config}
	if name := config.ClosID; name != "/" {
		if name == "" {
			name = id
		}
		if name == "." || name == ".." || strings.ContainsAny(name, "/\n\x00") {
			return nil, fmt.Errorf("invalid intelRdt.ClosID %q", name)
		}
		g.Path = filepath.Join(root, name)
		if config.ClosID == "" && exists(g.Path) {
			named := *config
			named.ClosID = name
			g.Config, g.found = &named, true
		}
	}
	if config.EnableMonitoring && !exists(g.monPath()) {
		g.MonPath = g.monPath()
	}
	return g, nil
}

func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }

// mkdir can be replaced by a test: the kernel fills a new folder with files.
var mkdir = unix.Mkdir

func (g *Group) monPath() string { return filepath.Join(g.Path, "mon_groups", g.ID) }

// shared says that the group existed before the container, or is meant to outlive
// it.
func (g *Group) shared() bool { return g.Config.ClosID != "" }

// Apply makes the group as far as the rules want it made, sets its schemata and
// puts the process into it. On an error it removes what it has made.
func (g *Group) Apply(pid int) (err error) {
	made, err := g.create()
	if err != nil {
		return err
	}
	if made {
		defer func() {
			if err != nil {
				_ = unix.Rmdir(g.Path)
			}
		}()
	}
	if !g.found {
		if err := g.Set(g.Config); err != nil {
			return err
		}
	}
	if g.MonPath != "" {
		if err := mkdir(g.MonPath, 0o755); err != nil {
			return g.explain(&os.PathError{Op: "mkdir", Path: g.MonPath, Err: err})
		}
		defer func() {
			if err != nil {
				_ = unix.Rmdir(g.MonPath)
			}
		}()
	}
	return g.Join(pid)
}

// create makes the control group, and says whether it had to.
func (g *Group) create() (bool, error) {
	c := g.Config
	hasSchema := c.L3CacheSchema != "" || c.MemBwSchema != "" || len(c.Schemata) != 0
	if g.shared() && !hasSchema {
		// Without a schema to give it, a named group is one prepared by the
		// administrator.
		st, err := os.Stat(g.Path)
		if err == nil && !st.IsDir() {
			err = &os.PathError{Op: "stat", Path: g.Path, Err: unix.ENOTDIR}
		}
		if err != nil {
			return false, fmt.Errorf("intelRdt.closID %q names no existing group, and there is no schema to make one: %w", c.ClosID, err)
		}
		return false, nil
	}
	err := mkdir(g.Path, 0o755)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EEXIST) && g.shared():
		return false, g.compare()
	}
	// Also when it exists only since New has looked: it is somebody else's.
	return false, g.explain(&os.PathError{Op: "mkdir", Path: g.Path, Err: err})
}

// compare refuses an existing group whose schemata are not those of the
// configuration.
func (g *Group) compare() error {
	has, err := readSchemata(g.Path)
	if err != nil {
		return err
	}
	wants := []string{g.Config.L3CacheSchema, g.Config.MemBwSchema}
	if g.found {
		wants = append(wants, g.Config.Schemata...)
	}
	for _, want := range wants {
		if want != "" && !has.covers(want) {
			return fmt.Errorf("intelRdt.closID %q exists, and its schemata do not match %q", g.Config.ClosID, want)
		}
	}
	return nil
}

// Set writes the schemata of a configuration, l3CacheSchema and memBwSchema
// first. A configuration that has none writes nothing.
func (g *Group) Set(c *configs.IntelRdt) error {
	writes, err := schemaWrites(c)
	if err != nil {
		return err
	}
	for _, w := range writes {
		if err := g.write(filepath.Join(g.Path, "schemata"), w); err != nil {
			return err
		}
	}
	return nil
}

// schemaWrites decides what is written to the schemata file. The kernel takes
// several lines in one write, but the same resource only once in it; schemata
// may repeat what the other two say.
func schemaWrites(c *configs.IntelRdt) ([]string, error) {
	var writes []string
	for _, lines := range [][]string{{c.L3CacheSchema, c.MemBwSchema}, c.Schemata} {
		var b strings.Builder
		for _, l := range lines {
			if l == "" {
				continue
			}
			if strings.ContainsRune(l, '\n') {
				return nil, fmt.Errorf("intelRdt schema %q has more than one line", l)
			}
			b.WriteString(l + "\n")
		}
		if b.Len() != 0 {
			writes = append(writes, b.String())
		}
	}
	return writes, nil
}

// Join puts a further process into the group, and into its monitoring group.
func (g *Group) Join(pid int) error {
	if err := g.write(filepath.Join(g.Path, "tasks"), strconv.Itoa(pid)); err != nil {
		return err
	}
	if g.Config.EnableMonitoring {
		return g.write(filepath.Join(g.monPath(), "tasks"), strconv.Itoa(pid))
	}
	return nil
}

// Remove removes what belongs to this container alone: its monitoring group, and
// the control group unless ClosID names it.
func (g *Group) Remove() error {
	var errs []error
	rmdir := func(path string) {
		if err := unix.Rmdir(path); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, &os.PathError{Op: "rmdir", Path: path, Err: err})
		}
	}
	if g.MonPath != "" {
		rmdir(g.MonPath)
	}
	if !g.shared() {
		rmdir(g.Path)
	}
	return errors.Join(errs...)
}

func (g *Group) write(path, data string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	err = system.Retry(func() error { _, err := unix.Write(fd, []byte(data)); return err })
	if err != nil {
		return g.explain(&os.PathError{Op: "write " + strconv.Quote(strings.TrimSpace(data)) + " to", Path: path, Err: err})
	}
	return nil
}

// explain adds the kernel's words about the last command, which say more than an
// errno.
func (g *Group) explain(err error) error {
	root := filepath.Dir(g.Path)
	if g.Config.ClosID == "/" {
		root = g.Path
	}
	b, rerr := os.ReadFile(filepath.Join(root, "info", "last_cmd_status"))
	status := strings.TrimSpace(string(b))
	if rerr != nil || status == "" || status == "ok" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, status)
}
