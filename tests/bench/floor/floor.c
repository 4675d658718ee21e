// The floor under every runtime: the system calls that a container of the
// default specification needs, and nothing else. No configuration is read, no
// cgroup made, nothing checked.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int r, const char *what)
{
	if (r < 0) {
		perror(what);
		exit(1);
	}
}

static const char *root;

static int inside(void *unused)
{
	(void)unused;
	check(mount(0, "/", 0, MS_REC | MS_SLAVE, 0), "slave");
	check(mount(root, root, 0, MS_BIND | MS_REC, 0), "bind");
	check(chdir(root), "chdir");
	check(mount("proc", "proc", "proc", 0, 0), "proc");
	check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"), "dev");
	check(mkdir("dev/pts", 0755), "mkdir");
	check(mkdir("dev/shm", 0755), "mkdir");
	check(mkdir("dev/mqueue", 0755), "mkdir");
	check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"), "devpts");
	check(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k"), "shm");
	check(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, 0), "mqueue");
	check(mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, 0), "sysfs");
	static const struct { const char *name; int major, minor; } nodes[] = {
		{ "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
	};
	umask(0);
	for (unsigned i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		check(mknod(nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), "mknod");
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "chdir");
	check(sethostname("floor", 5), "sethostname");
	char *argv[] = { "/bin/true", 0 }, *env[] = { 0 };
	execve(argv[0], argv, env);
	perror("exec");
	return 1;
}

int main(int argc, char **argv)
{
	static char stack[65536];
	if (argc != 2)
		return 2;
	root = argv[1];
	pid_t pid = clone(inside, stack + sizeof(stack),
			  CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD, 0);
	check(pid, "clone");
	int status;
	check(waitpid(pid, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
