package criu

import (
	"github.com/checkpoint-restore/go-criu/v8/rpc"
)

// Options are what a caller may ask for when a container is checkpointed or
// restored. The zero value of a field asks for nothing; StatusFd is the
// exception, with 0 or less for none.
type Options struct {
	// ImagesDirectory has the image files.
	ImagesDirectory string

	// WorkDirectory has CRIU's log and statistics; empty means the
	// ImagesDirectory.
	WorkDirectory string

	// ParentImage is the folder of the checkpoint before this one, relative to
	// ImagesDirectory. Memory that has not changed since is not written again.
	ParentImage string

	// LeaveRunning has the container go on after it was dumped.
	LeaveRunning bool

	// TcpEstablished dumps, and restores, established TCP connections.
	TcpEstablished bool

	// TcpSkipInFlight leaves out TCP connections that are not established yet.
	TcpSkipInFlight bool

	// LinkRemap gives a name to files that the container has open but has
	// unlinked, for as long as the checkpoint is needed.
	LinkRemap bool

	// ExternalUnixConnections allows unix sockets connected to the outside.
	ExternalUnixConnections bool

	// ShellJob allows a terminal and a session that belong to the caller.
	ShellJob bool

	// FileLocks dumps, and restores, file locks.
	FileLocks bool

	// PreDump dumps only the memory, and leaves the container running.
	PreDump bool

	// PageServer gets the memory, in place of ImagesDirectory.
	PageServer PageServer

	// ManageCgroupsMode says what CRIU restores of the container's cgroups.
	// Without ManageCgroupsSet that is CRIU's own choice, the soft mode.
	ManageCgroupsMode rpc.CriuCgMode
	ManageCgroupsSet  bool

	// EmptyNs are CLONE_NEW bits of the namespaces that are restored empty.
	EmptyNs uint32

	// AutoDedup removes memory from the parent image that is written again.
	AutoDedup bool

	// LazyPages leaves the memory to be asked for when it is needed.
	LazyPages bool

	// StatusFd gets a zero byte once the page server of a lazy dump is ready.
	StatusFd int

	// LsmProfile, as TYPE:NAME, and LsmMountContext replace what was dumped.
	LsmProfile      string
	LsmMountContext string

	// Warn gets what is no error. nil: nobody.
	Warn func(msg string)
}

// PageServer is the address of a `criu page-server`, or for a lazy dump the one
// to serve pages at.
type PageServer struct {
	Address string
	Port    int32
}

// logDir is the folder of CRIU's log.
func (o *Options) logDir() string {
	if o.WorkDirectory != "" {
		return o.WorkDirectory
	}
	return o.ImagesDirectory
}
