// deny ERRNO CALL[,CALL...] COMMAND...: runs a command under a seccomp filter
// that answers these system calls with the errno, as an old kernel (ENOSYS) or
// a container engine's old profile (EPERM) does. A call is one of the names below
// or a number.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// The numbers from 424 on are the same on all architectures.
static const struct { const char *name; int nr; } calls[] = {
	{"pidfd_send_signal", 424}, {"open_tree", 428}, {"move_mount", 429},
	{"fsopen", 430}, {"fsconfig", 431}, {"fsmount", 432}, {"pidfd_open", 434},
	{"clone3", 435}, {"close_range", 436}, {"openat2", 437},
	{"pidfd_getfd", 438}, {"faccessat2", 439}, {"mount_setattr", 442},
	{"execveat", SYS_execveat}, {"memfd_create", SYS_memfd_create},
	{"waitid", SYS_waitid}, {"statx", SYS_statx},
};

static int number(const char *name)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].nr;
	if (*name < '0' || *name > '9') {
		fprintf(stderr, "deny: unknown system call %s\n", name);
		exit(125);
	}
	return atoi(name);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 125;
	int err = !strcmp(argv[1], "ENOSYS") ? ENOSYS : !strcmp(argv[1], "EPERM") ? EPERM : atoi(argv[1]);
	struct sock_filter f[2 * 64 + 2];
	unsigned short n = 0;
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (char *c = strtok(argv[2], ","); c && n < 128; c = strtok(NULL, ",")) {
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number(c), 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {n, f};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("deny: prctl");
		return 125;
	}
	execvp(argv[3], argv + 3);
	perror("deny: exec");
	return 125;
}
