package rootfs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/cgroups"
	devices "github.com/opencontainers/cgroups/devices/config"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/internal/wire"
)

const childEnv = "ROOTFS_TEST_CHILD"

// child is what the re-executed test binary is told.
type child struct {
	Plan Plan
	// Hook is a shell script run by Env.Hooks, Script one run inside.
	Hook, Script string
	Terminal     bool
	// OldKernel has no mount_setattr(2).
	OldKernel bool
	// Console opens a terminal inside and mounts it.
	Console bool
}

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread()
	run := runChild
	if os.Getenv(nestEnv) != "" {
		run = nest
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// nestEnv has the child go into a user namespace by itself, after the script
// that came before it.
const nestEnv = "ROOTFS_TEST_NEST"

func nest() error {
	os.Unsetenv(nestEnv)
	cmd := exec.Command("/proc/self/exe")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{os.NewFile(3, "socket")}
	cmd.SysProcAttr = userNS(syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET)
	return cmd.Run()
}

func userNS(flags uintptr) *syscall.SysProcAttr {
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	return &syscall.SysProcAttr{
		Cloneflags:  flags | syscall.CLONE_NEWUSER,
		UidMappings: ids, GidMappings: ids,
		Credential: &syscall.Credential{},
		Pdeathsig:  syscall.SIGKILL,
	}
}

// runChild does what a container's init does with a plan.
func runChild() error {
	b, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var c child
	if err := wire.Decode(b, &c); err != nil {
		return err
	}
	if c.OldKernel {
		mountSetattr = func(int, string, uint, *unix.MountAttr) error { return unix.ENOSYS }
	}
	env := Env{Terminal: c.Terminal}
	syscall.CloseOnExec(3)
	env.Sources = askParent
	if c.Hook != "" {
		env.Hooks = func() error {
			out, err := exec.Command("/bin/sh", "-c", c.Hook).CombinedOutput()
			os.Stdout.Write(out)
			return err
		}
	}
	if err := c.Plan.Setup(env); err != nil {
		return err
	}
	if c.Console {
		if err := mountConsole(&c.Plan); err != nil {
			return err
		}
	}
	if err := c.Plan.ReadonlyPaths(); err != nil {
		return err
	}
	if err := c.Plan.MaskPaths(); err != nil {
		return err
	}
	return syscall.Exec("/bin/busybox", []string{"sh", "-c", c.Script}, []string{"PATH=/bin"})
}

// askParent sends the number of an operation, with the mount namespace that its
// sources are to be opened in, and receives those.
func askParent(op int) ([]*os.File, error) {
	ns, err := os.Open("/proc/self/ns/mnt")
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	if err := unix.Sendmsg(3, []byte(strconv.Itoa(op)), unix.UnixRights(int(ns.Fd())), nil, 0); err != nil {
		return nil, err
	}
	said, files, err := recvFiles(3)
	if err == nil && said != "ok" {
		err = errors.New(said)
	}
	return files, err
}

func recvFiles(sock int) (string, []*os.File, error) {
	buf, oob := make([]byte, 1024), make([]byte, unix.CmsgSpace(4*maxBatch))
	n, oobn, _, _, err := unix.Recvmsg(sock, buf, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return "", nil, err
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	var files []*os.File
	for i := range msgs {
		fds, _ := unix.ParseUnixRights(&msgs[i])
		for _, f := range fds {
			files = append(files, os.NewFile(uintptr(f), "passed"))
		}
	}
	return string(buf[:n]), files, err
}

// serve answers askParent until the child closes its end.
func (b *box) serve(sock int, plan *Plan) {
	var ns *os.File
	sources := plan.NewSources(func() error { return unix.Setns(int(ns.Fd()), unix.CLONE_NEWNS) },
		func() (*os.File, error) { return os.Open("/proc/self/ns/user") })
	defer sources.Close()
	for {
		said, files, err := recvFiles(sock)
		if err != nil || said == "" {
			return
		}
		ns = files[0]
		op, _ := strconv.Atoi(said)
		reply, err := sources.Open(op)
		said = "ok"
		if err != nil {
			said = err.Error()
		}
		var fds []int
		for _, f := range reply {
			fds = append(fds, int(f.Fd()))
		}
		var rights []byte
		if len(fds) != 0 {
			rights = unix.UnixRights(fds...)
		}
		_ = unix.Sendmsg(sock, []byte(said), rights, nil, 0)
		closeFiles(append(reply, files...))
	}
}

func mountConsole(p *Plan) error {
	master, err := os.OpenFile("/dev/pts/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	slave, err := os.OpenFile("/dev/pts/0", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	return p.Console(slave)
}

// box is a container-to-be.
type box struct {
	t      *testing.T
	cfg    *configs.Config
	layout Layout
	hook   string
	// userns maps ids 0.. to 100000.. .
	userns bool
	term   bool
	old    bool
	// before is a script that runs the test binary as $0.
	before string
	// outerNS: before needs a mount namespace though the container has none,
	// or makes the container's own.
	outerNS bool
	console bool
}

// needRoot skips a test that has to mount.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Skip("busybox is not installed")
	}
}

// newBox makes a root with busybox in it and the configuration that `runc spec`
// means.
func newBox(t *testing.T) *box {
	t.Helper()
	needRoot(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "rootfs")
	for _, d := range []string{"bin", "etc", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	bb, _ := exec.LookPath("busybox")
	data, err := os.ReadFile(bb)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), data, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"sh", "ls", "cat", "grep", "stat", "mount", "umount", "readlink", "test", "touch", "echo", "find", "id", "mkdir", "awk", "head", "sort", "mknod", "wc", "mountpoint"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", a)); err != nil {
			t.Fatal(err)
		}
	}
	return &box{t: t, cfg: defaultConfig(root), layout: Layout{}}
}

