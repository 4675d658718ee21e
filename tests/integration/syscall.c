// Makes one syscall, or with -32 as its first word one of i386, and says how
// that ended. For tests of seccomp.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

int main(int argc, char **argv)
{
	long a[7] = {0};
	int wide = 1, n = 0, i = 1;
	if (argc > 1 && !strcmp(argv[1], "-32"))
		wide = 0, i = 2;
	for (; i < argc && n < 7; i++)
		a[n++] = strtoul(argv[i], NULL, 0);
	long r;
#ifdef __x86_64__
	if (!wide) {
		__asm__ volatile("int $0x80" : "=a"(r) : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]), "S"(a[4]), "D"(a[5]) : "memory", "r8", "r9", "r10", "r11");
		r = (int)r;
	} else
#endif
	{
		r = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		if (r == -1)
			r = -errno;
	}
	if (r < 0 && r > -4096)
		printf("error %ld %s\n", -r, strerror(-r));
	else
		printf("ok\n");
	return 0;
}
