package libcontainer_test

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"runc/libcontainer"
	"runc/libcontainer/specconv"
)

// A program that makes containers starts with this: libcontainer re-executes
// it inside each container.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "init" {
		log.Fatal(libcontainer.Init())
	}
	os.Exit(m.Run())
}

// bundle makes a root file system with nothing but busybox in it.
func bundle(dir string) (rootfs string, err error) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return "", err
	}
	rootfs = filepath.Join(dir, "rootfs")
	if err := os.MkdirAll(filepath.Join(rootfs, "bin"), 0o755); err != nil {
		return "", err
	}
	b, err := os.ReadFile(busybox)
	if err != nil {
		return "", err
	}
	return rootfs, os.WriteFile(filepath.Join(rootfs, "bin/busybox"), b, 0o755)
}

// runContainer runs one command in a container of its own and removes it.
func runContainer(dir string, args ...string) error {
	rootfs, err := bundle(dir)
	if err != nil {
		return err
	}
	spec := specconv.Example()
	spec.Root.Path = rootfs
	id := "example-" + filepath.Base(dir)
	config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{CgroupName: id, Spec: spec})
	if err != nil {
		return err
	}
	container, err := libcontainer.Create(filepath.Join(dir, "state"), id, config)
	if err != nil {
		return err
	}
	defer container.Destroy()
	process := &libcontainer.Process{
		Args:   args,
		Env:    []string{"PATH=/bin"},
		Cwd:    "/",
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Init:   true,
	}
	if err := container.Run(process); err != nil {
		return err
	}
	status, err := process.Wait()
	if err != nil {
		return err
	}
	fmt.Println("exit status", status.ExitStatus())
	return nil
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := runContainer(dir, "busybox", "sh", "-c", "echo pid $$ on $(busybox hostname); exit 3"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// pid 1 on runc
	// exit status 3
}
