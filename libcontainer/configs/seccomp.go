package configs

// Action is what a seccomp filter does with a syscall. The numbers are those
// of state.json, not the kernel's.
type Action int

// The actions of the runtime-spec.
const (
	Kill Action = iota + 1
	Errno
	Trap
	Allow
	Trace
	Log
	Notify
	KillThread
	KillProcess
)

// Operator compares a syscall's argument with a constant.
type Operator int

// The operators of the runtime-spec.
const (
	EqualTo Operator = iota + 1
	NotEqualTo
	GreaterThan
	GreaterThanOrEqualTo
	LessThan
	LessThanOrEqualTo
	// MaskEqualTo: argument & Value == ValueTwo.
	MaskEqualTo
)

// Seccomp is a filter as rules.
type Seccomp struct {
	DefaultAction Action `json:"default_action"`
	// Architectures are short names: amd64, x86, x32, arm, arm64, ...
	Architectures []string `json:"architectures,omitempty"`
	// Flags are SECCOMP_FILTER_FLAG_ names.
	Flags    []string   `json:"flags,omitempty"`
	Syscalls []*Syscall `json:"syscalls,omitempty"`
	// DefaultErrnoRet is for a default action of Errno or Trace; nil is EPERM.
	DefaultErrnoRet *uint `json:"default_errno_ret,omitempty"`
	// ListenerPath is the socket that gets the listener fd (action Notify).
	ListenerPath     string `json:"listener_path,omitempty"`
	ListenerMetadata string `json:"listener_metadata,omitempty"`
}

// Arg is a condition on one argument of a syscall.
type Arg struct {
	// Index of the argument, 0 to 5.
	Index    uint     `json:"index"`
	Value    uint64   `json:"value"`
	ValueTwo uint64   `json:"value_two"`
	Op       Operator `json:"op"`
}

// Syscall is a rule: one name of one entry of config.json.
type Syscall struct {
	Name     string `json:"name"`
	Action   Action `json:"action"`
	ErrnoRet *uint  `json:"errnoRet,omitempty"`
	Args     []*Arg `json:"args,omitempty"`
}
