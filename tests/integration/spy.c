// Watches the processes that come and go in its PID namespace, as fast as it
// can, for as many seconds as its argument says. Of each it tries to open the
// binary, and prints that file's device and inode.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
	unsigned long long known[4096];
	int n = 0, next = getpid() + 1, max = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("watching");
	while (time(NULL) < end) {
		// Pids are given out in order: look at the next ones, and now and
		// then at all.
		char path[64];
		for (int i = 0; i < 16; i++) {
			snprintf(path, sizeof path, "/proc/%d/exe", next + i);
			int fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				continue;
			if (next + i > max)
				max = next + i;
			struct stat st;
			int seen = fstat(fd, &st) != 0;
			close(fd);
			unsigned long long key = st.st_dev * 1000003ULL ^ st.st_ino;
			for (int k = 0; k < n && !seen; k++)
				seen = known[k] == key;
			if (seen || n == 4096)
				continue;
			known[n++] = key;
			printf("%llu:%llu\n", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
		}
		if (max > next + 1)
			next = max - 1;
	}
	return 0;
}
