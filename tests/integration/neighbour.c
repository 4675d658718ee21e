// A neighbour: a process that shares its PID namespace with a container, and may
// trace any process there (CAP_SYS_PTRACE). It watches for new processes as fast
// as it can, for some seconds, and does to each what its first argument says.
//
// look SECONDS MARK DEV:INO WORD
//                 prints where MARK is seen, in an environment, a command line or
//                 memory, WORD in a command line, and whether the file DEV:INO is
//                 what a process executes
// files SECONDS PATH
//                 prints each open file by its link, and whether a folder among
//                 them leads to PATH, which only the host has
// forge SECONDS KIND VALUE ADDR COUNT
//                 writes COUNT forged messages into each socket
// raw SECONDS BYTE COUNT
//                 writes COUNT packets of one byte into each socket
// keep SECONDS    keeps a copy of each socket
// stop SECONDS    traces and stops each process, and never lets go
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *what;
static char **arg;
static char seen[4096][256];
static int nseen;

// say prints each line once.
static void say(const char *line)
{
	for (int i = 0; i < nseen; i++)
		if (!strncmp(seen[i], line, 255))
			return;
	if (nseen < 4096)
		strncpy(seen[nseen++], line, 255);
	puts(line);
}

static char buf[1 << 20];

static int has(ssize_t n, const char *mark)
{
	return n > 0 && memmem(buf, n, mark, strlen(mark)) != 0;
}

static void look_file(int pid, const char *name, const char *mark)
{
	char path[64], line[128];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, buf, sizeof buf);
	close(fd);
	if (has(n, mark)) {
		snprintf(line, sizeof line, "SEEN in %s", name);
		say(line);
	}
}

static void look_memory(int pid, const char *mark)
{
	static char maps[1 << 16];
	char path[64], perm[8], line[128];
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, maps, sizeof maps - 1);
	close(fd);
	if (n <= 0)
		return;
	maps[n] = 0;
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		return;
	for (char *p = strtok(maps, "\n"); p; p = strtok(0, "\n")) {
		unsigned long from, to;
		if (sscanf(p, "%lx-%lx %7s", &from, &to, perm) != 3 || perm[0] != 'r' || perm[1] != 'w')
			continue;
		if (to - from > sizeof buf)
			to = from + sizeof buf;
		n = pread(mem, buf, to - from, from);
		if (has(n, mark)) {
			snprintf(line, sizeof line, "SEEN in memory");
			say(line);
		}
	}
	close(mem);
}

static void look_exe(int pid, const char *host)
{
	char path[64], id[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		snprintf(id, sizeof id, "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
		if (!strcmp(id, host))
			say("SEEN the runtime's binary");
	}
	close(fd);
}

static void look_fds(int pid)
{
	char path[64], link[200], line[512];
	struct stat st;
	for (int n = 0; n < 24; n++) {
		snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, n);
		ssize_t k = readlink(path, link, sizeof link - 1);
		if (k < 0)
			continue;
		link[k] = 0;
		snprintf(line, sizeof line, "fd %d %s", n, link);
		say(line);
		snprintf(line, sizeof line, "%s/../../../../../../..%s", path, arg[0]);
		if (stat(line, &st) == 0)
			say("SEEN the host by an open folder");
	}
}

static int pidfd_of(int pid) { return syscall(SYS_pidfd_open, pid, 0); }

// sockets calls f with a copy of each socket of the process.
static void sockets(int pid, void (*f)(int fd))
{
	int p = pidfd_of(pid);
	if (p < 0)
		return;
	for (int n = 3; n < 24; n++) {
		struct stat st;
		int fd = syscall(SYS_pidfd_getfd, p, n, 0);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			f(fd);
		else
			close(fd);
	}
	close(p);
}

static void forge(int fd)
{
	struct { uint32_t kind, value; uint64_t addr; } m = { atoi(arg[0]), atoi(arg[1]), atoi(arg[2]) };
	// `runc init` has a packet socket, whose messages begin with their type.
	int type = 0;
	socklen_t len = sizeof type;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	char packet[1 + sizeof m];
	packet[0] = 4; // MsgProgram
	memcpy(packet + 1, &m, sizeof m);
	for (long i = 0; i < atol(arg[3]); i++) {
		ssize_t n = type == SOCK_STREAM ? send(fd, &m, sizeof m, MSG_NOSIGNAL) : send(fd, packet, sizeof packet, MSG_NOSIGNAL);
		if (n < 0)
			break;
		say("forged");
	}
	close(fd);
}

static void raw(int fd)
{
	char b = atoi(arg[0]);
	for (long i = 0; i < atol(arg[1]); i++) {
		if (send(fd, &b, 1, MSG_NOSIGNAL) < 0)
			break;
		say("forged");
	}
	close(fd);
}

static void keep(int fd) { (void)fd; say("kept"); }

static void each(int pid)
{
	if (!strcmp(what, "look")) {
		look_file(pid, "environ", arg[0]);
		look_file(pid, "cmdline", arg[0]);
		look_file(pid, "cmdline", arg[2]);
		look_exe(pid, arg[1]);
		look_memory(pid, arg[0]);
	} else if (!strcmp(what, "files")) {
		look_fds(pid);
	} else if (!strcmp(what, "forge")) {
		sockets(pid, forge);
	} else if (!strcmp(what, "raw")) {
		sockets(pid, raw);
	} else if (!strcmp(what, "keep")) {
		sockets(pid, keep);
	} else if (!strcmp(what, "stop")) {
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
			ptrace(PTRACE_INTERRUPT, pid, 0, 0);
			say("stopped");
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	time_t end = time(NULL) + atoi(argv[2]);
	int self = getpid(), next = self + 1, max = 0;

	what = argv[1];
	arg = argv + 3;
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("watching");
	int done[1 << 16] = { 0 };
	int often = !strcmp(what, "look") || !strcmp(what, "files") || !strcmp(what, "forge");
	while (time(NULL) < end) {
		// Pids are given out in order. A process that was there at the start
		// is none of ours.
		for (int i = 0; i < 16; i++) {
			int pid = next + i;
			if (kill(pid, 0) != 0 && errno == ESRCH)
				continue;
			if (pid > max)
				max = pid;
			if (!often && done[pid & 0xffff]++)
				continue;
			each(pid);
			if (done[pid & 0xffff] == 0) {
				done[pid & 0xffff] = 1;
				say("met");
			}
		}
		if (max > next + 4)
			next = max - 4;
	}
	puts("over");
	return 0;
}
