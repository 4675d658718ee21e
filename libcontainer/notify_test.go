package libcontainer_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
	"runc/libcontainer/specconv"
)

// A container that reads a file much larger than its limit makes the kernel
// reclaim its cache.
func TestMemoryPressure(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if cgroups.IsCgroup2UnifiedMode() {
		t.Skip("how long a process waits for memory on v2 depends on the machine")
	}
	dir := t.TempDir()
	check(os.Chmod(dir, 0o755))
	var st unix.Statfs_t
	if check(unix.Statfs(dir, &st)); st.Type == unix.TMPFS_MAGIC {
		t.Skip("the temporary folder is a tmpfs, whose pages cannot be reclaimed")
	}
	limit := int64(16 << 20)
	spec := specconv.Example()
	spec.Root.Path = must(bundle(dir))
	spec.Linux.Resources = &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}
	check(os.WriteFile(filepath.Join(spec.Root.Path, "large"), nil, 0o644))
	check(os.Truncate(filepath.Join(spec.Root.Path, "large"), 8*limit))
	id := "pressure-" + filepath.Base(dir)
	config := must(specconv.CreateLibcontainerConfig(&specconv.CreateOpts{CgroupName: id, Spec: spec}))
	c := must(libcontainer.Create(filepath.Join(dir, "state"), id, config))
	defer c.DestroyAll()
	p := &libcontainer.Process{
		Args: []string{"/bin/busybox", "sh", "-c", "read x; while :; do busybox cat /large >/dev/null; done"}, Cwd: "/", Init: true,
		Env: []string{"PATH=/bin"}, Stderr: new(bytes.Buffer),
	}
	pipes := must(p.InitializeIO(0, 0))
	defer pipes.Close()
	check(c.Run(p))
	if _, err := c.NotifyMemoryPressure(libcontainer.CriticalPressure + 1); err == nil {
		t.Error("there is no such level")
	}
	events, err := c.NotifyMemoryPressure(libcontainer.LowPressure)
	if errors.Is(err, libcontainer.ErrCgroupNotExist) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	must(io.WriteString(pipes.Stdin, "go\n"))
	select {
	case _, ok := <-events:
		if !ok {
			t.Error("the channel was closed before there was an event")
		}
	case <-time.After(time.Minute):
		t.Error("no event")
	}
	check(c.Signal(unix.SIGKILL))
	for range events {
	}
	must(p.Wait())
	if _, err := c.NotifyMemoryPressure(libcontainer.LowPressure); !errors.Is(err, libcontainer.ErrNotRunning) {
		t.Error("after the end:", err)
	}
	check(c.Destroy())
}
