// Package inside is what a process does on its way to the user's program, once
// it is in the container's namespaces.
//
// All of it is one program (package program), which [Setup] builds from a
// [Bootstrap]: first the part that sets the container or the process up, then
// the last part, which drops privileges and ends with execve(2). Where every
// step is a plain system call the runtime builds the program itself and sends it
// to a stub. Otherwise `runc init` gets the Bootstrap, builds the same program
// and carries it out, with Go functions between ([Init]).
package inside

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/libcontainer/capabilities"
	"runc/libcontainer/configs"
	"runc/libcontainer/keyring"
	"runc/libcontainer/rootfs"
	"runc/libcontainer/seccomp"
)

// sockEnv is the environment variable with the number of init's end of the
// channel. Everything else comes over the channel.
const sockEnv = "_RUNC_INIT_SOCK"

// Bootstrap is what a process has to know: what to do, already decided and
// checked, in the order in which it is done.
type Bootstrap struct {
	// Setns: join a running container instead of setting one up.
	Setns bool
	ID    string
	// Debug: tell what is being done.
	Debug bool

	// Extra files besides stdio are passed on to the user's program, from fd 3
	// on. Fifo is the number of the handle of exec.fifo, -1 for none.
	Extra, Fifo int

	// NewKeyring: join the container's session keyring, and let those search
	// it that KeyringShare names.
	NewKeyring   bool
	KeyringShare keyring.Share
	CgroupNS     bool
	LoopbackUp   bool

	Rootfs     *rootfs.Plan
	Cwd        string
	MountLabel string

	HasConsole                  bool
	ConsoleWidth, ConsoleHeight uint16

	Hostname, Domainname string

	AppArmorProfile string
	ProcessLabel    string
	Sysctl          map[string]string

	NoNewPrivileges bool
	Scheduler       *configs.Scheduler
	IOPriority      *configs.IOPriority
	Personality     *configs.LinuxPersonality
	MemoryPolicy    *configs.LinuxMemoryPolicy

	// AskHooks and AskRlimits: stop there and let the runtime do its part.
	AskHooks, AskRlimits bool

	// Hooks that init runs itself, and the state that they get.
	CreateContainer, StartContainer []configs.Hook
	State                           *specs.State

	Seccomp *seccomp.Program

	Caps capabilities.Caps

	UID, GID int
	Groups   []int
	// SetGroups is false where the kernel denies setgroups(2): in a user
	// namespace of an unprivileged user.
	SetGroups bool

	ParentDeathSignal int

	// Umask is for a process that joins the container. The first process gets
	// that of Rootfs.
	Umask uint32

	Args, Env []string
}
