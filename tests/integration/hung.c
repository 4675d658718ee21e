// Mounts a FUSE file system that answers nothing, so that every look-up in it
// hangs, until this process ends.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char options[100];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (argc != 2 || fd < 0)
		return 1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (mount("hung", argv[1], "fuse", 0, options)) {
		perror("mount");
		return 1;
	}
	puts("mounted");
	fflush(stdout);
	pause();
	return 0;
}
