// Package rootfs makes the file system that a container sees: its mounts, its
// /dev, its masked and read-only paths, and the change of root itself.
//
// It has two halves. [NewPlan] runs in the runtime and decides: it turns the
// configuration into a [Plan], a list of typed operations that is plain data.
// [Plan.Setup] and the methods after it run in the container's init and carry
// the list out, in a short loop, in the order of config.json. Init cannot open
// the sources of id-mapped mounts, and in a user namespace those that its root
// user cannot reach. The runtime opens these when init asks for them at their
// turn, and sends them as detached mounts: see [Sources].
//
// # What it promises
//
// The image belongs to the attacker: any component of any path in it may be a
// symlink, or may become one at any time. So a mount's target is resolved once,
// by openat2(2) with RESOLVE_IN_ROOT, to an fd. Missing parts are made with
// mkdirat(2) below fds that were resolved before. The mount is complete with its
// attributes when move_mount(2) attaches it to that fd. No path of the image is
// looked up twice. The null device that hides files is verified after it was
// opened.
//
// The package does not promise that a target keeps its name: a process that can
// write to the image may rename it later, inside the container.
//
// # System calls
//
// Each operation makes these, once its arguments are decided. A variant that
// follows an arrow is for the error before it; "Go" is a step that looks
// something up.
//
//   - Bind: open_tree (or recvmsg, where the runtime sends the source);
//     mount_setattr with Change, EPERM -> with IfLocked; mount_setattr with
//     RecAttr; the target; move_mount; mount_setattr for each propagation.
//   - Filesystem: the target; fsopen; fsconfig for each parameter and to create;
//     fsmount with Set; mount_setattr with RecAttr; move_mount; mount_setattr for
//     each propagation. Go: ModeFromTarget (the mode of the target becomes a
//     parameter), CopyUp, Legacy, Label.
//   - Remount: the target; mount(2) on /proc/self/fd/N; mount_setattr.
//   - Link: the folder as a target; symlinkat, EEXIST -> done.
//   - Hide: the target; fsopen, fsconfig, fsmount; move_mount.
//   - The target: openat2 with RESOLVE_IN_ROOT and RESOLVE_NO_SYMLINKS,
//     ELOOP -> openat2 with RESOLVE_IN_ROOT and Go (the place must not be in
//     /proc), ENOENT -> mkdirat (or mknodat for a file) and openat2 for each
//     missing component, EEXIST -> Go (a dangling symlink).
//   - A node: mknodat, EEXIST -> fstatat, and Go for a symlink; EPERM -> wait for
//     the device rules, again, then a bind of the host's node; fchownat.
//
// # Kernel
//
// fsopen(2), fsmount(2), open_tree(2) and move_mount(2) are from Linux 5.2,
// openat2(2) from 5.6, mount_setattr(2) from 5.12; where the last is missing,
// mount(2) with MS_REMOUNT|MS_BIND takes its place for all but id-mapped mounts
// and recursive attributes. See mount(2), mount_namespaces(7), pivot_root(2).
package rootfs
