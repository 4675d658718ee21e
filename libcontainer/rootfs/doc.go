// Package rootfs makes the file system that a container sees: its mounts, its
// /dev, its masked and read-only paths, and the change of root itself.
//
// It has two halves. [NewPlan] runs in the runtime and decides: it turns the
// configuration into a [Plan], a list of typed operations that is plain data.
// [Plan.Setup] and the methods after it run in the container's init and do
// what the list says, in a short loop. What init may not open itself (idmapped
// mounts, or sources that the container's root user cannot reach) is opened
// by [Plan.OpenSources] in the runtime and handed over as detached mounts.
//
// # What it promises
//
// An image is the attacker's: any component of any path in it may be a symlink
// or may turn into one while we look. So a mount's target is resolved once, by
// openat2(2) with RESOLVE_IN_ROOT, to an fd, missing parts are made with
// mkdirat(2) below fds that were resolved before, and the mount, complete with
// its attributes, is attached to that fd by move_mount(2). No path of the image
// is ever looked at twice. What is mounted to hide something (the null device)
// is looked at after it was opened.
//
// It does not promise that a target is what its name says to somebody who
// renames it afterwards; that is the image's own business, and inside.
//
// # Kernel
//
// fsopen(2), fsmount(2), open_tree(2) and move_mount(2) are from Linux 5.2,
// openat2(2) from 5.6, mount_setattr(2) from 5.12; where the last is missing,
// mount(2) with MS_REMOUNT|MS_BIND takes its place for all but idmapped mounts
// and recursive attributes. See mount(2), mount_namespaces(7), pivot_root(2).
package rootfs
