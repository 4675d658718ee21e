// Makes one system call again and again, and prints what one takes, in
// nanoseconds: for getpid, for a read of one byte, and for one of the last in
// the order of numbers that the default profile allows.
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CALLS 300000

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(void)
{
	int zero = open("/dev/zero", O_RDONLY);
	char c;
	double t = now();

	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getpid);
	printf("%.1f", (now() - t) / CALLS);
	t = now();
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_read, zero, &c, 1);
	printf(" %.1f", (now() - t) / CALLS);
	t = now();
	// faccessat2 of a bad descriptor: in and out again.
	for (int i = 0; i < CALLS; i++)
		syscall(439, -1, "x", 0, 0);
	printf(" %.1f\n", (now() - t) / CALLS);
	return 0;
}
