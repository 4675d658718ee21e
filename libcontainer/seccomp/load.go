package seccomp

import (
	"errors"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ErrNotBuilt: this version does not load filters.
var ErrNotBuilt = errors.New("config.json: linux.seccomp: filters are not supported by this version of the runtime")

// Load puts the filter on the calling thread; the file is the listener's, nil
// without SCMP_ACT_NOTIFY.
func (p *Program) Load() (*os.File, error) { return nil, ErrNotBuilt }

// SendListener gives a filter's listener to the agent at a socket.
func SendListener(string, *specs.ContainerProcessState, *os.File) error { return ErrNotBuilt }
