package rootfs

import (
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Env is what Setup needs from outside the plan.
type Env struct {
	// Sources asks the runtime for the sources that init needs at the operation
	// with this number: as many as its Batch says. Setup closes them. It is not
	// called where no operation is Sent.
	Sources func(op int) ([]*os.File, error)

	// Mounted gets the mounts of a container without a mount namespace, in the
	// order in which they were made. nil: they are not announced.
	Mounted func([]HostMount) error

	// Hooks runs after all mounts are made and before the root changes. nil:
	// there are none.
	Hooks func() error

	// Settled waits until the cgroup has the device rules that the container
	// keeps: while they are written, they deny all devices. nil: it has them.
	Settled func() error

	// Terminal: Console is going to be called, so its target is made while
	// /dev is still writable.
	Terminal bool

	// Cwd is made when it is missing, while the root is still writable. Empty:
	// there is none.
	Cwd string
}

// setup is the state of Setup while it runs.
type setup struct {
	plan *Plan
	env  Env
	tree tree

	// sources are those that have come before their operation's turn.
	sources []*os.File

	// readonly are the mounts that become read-only at the end.
	readonly []fd

	// propagating are mounts with a propagation of their own.
	propagating []propagating

	// attached are the mounts that are undone after a failure. They are kept
	// only without a mount namespace, which would end with all its mounts.
	attached []fd
}

type propagating struct {
	mnt fd
	as  []int
}

// Setup makes the container's file system and changes the root to it. It has
// to be called in the container's namespaces, on a locked thread: afterwards
// only that thread has the new root. After an error a mount namespace is left
// as it is, for it ends with the caller. In the host's mount namespace all
// mounts are undone.
func (p *Plan) Setup(env Env) (err error) {
	s := &setup{plan: p, env: env, tree: tree{root: none}}
	p.console = none
	// The modes are exactly those of the plan.
	umask := unix.Umask(0)
	defer func() {
		s.release(err != nil)
		if err != nil {
			unix.Umask(umask)
		}
	}()
	if err := s.openRoot(); err != nil {
		return fmt.Errorf("error preparing rootfs: %w", err)
	}
	for i := range p.Ops {
		if err := s.do(i); err != nil {
			return err
		}
	}
	if p.Dev != nil {
		if err := s.makeDev(p.Dev); err != nil {
			return fmt.Errorf("error setting up /dev: %w", err)
		}
	}
	if env.Terminal {
		if p.console, err = s.consoleTarget(); err != nil {
			return err
		}
	}
	if err := s.announce(); err != nil {
		return err
	}
	if env.Hooks != nil {
		// Callers' hooks rely on this working directory.
		if err := unix.Fchdir(int(s.tree.root)); err != nil {
			return os.NewSyscallError("fchdir", err)
		}
		unix.Umask(umask)
		if err := env.Hooks(); err != nil {
			return err
		}
		unix.Umask(0)
	}
	if err := s.makeCwd(); err != nil {
		return err
	}
	for _, f := range s.readonly {
		if err := makeReadonly(f); err != nil {
			return fmt.Errorf("error making a mount read-only: %w", err)
		}
	}
	if p.Root.Readonly {
		if err := makeReadonly(s.tree.root); err != nil {
			return fmt.Errorf("error making the root read-only: %w", err)
		}
	}
	if err := s.changeRoot(); err != nil {
		return err
	}
	unix.Umask(int(p.Root.Umask))
	return nil
}

func (s *setup) makeCwd() error {
	if s.env.Cwd == "" || s.env.Cwd == "/" {
		return nil
	}
	cwd := path.Clean("/" + s.env.Cwd)
	f, err := s.tree.openOrMake(cwd, folder(0))
	if err != nil {
		return &os.PathError{Op: "mkdir", Path: cwd, Err: err}
	}
	f.fd.close()
	return nil
}

func (s *setup) release(failed bool) {
	s.tree.close()
	s.tree.root.close()
	for _, f := range s.readonly {
		f.close()
	}
	for _, p := range s.propagating {
		p.mnt.close()
	}
	for i := len(s.attached) - 1; i >= 0; i-- {
		if failed {
			// It is lazy, for the mounts below are the container's, too.
			_ = unix.Unmount(s.attached[i].link(), unix.MNT_DETACH)
		}
		s.attached[i].close()
	}
	closeFiles(s.sources)
	if failed {
		s.plan.console.close()
		s.plan.console = none
	}
}
