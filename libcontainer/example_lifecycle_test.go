package libcontainer_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"runc/libcontainer"
	"runc/libcontainer/configs"
	"runc/libcontainer/specconv"
)

// must is for examples alone: programs tell their users what is wrong.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A container through its whole life, as an engine leads it.
func Example_lifecycle() {
	dir := must(os.MkdirTemp("", "example"))
	defer os.RemoveAll(dir)
	root, id := filepath.Join(dir, "state"), "example-"+filepath.Base(dir)
	spec := specconv.Example()
	spec.Root.Path = must(bundle(dir))
	config := must(specconv.CreateLibcontainerConfig(&specconv.CreateOpts{CgroupName: id, Spec: spec}))

	// What `runc create` does: all is there, and init waits.
	created := must(libcontainer.Create(root, id, config))
	init := &libcontainer.Process{
		Args: []string{"/bin/busybox", "sleep", "1000"}, Cwd: "/", Init: true,
	}
	check(created.Start(init))
	fmt.Println(must(created.Status()))

	// Another process of the host may take it from here, by its name.
	c := must(libcontainer.Load(root, id))
	check(c.Exec())
	fmt.Println(must(c.Status()))
	state := must(c.OCIState())
	fmt.Println("init is our child:", state.Pid == must(init.Pid()), "- processes:", len(must(c.Processes())))

	// One more process inside.
	hello := &libcontainer.Process{
		Args: []string{"/bin/busybox", "echo", "hello"}, Cwd: "/", Stdout: os.Stdout,
	}
	check(c.Start(hello))
	fmt.Println("exit status", must(hello.Wait()).ExitStatus())

	// Limits, statistics, and a rest.
	check(c.Update(func(config *configs.Config) error {
		config.Labels = append(config.Labels, "color=blue")
		return nil
	}))
	if must(c.Stats()).CgroupStats == nil {
		log.Fatal("no statistics")
	}
	fmt.Println("annotations:", must(c.OCIState()).Annotations)
	check(c.Pause())
	fmt.Println(must(c.Status()))
	check(c.Resume())

	// The end. A running container is not removed.
	fmt.Println(c.Destroy())
	check(c.Signal(unix.SIGKILL))
	if !must(c.WaitStopped(10 * time.Second)) {
		log.Fatal("still there")
	}
	must(init.Wait())
	fmt.Println(must(c.Status()))
	check(c.Destroy())
	_, err := libcontainer.Load(root, id)
	fmt.Println(errors.Is(err, libcontainer.ErrNotExist), err)
	// Output:
	// created
	// running
	// init is our child: true - processes: 1
	// hello
	// exit status 0
	// annotations: map[color:blue]
	// paused
	// container still running
	// stopped
	// true container does not exist
}

// Limits are those of github.com/opencontainers/cgroups. What is changed is put
// into effect and saved, or all stays as it was.
func ExampleContainer_Update() {
	limit := func(root, id string, bytes int64) error {
		c, err := libcontainer.Load(root, id)
		if err != nil {
			return err
		}
		return c.Update(func(config *configs.Config) error {
			config.Cgroups.Resources.Memory = bytes
			return nil
		})
	}
	fmt.Println(limit("/nosuch", "web", 64<<20))
	// Output: container does not exist
}
