// Compiles and loads a filter with libseccomp, each time in a process of its
// own, and prints the microseconds that took. usage: libseccomp RUNS <profile
// The profile, one word after the other: the default action as a number, then
// for each rule: name, action, how many conditions, and for each of these its
// argument's index, operator, value and second value.
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct rule {
	char name[64];
	uint32_t action;
	unsigned n;
	struct scmp_arg_cmp args[6];
} rules[4096];

static void check(int err, const char *what)
{
	if (err) {
		fprintf(stderr, "libseccomp: %s: %d\n", what, err);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	uint32_t def;
	int n = 0;
	if (argc != 2 || scanf("%" SCNu32, &def) != 1)
		return 2;
	while (n < 4096 && scanf("%63s %" SCNu32 " %u", rules[n].name, &rules[n].action, &rules[n].n) == 3) {
		for (unsigned i = 0; i < rules[n].n && i < 6; i++) {
			unsigned index, op;
			uint64_t a, b;
			if (scanf("%u %u %" SCNu64 " %" SCNu64, &index, &op, &a, &b) != 4)
				return 2;
			rules[n].args[i] = (struct scmp_arg_cmp){index, op, a, b};
		}
		n++;
	}
	for (int run = atoi(argv[1]); run > 0; run--) {
		fflush(stdout);
		if (fork() == 0) {
			struct timespec t0, t1;
			clock_gettime(CLOCK_MONOTONIC, &t0);
			scmp_filter_ctx ctx = seccomp_init(def);
			check(!ctx, "seccomp_init");
			check(seccomp_arch_add(ctx, SCMP_ARCH_X86), "x86");
			check(seccomp_arch_add(ctx, SCMP_ARCH_X32), "x32");
			check(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, getenv("LIBSECCOMP_OPTIMIZE") ? 2 : 1), "optimize");
			for (int i = 0; i < n; i++) {
				int nr = seccomp_syscall_resolve_name(rules[i].name);
				if (nr == __NR_SCMP_ERROR || rules[i].action == def)
					continue;
				check(seccomp_rule_add_array(ctx, rules[i].action, nr, rules[i].n, rules[i].args), rules[i].name);
			}
			check(seccomp_load(ctx), "seccomp_load");
			clock_gettime(CLOCK_MONOTONIC, &t1);
			printf("%.1f\n", (t1.tv_sec - t0.tv_sec) * 1e6 + (t1.tv_nsec - t0.tv_nsec) / 1e3);
			fflush(stdout);
			_exit(0);
		}
		int status;
		wait(&status);
		if (status)
			return 1;
	}
	return 0;
}
