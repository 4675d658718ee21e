// The owner of a user namespace, in it, and with the host's pids in sight: it
// tries to trace every process that comes, as fast as it can, for as many
// seconds as its argument says. It prints the pid and the owner of each that it
// gets hold of, and never lets one go nor collects it. Processes whose owner is
// its own are its to trace: it leaves them alone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
	char text[256];

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("watching");
	while (time(NULL) < end) {
		// Its fifth field is the last pid that was given out.
		FILE *f = fopen("/proc/loadavg", "r");
		int last = 0;
		if (!f || !fgets(text, sizeof text, f))
			return 1;
		fclose(f);
		last = atoi(strrchr(text, ' ') + 1);
		for (int i = 0; i < 50; i++) {
			for (int pid = last + 1; pid < last + 24; pid++) {
				if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0)
					continue;
				// The owner as this namespace shows it; 0 is our own.
				snprintf(text, sizeof text, "/proc/%d/status", pid);
				f = fopen(text, "r");
				int uid = -1;
				while (f && fgets(text, sizeof text, f))
					if (sscanf(text, "Uid: %d", &uid) == 1)
						break;
				if (f)
					fclose(f);
				if (uid == 0)
					ptrace(PTRACE_DETACH, pid, 0, 0);
				else
					printf("traced %d of uid %d\n", pid, uid);
			}
		}
	}
	return 0;
}
