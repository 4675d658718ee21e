// Command user is a program of another module that uses libcontainer. The test
// in the folder above copies it out of this tree, and builds it there.
//
// It leads several containers through their life at once, and executes several
// processes at once in each of them. Then it looks for what is left in itself:
// goroutines, files, children. It ends with status 1 when something is wrong.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer"
	"runc/libcontainer/configs"
	"runc/libcontainer/specconv"
)

func main() {
	// libcontainer executes this program once more inside a container, as init.
	if len(os.Args) > 1 && os.Args[1] == "init" {
		log.Fatal(libcontainer.Init())
	}
	if len(os.Args) != 3 {
		log.Fatal("usage: user ROOTFS STATE-FOLDER")
	}
	rootfs, root := os.Args[1], os.Args[2]
	// The first container has Go start what it starts once: its poller, threads.
	if err := lead(rootfs, root, "first"); err != nil {
		log.Fatal(err)
	}
	before := left()
	if err := atOnce(4, func(n int) error {
		for round := range 3 {
			if err := lead(rootfs, root, fmt.Sprintf("c%d-%d", n, round)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		log.Fatal(err)
	}
	if err := errorsMatch(rootfs, root); err != nil {
		log.Fatal(err)
	}
	// A goroutine may still be on its way out.
	deadline := time.Now().Add(20 * time.Second)
	for left() != before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if now := left(); now != before {
		stacks := make([]byte, 1<<20)
		log.Fatalf("left in this program: %s; before: %s\n%s", now, before, stacks[:runtime.Stack(stacks, true)])
	}
	if names, err := os.ReadDir(root); err != nil || len(names) != 0 {
		log.Fatalf("left in the state folder: %v %v", names, err)
	}
	fmt.Println("all well")
}

// left counts what a container might leave in the program that made it.
func left() string {
	files, _ := os.ReadDir("/proc/self/fd")
	children := 0
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		list, _ := os.ReadFile("/proc/self/task/" + t.Name() + "/children")
		children += len(bytes.Fields(list))
	}
	return fmt.Sprintf("%d goroutines, %d files, %d children", runtime.NumGoroutine(), len(files), children)
}

// atOnce calls f in n goroutines.
func atOnce(n int, f func(n int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func create(rootfs, root, name string, hooks configs.Hooks) (*libcontainer.Container, error) {
	spec := specconv.Example()
	spec.Root.Path = rootfs
	id := fmt.Sprintf("library-%d-%s", os.Getpid(), name)
	config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{CgroupName: id, Spec: spec})
	if err != nil {
		return nil, err
	}
	config.Hooks = hooks
	return libcontainer.Create(root, id, config)
}

// lead leads one container through its life.
func lead(rootfs, root, name string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("container %s: %w", name, err)
		}
	}()
	var seen []string
	hook := func(moment string) []configs.Hook {
		return []configs.Hook{configs.NewFunctionHook(func(_ context.Context, state *specs.State) error {
			seen = append(seen, moment+" "+string(state.Status))
			return nil
		})}
	}
	c, err := create(rootfs, root, name, configs.Hooks{
		configs.CreateRuntime: hook("createRuntime"), configs.Poststart: hook("poststart"), configs.Poststop: hook("poststop"),
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = c.DestroyAll()
		}
	}()
	var out bytes.Buffer
	init := &libcontainer.Process{
		Args: []string{"/bin/busybox", "sh", "-c", "trap 'echo asked to end; exit 7' TERM; echo ready; while :; do busybox sleep 1000 & wait $!; done"},
		Env:  []string{"PATH=/bin"}, Cwd: "/", Init: true,
		Context: context.Background(),
	}
	pipes, err := init.InitializeIO(0, 0)
	if err != nil {
		return err
	}
	defer pipes.Close()
	if err := c.Start(init); err != nil {
		return err
	}
	// A daemon waits for each process that it has made, from the start on, in a
	// goroutine for that alone.
	type end struct {
		status unix.WaitStatus
		err    error
	}
	ended := make(chan end, 1)
	go func() {
		status, err := init.Wait()
		ended <- end{status, err}
	}()
	if status, err := c.Status(); err != nil || status != libcontainer.Created {
		return fmt.Errorf("status %v, want created: %w", status, err)
	}
	if err := c.Exec(); err != nil {
		return err
	}
	if err := c.Exec(); !errors.Is(err, libcontainer.ErrRunning) {
		return fmt.Errorf("exec of a running container: %w", err)
	}
	// The hooks stay though the configuration is read from the state file.
	if err := c.Update(func(*configs.Config) error { return nil }); err != nil {
		return err
	}
	ready := make([]byte, 6)
	if _, err := pipes.Stdout.Read(ready); err != nil {
		return fmt.Errorf("read from init: %w", err)
	}
	oom, err := c.NotifyOOM()
	if err != nil {
		return err
	}
	// A Container is for one goroutine at a time. Each one loads it.
	if err := atOnce(3, func(n int) error { return execute(root, c.ID(), n) }); err != nil {
		return err
	}
	if err := c.Destroy(); !errors.Is(err, libcontainer.ErrRunning) {
		return fmt.Errorf("destroy of a running container: %w", err)
	}
	if err := c.Signal(unix.SIGTERM); err != nil {
		return err
	}
	e := <-ended
	if e.err != nil || e.status.ExitStatus() != 7 {
		return fmt.Errorf("init ended with status %#x: %w", e.status, e.err)
	}
	if _, err := out.ReadFrom(pipes.Stdout); err != nil || out.String() != "asked to end\n" {
		return fmt.Errorf("output %q: %w", out.String(), err)
	}
	for range oom {
		return errors.New("there was no lack of memory")
	}
	if err := c.Signal(unix.SIGTERM); !errors.Is(err, libcontainer.ErrNotRunning) {
		return fmt.Errorf("signal to a stopped container: %w", err)
	}
	if err := c.Update(func(*configs.Config) error { return nil }); !errors.Is(err, libcontainer.ErrNotRunning) {
		return fmt.Errorf("update of a stopped container: %w", err)
	}
	if err := c.Destroy(); err != nil {
		return err
	}
	if got := strings.Join(seen, ", "); got != "createRuntime creating, poststart running, poststop stopped" {
		return fmt.Errorf("hooks: %s", got)
	}
	return nil
}

// execute runs one more process in a container.
func execute(root, id string, n int) error {
	c, err := libcontainer.Load(root, id)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	p := &libcontainer.Process{
		Args: []string{"/bin/busybox", "sh", "-c", "busybox cat; exit $0", fmt.Sprint(n)},
		Env:  []string{"PATH=/bin"}, Cwd: "/",
		Stdin: strings.NewReader("hello " + fmt.Sprint(n)), Stdout: &out,
	}
	if err := c.Run(p); err != nil {
		return err
	}
	status, err := p.Wait()
	if err != nil || status.ExitStatus() != n || out.String() != "hello "+fmt.Sprint(n) {
		return fmt.Errorf("process %d: status %d, output %q: %w", n, status.ExitStatus(), out.String(), err)
	}
	return nil
}

// errorsMatch makes mistakes that errors.Is and errors.As tell apart.
func errorsMatch(rootfs, root string) error {
	c, err := create(rootfs, root, "errors", nil)
	if err != nil {
		return err
	}
	defer c.DestroyAll()
	if _, err := create(rootfs, root, "errors", nil); !errors.Is(err, libcontainer.ErrExist) {
		return fmt.Errorf("the same id twice: %w", err)
	}
	if _, err := libcontainer.Load(root, "../x"); !errors.Is(err, libcontainer.ErrInvalidID) {
		return fmt.Errorf("an id with a slash: %w", err)
	}
	if _, err := libcontainer.Load(root, "none"); !errors.Is(err, libcontainer.ErrNotExist) {
		return fmt.Errorf("no such container: %w", err)
	}
	// The end of a context ends a start.
	stopped := errors.New("stopped by the caller")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(stopped)
	p := &libcontainer.Process{Args: []string{"/bin/busybox", "true"}, Cwd: "/", Init: true, Context: ctx}
	if err := c.Start(p); !errors.Is(err, stopped) {
		return fmt.Errorf("start with a context that has ended: %w", err)
	}
	return nil
}
