package configs

import "time"

// HookName is a moment in the container's life at which hooks run.
type HookName string

// The moments, as config.json names them.
const (
	Prestart        HookName = "prestart"
	CreateRuntime   HookName = "createRuntime"
	CreateContainer HookName = "createContainer"
	StartContainer  HookName = "startContainer"
	Poststart       HookName = "poststart"
	Poststop        HookName = "poststop"
)

// HookNames lists them in the order of a container's life.
func HookNames() []HookName {
	return []HookName{Prestart, CreateRuntime, CreateContainer, StartContainer, Poststart, Poststop}
}

// Hooks are the commands of each moment, in order.
type Hooks map[HookName][]Hook

// Hook is one command. Timeout nil waits as long as it takes.
type Hook struct {
	Path    string         `json:"path"`
	Args    []string       `json:"args"`
	Env     []string       `json:"env"`
	Dir     string         `json:"dir"`
	Timeout *time.Duration `json:"timeout"`
}
