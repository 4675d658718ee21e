package libcontainer

// Status is where a container is in its life.
type Status int

const (
	// Created: init is set up and waits for start.
	Created Status = iota
	// Running: the user's process runs.
	Running
	// Paused: the cgroup is frozen.
	Paused
	// Stopped: init has ended.
	Stopped
)

func (s Status) String() string {
	switch s {
	case Created:
		return "created"
	case Running:
		return "running"
	case Paused:
		return "paused"
	case Stopped:
		return "stopped"
	}
	return "unknown"
}
