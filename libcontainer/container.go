package libcontainer

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/libcontainer/configs"
)

var errTODO = errors.New("not implemented")

type running struct{}

// Container is one that exists: made by [Create] or found by [Load].
type Container struct {
	id      string
	root    string
	config  *configs.Config
	created time.Time
}

// State is what state.json holds.
type State struct {
	ID                   string                           `json:"id"`
	InitProcessPid       int                              `json:"init_process_pid"`
	InitProcessStartTime uint64                           `json:"init_process_start"`
	Created              time.Time                        `json:"created"`
	Config               configs.Config                   `json:"config"`
	CgroupPaths          map[string]string                `json:"cgroup_paths"`
	NamespacePaths       map[configs.NamespaceType]string `json:"namespace_paths"`
	ExternalDescriptors  []string                         `json:"external_descriptors,omitempty"`
	IntelRdtPath         string                           `json:"intel_rdt_path,omitempty"`
}

// Create makes the state folder root/id of a container. Nothing of it runs yet.
func Create(root, id string, config *configs.Config) (*Container, error) { return nil, errTODO }

// Load finds the container root/id; [ErrNotExist] when there is none.
func Load(root, id string) (*Container, error) { return nil, errTODO }

func (c *Container) ID() string             { return c.id }
func (c *Container) Config() configs.Config { return *c.config }

// Status looks whether init still lives and what it does.
func (c *Container) Status() (Status, error) { return Stopped, errTODO }

// State is the container's state now.
func (c *Container) State() (*State, error) { return nil, errTODO }

// OCIState is what hooks get on stdin.
func (c *Container) OCIState() (*specs.State, error) { return nil, errTODO }

// Start starts a process; a container's first stays blocked until Exec.
func (c *Container) Start(p *Process) error { return errTODO }

// Run is Start and, for the first process, Exec.
func (c *Container) Run(p *Process) error { return errTODO }

// Exec lets a created container's init go on to the user's process.
func (c *Container) Exec() error { return errTODO }

// Signal sends a signal to init. SIGKILL in a shared pid namespace kills all.
func (c *Container) Signal(s os.Signal) error { return errTODO }

// Processes are the pids of all processes in the container's cgroup.
func (c *Container) Processes() ([]int, error) { return nil, errTODO }

// Destroy removes a stopped container; [ErrRunning] otherwise... see Kill.
func (c *Container) Destroy() error { return errTODO }

// Pause freezes, Resume thaws.
func (c *Container) Pause() error  { return errTODO }
func (c *Container) Resume() error { return errTODO }

// Set applies new resources and saves them.
func (c *Container) Set(config configs.Config) error { return errTODO }

// Stats is a snapshot of use and limits.
type Stats struct {
	CgroupStats *cgroups.Stats
	// IntelRdtStats is filled by the resctrl monitor.
	Interfaces []*NetworkInterface
}

// NetworkInterface is kept for the shape of `events`; never filled.
type NetworkInterface struct{ Name string }

// Stats reads them.
func (c *Container) Stats() (*Stats, error) { return nil, errTODO }

// NotifyOOM gives a channel that gets a value at each OOM kill, and is closed
// when the cgroup goes.
func (c *Container) NotifyOOM() (<-chan struct{}, error) { return nil, errTODO }

// Wait waits for the process and gives its status. When another reaped it the
// status is unknown.
func (p *Process) Wait() (unix.WaitStatus, error) { return 0, errTODO }

// Pid is the process's pid in the caller's namespace, or an error before Start.
func (p *Process) Pid() (int, error) { return -1, errTODO }

// Signal signals the process itself.
func (p *Process) Signal(sig os.Signal) error { return errTODO }

// Init is what the re-exec'd binary calls as its very first step when its
// arguments say `init`. It does not return when the container starts.
func Init() { os.Exit(1) }