func (b *box) root(elem ...string) string {
	return filepath.Join(append([]string{b.cfg.Rootfs}, elem...)...)
}

func (b *box) host(elem ...string) string {
	return filepath.Join(append([]string{filepath.Dir(b.cfg.Rootfs)}, elem...)...)
}

func (b *box) mount(m *configs.Mount) { b.cfg.Mounts = append(b.cfg.Mounts, m) }

// run gives what the script prints, and the error of the set-up.
func (b *box) run(script string) (string, error) {
	b.t.Helper()
	plan, err := NewPlan(b.cfg, b.layout)
	if err != nil {
		return "", err
	}
	plan.Arrange()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	served := make(chan bool)
	go func() {
		b.serve(pair[0], plan)
		unix.Close(pair[0])
		close(served)
	}()
	defer func() {
		theirs.Close()
		<-served
	}()
	msg, err := wire.Encode(child{Plan: *plan, Hook: b.hook, Script: script, Terminal: b.term, OldKernel: b.old, Console: b.console})
	if err != nil {
		b.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	// By this name, since the root of a user namespace may not reach the file.
	cmd := exec.Command("/proc/self/exe")
	if b.before != "" {
		cmd = exec.Command("/bin/sh", "-ec", b.before, self)
	}
	cmd.Env = append(os.Environ(), childEnv+"=1", "GOMAXPROCS=1", "GOGC=off")
	cmd.Stdin = bytes.NewReader(msg)
	cmd.ExtraFiles = []*os.File{theirs}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	if b.cfg.Namespaces.Contains(configs.NEWNS) || b.outerNS {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNS
	}
	if b.cfg.Namespaces.Contains(configs.NEWCGROUP) {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWCGROUP
	}
	switch {
	case b.userns && b.before != "":
		cmd.Env = append(cmd.Env, nestEnv+"=1")
		// The maps are written by way of this machine's /proc and its pids.
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
	case b.userns:
		cmd.SysProcAttr = userNS(cmd.SysProcAttr.Cloneflags)
	}
	if err := cmd.Run(); err != nil {
		if errs.Len() > 0 {
			return out.String(), fmt.Errorf("%s", strings.TrimSpace(errs.String()))
		}
		return out.String(), err
	}
	return out.String(), nil
}

// must is run where no failure is expected.
func (b *box) must(script string) string {
	b.t.Helper()
	out, err := b.run(script)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// inUserNS gives the container a user namespace.
func (b *box) inUserNS() {
	b.userns = true
	b.cfg.Namespaces.Add(configs.NEWUSER, "")
	b.cfg.UIDMappings = []configs.IDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
	b.cfg.GIDMappings = b.cfg.UIDMappings
	if err := exec.Command("chown", "-hR", "100000:100000", b.cfg.Rootfs).Run(); err != nil {
		b.t.Fatal(err)
	}
	// t.TempDir's parents are 0700 for root alone.
	for dir := filepath.Dir(b.cfg.Rootfs); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			b.t.Fatal(err)
		}
	}
}

func defaultConfig(root string) *configs.Config {
	const sec = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	c := &configs.Config{
		Rootfs: root,
		Mounts: []*configs.Mount{
			{Source: "proc", Destination: "/proc", Device: "proc"},
			{Source: "tmpfs", Destination: "/dev", Device: "tmpfs", Flags: unix.MS_NOSUID | unix.MS_STRICTATIME, Data: "mode=755,size=65536k"},
			{Source: "devpts", Destination: "/dev/pts", Device: "devpts", Flags: unix.MS_NOSUID | unix.MS_NOEXEC, Data: "newinstance,ptmxmode=0666,mode=0620,gid=5"},
			{Source: "shm", Destination: "/dev/shm", Device: "tmpfs", Flags: sec, Data: "mode=1777,size=65536k"},
			{Source: "mqueue", Destination: "/dev/mqueue", Device: "mqueue", Flags: sec},
			{Source: "sysfs", Destination: "/sys", Device: "sysfs", Flags: sec | unix.MS_RDONLY},
		},
		Namespaces: configs.Namespaces{{Type: configs.NEWNS}, {Type: configs.NEWPID}, {Type: configs.NEWIPC}, {Type: configs.NEWUTS}, {Type: configs.NEWNET}},
		Cgroups:    &cgroups.Cgroup{},
		MaskPaths: []string{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
			"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"},
		ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
	}
	for _, d := range []struct {
		path         string
		major, minor int64
	}{{"/dev/null", 1, 3}, {"/dev/zero", 1, 5}, {"/dev/full", 1, 7}, {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}} {
		c.Devices = append(c.Devices, &devices.Device{
			Path: d.path, FileMode: 0o666,
			Rule: devices.Rule{Type: devices.CharDevice, Major: d.major, Minor: d.minor, Allow: true},
		})
	}
	return c
}

// mustJSON shows data in failures.
func mustJSON(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return string(b)
}
