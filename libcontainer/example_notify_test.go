package libcontainer_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/libcontainer"
	"runc/libcontainer/configs"
	"runc/libcontainer/specconv"
)

// A hook may be a Go function of the program that makes the container.
func Example_functionHook() {
	dir := must(os.MkdirTemp("", "example"))
	defer os.RemoveAll(dir)
	id := "example-" + filepath.Base(dir)
	spec := specconv.Example()
	spec.Root.Path = must(bundle(dir))
	config := must(specconv.CreateLibcontainerConfig(&specconv.CreateOpts{CgroupName: id, Spec: spec}))
	config.Hooks = configs.Hooks{configs.Poststop: {configs.NewFunctionHook(
		func(_ context.Context, state *specs.State) error {
			fmt.Println("the container is", state.Status)
			return nil
		})}}

	c := must(libcontainer.Create(filepath.Join(dir, "state"), id, config))
	p := &libcontainer.Process{Args: []string{"/bin/busybox", "true"}, Cwd: "/", Init: true}
	check(c.Run(p))
	fmt.Println("exit status", must(p.Wait()).ExitStatus())
	check(c.Destroy())
	// Output:
	// exit status 0
	// the container is stopped
}

// A program talks to a process by pipes.
func ExampleProcess_InitializeIO() {
	dir := must(os.MkdirTemp("", "example"))
	defer os.RemoveAll(dir)
	id := "example-" + filepath.Base(dir)
	spec := specconv.Example()
	spec.Root.Path = must(bundle(dir))
	config := must(specconv.CreateLibcontainerConfig(&specconv.CreateOpts{CgroupName: id, Spec: spec}))
	c := must(libcontainer.Create(filepath.Join(dir, "state"), id, config))

	p := &libcontainer.Process{Args: []string{"/bin/busybox", "tr", "a-z", "A-Z"}, Cwd: "/", Init: true}
	pipes := must(p.InitializeIO(must(config.HostRootUID()), must(config.HostRootGID())))
	defer pipes.Close()
	check(c.Run(p))
	must(io.WriteString(pipes.Stdin, "hello\n"))
	check(pipes.Stdin.Close())
	fmt.Printf("%s", must(io.ReadAll(pipes.Stdout)))
	must(p.Wait())
	check(c.Destroy())
	// Output: HELLO
}

// A program gives up its own caches while a container lacks memory.
func ExampleContainer_NotifyMemoryPressure() {
	watch := func(c *libcontainer.Container) error {
		events, err := c.NotifyMemoryPressure(libcontainer.MediumPressure)
		if err != nil {
			return err
		}
		for range events {
			log.Println(c.ID(), "lacks memory")
		}
		return nil // the container has ended
	}
	_ = watch
}
