package libcontainer

import (
	"io"
	"os"

	"runc/libcontainer/configs"
)

// Process is a process to be run in a container: its init, or one joined later.
// Its zero fields mean "as the container has it" where the container's Config
// has such a setting.
type Process struct {
	// Args are the command and its arguments; Args[0] is looked up in the PATH
	// of Env inside the container.
	Args []string

	// Env are K=V; the last of equal names wins.
	Env []string

	// UID, GID and AdditionalGroups are ids inside the container.
	UID, GID         int
	AdditionalGroups []int

	// Cwd is absolute, inside the container.
	Cwd string

	// Stdin, Stdout and Stderr: an *os.File is inherited as it is, anything
	// else is copied through a pipe until Wait; nil is /dev/null. Not used
	// with a console.
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer

	// ExtraFiles become fds 3 and on.
	ExtraFiles []*os.File

	// Terminal gives the process a console, made inside the container.
	Terminal bool

	// ConsoleWidth and ConsoleHeight are its size in characters; 0 leaves it.
	ConsoleWidth, ConsoleHeight uint16

	// ConsoleSocket, an AF_UNIX stream socket, gets the console's master.
	ConsoleSocket *os.File

	// PidfdSocket, likewise, gets a pidfd of the process.
	PidfdSocket *os.File

	Capabilities    *configs.Capabilities
	AppArmorProfile string
	// Label is the SELinux context.
	Label           string
	NoNewPrivileges *bool
	Rlimits         []configs.Rlimit
	Scheduler       *configs.Scheduler
	IOPriority      *configs.IOPriority
	CPUAffinity     *configs.CPUAffinity

	// Init: this is the container's first process.
	Init bool

	// SubCgroupPaths joins sub-cgroups: controller ("" on v2) to a path
	// relative to the container's cgroup.
	SubCgroupPaths map[string]string

	// LogLevel is logrus's number for messages from init.
	LogLevel string

	ops *running
}
