package rootfs

import (
	"fmt"
	"path"
	"unsafe"

	"golang.org/x/sys/unix"

	"runc/libcontainer/internal/program"
)

// Steps is what a plan needs to become steps of a program for the stub.
type Steps struct {
	*program.Builder

	// Hooks adds the wait for the runtime, when all is mounted. nil: there is
	// none.
	Hooks func()

	// Devices adds the wait for the device rules that the container keeps.
	Devices func()

	// Sources adds the receipt of the sources that the runtime opens for the
	// operation with this number. They are stored in the words.
	Sources func(op int, fds []*program.Slot)

	// Terminal: the target of /dev/console is opened, and kept in Console.
	Terminal bool
	Console  *program.Slot

	// Cwd is made when it is missing. Empty: there is none.
	Cwd string

	plan *Plan
	root *program.Slot
	// bases are new mounts of tmpfs that nothing hides.
	bases []baseStep
	// mounted are the targets so far.
	mounted     []string
	readonly    []*program.Slot
	propagating []propagatingStep
	sources     []*program.Slot
	// image is the root file system as the runtime sees it.
	image tree
}

type baseStep struct {
	path string
	mnt  *program.Slot
}

type propagatingStep struct {
	mnt *program.Slot
	as  []int
}

// Setup adds the steps of [Plan.Setup]. They take the short way: a step that
// fails for a reason that needs a look, such as a symlink of the image, ends the
// program, and the caller starts the container by `runc init`, which uses
// [Plan.Setup].
func (s *Steps) Setup(p *Plan) error {
	s.plan = p
	root, err := openPath(p.Root.Path, unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("error preparing rootfs: %w", err)
	}
	defer root.close()
	s.image = tree{root: root}
	s.root = s.Slot(-1)
	mask := s.Slot(0)
	s.Call("umask", unix.SYS_UMASK, number(0)).Into(mask)
	s.openRoot()
	for i := range p.Ops {
		s.operation(i)
	}
	if p.Dev != nil {
		s.dev(p.Dev)
	}
	if s.Terminal {
		s.consoleTarget()
	}
	if s.Hooks != nil {
		// Callers' hooks rely on this working directory.
		s.Call("fchdir", unix.SYS_FCHDIR, s.root.Value())
		s.Call("umask", unix.SYS_UMASK, mask.Value())
		s.Hooks()
		s.Call("umask", unix.SYS_UMASK, number(0))
	}
	if s.Cwd != "" && s.Cwd != "/" {
		s.close(s.target(path.Clean("/"+s.Cwd), unix.S_IFDIR|madeMode))
	}
	for _, f := range s.readonly {
		s.setattr("make a mount read-only", f.Value(), 0, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
		s.close(f)
	}
	if p.Root.Readonly {
		s.setattr("make the root read-only", s.root.Value(), 0, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	}
	s.changeRoot()
	s.Call("umask", unix.SYS_UMASK, number(p.Root.Umask))
	return nil
}

func number[T ~int | ~uint | ~uintptr | ~int32 | ~uint32 | ~uint64](n T) program.Arg {
	return program.Num(n)
}

var cwd = number(unix.AT_FDCWD)

func (s *Steps) close(f *program.Slot) {
	s.Call("close", unix.SYS_CLOSE, f.Value())
}

func (s *Steps) mount(what, source, target, fstype string, flags uintptr) *program.Step {
	arg := func(t string) program.Arg {
		if t == "" {
			return number(0)
		}
		return s.Text(t)
	}
	return s.Call(what, unix.SYS_MOUNT, arg(source), s.Text(target), arg(fstype), number(flags), number(0))
}

func bytesOf[T any](p *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)) }

func (s *Steps) setattr(what string, mnt program.Arg, flags int, attr unix.MountAttr) *program.Step {
	return s.Call(what+": mount_setattr", unix.SYS_MOUNT_SETATTR, mnt, s.Text(""), number(flags|unix.AT_EMPTY_PATH),
		s.Mem(bytesOf(&attr)).Addr(), number(unsafe.Sizeof(attr)))
}

func (s *Steps) cloneTree(what string, dir program.Arg, name string, flags int) (*program.Slot, *program.Step) {
	f := s.Slot(-1)
	return f, s.Call(what+": open_tree", unix.SYS_OPEN_TREE, dir, s.Text(name), number(flags|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)).Into(f)
}

func (s *Steps) attach(what string, mnt, target *program.Slot) {
	s.Call(what+": move_mount", unix.SYS_MOVE_MOUNT, mnt.Value(), s.Text(""), target.Value(), s.Text(""),
		number(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH))
}

func (s *Steps) openat2(what string, dir program.Arg, name string, flags int, resolve uint64) *program.Step {
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS}
	return s.Call(what+": openat2", unix.SYS_OPENAT2, dir, s.Text(name), s.Mem(bytesOf(&how)).Addr(), number(unsafe.Sizeof(how)))
}
