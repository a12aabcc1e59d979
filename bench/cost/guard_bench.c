/*
 * guard_bench.c - what guard costs beside glibc: guard-bench [LIBRARY [ROUNDS]]
 *
 * Each pattern runs in a fresh process per allocator, glibc as it is and guard (or LIBRARY) by
 * LD_PRELOAD, in turns (A B B A ...), because machines drift; medians and their ratio are printed.
 * Each process says which object its malloc came from. Maps are counted in processes of their own,
 * by reading /proc/self/maps after every 32nd op of each thread: a sample, not every moment.
 *
 * An op is one free and one malloc, in that order or the other. Nanoseconds are processor time,
 * which other load disturbs least; of the wall time until all threads have done the same
 * number of ops, waiting for locks included, the ratio is shown.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cost/guard_patterns.h"

#define ROUNDS	   9
#define ROUNDS_MAX 99

/* The processes to run, in the order of the table. */
struct row {
	const char *pattern;
	unsigned threads;
};

/* The 64-byte pair once with a block of another size beside it, once with nothing else (bare). */
static const struct row rows[] = {
	{"churn", 1},	     {"churn", 2},	  {"pair-64", 1},   {"pair-64", 2},
	{"pair-64-bare", 1}, {"pair-64-bare", 2}, {"hand-over", 2}, {"pair-64K", 1},
	{"pair-64K", 2},     {"pair-300K", 1},	  {"pair-300K", 2},
};

static char self[PATH_MAX], library[PATH_MAX];

/* 0 if malloc lay in the file of this name: a library that does not load is silently ignored. */
static int check_server(const char *served_by, const char *want, const char *pattern)
{
	const char *got = strrchr(served_by, '/');

	if (got && strcmp(got, strrchr(want, '/')) == 0)
		return 0;
	fprintf(stderr, "guard-bench: %s was served by '%s'\n", pattern, served_by);
	return -EIO;
}

/* One process, with LD_PRELOAD set to this library, or without it. */
static int run(const struct row *row, const char *preload, bool maps, struct pattern_result *ret)
{
	char threads[16];
	char *argv[] = {self,
			(char *)"--child",
			(char *)row->pattern,
			threads,
			maps ? (char *)"maps" : (char *)"time",
			NULL};
	posix_spawn_file_actions_t actions;
	int fds[2], status;
	pid_t pid;

	snprintf(threads, sizeof(threads), "%u", row->threads);
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	else
		unsetenv("LD_PRELOAD");
	if (pipe(fds) != 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	int err = posix_spawn(&pid, self, &actions, NULL, argv, environ);

	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	ssize_t got = err ? -1 : read(fds[0], ret, sizeof(*ret));

	close(fds[0]);
	if (err)
		return -err;
	if (waitpid(pid, &status, 0) != pid || status != 0 || got != (ssize_t)sizeof(*ret)) {
		fprintf(stderr, "guard-bench: %s on %s ended with status %#x\n", row->pattern,
			preload ? preload : "libc", status);
		return -EIO;
	}
	return check_server(ret->served_by, preload ? preload : "/libc.so.6", row->pattern);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

/* Of libc and of the library. */
struct cost {
	double cpu_ns[2];
	double wall_ratio, least_ratio, most_ratio; /* of the pairs of runs */
	struct pattern_result maps[2];
};

static int measure_time(const struct row *row, unsigned rounds, struct cost *ret)
{
	const char *const preloads[2] = {NULL, library};
	double cpu_ns[2][ROUNDS_MAX], wall_ns[2], ratios[ROUNDS_MAX];
	struct pattern_result result = {0};

	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned turn = 0; turn < 2; turn++) {
			unsigned which = (i + turn) % 2;
			int err = run(row, preloads[which], false, &result);

			if (err)
				return err;
			cpu_ns[which][i] = result.cpu_ns;
			wall_ns[which] = result.wall_ns;
		}
		ratios[i] = wall_ns[1] / wall_ns[0];
	}
	for (unsigned which = 0; which < 2; which++)
		ret->cpu_ns[which] = median(cpu_ns[which], rounds);
	ret->wall_ratio = median(ratios, rounds);
	ret->least_ratio = ratios[0];
	ret->most_ratio = ratios[rounds - 1];
	return 0;
}

static int print_row(const struct row *row, unsigned rounds)
{
	struct cost c = {0};
	char range[32];
	int err = measure_time(row, rounds, &c);

	if (!err)
		err = run(row, NULL, true, &c.maps[0]);
	if (!err)
		err = run(row, library, true, &c.maps[1]);
	if (err)
		return err;
	snprintf(range, sizeof(range), "%.1f-%.1f", c.least_ratio, c.most_ratio);
	printf("%-14s %7u %7.1f ns %8.1f ns %6.1f %7.1f %11s %10ld %10ld %4ld, %3ld KiB\n",
	       row->pattern, row->threads, c.cpu_ns[0], c.cpu_ns[1], c.cpu_ns[1] / c.cpu_ns[0],
	       c.wall_ratio, range, c.maps[0].peak_maps, c.maps[1].peak_maps, c.maps[1].left_maps,
	       c.maps[1].left_bytes / 1024);
	fflush(stdout);
	return 0;
}

static int print_table(unsigned rounds)
{
	printf("medians of %u interleaved rounds, a process each; glibc as it is, %s by "
	       "LD_PRELOAD\n",
	       rounds, strrchr(library, '/') + 1);
	printf("PEAK, LEFT: maps beyond those before the work; LEFT after the last free, threads "
	       "idle\n\n");
	printf("%-14s %7s %10s %11s %6s %7s %11s %10s %10s %13s\n", "PATTERN", "THREADS", "GLIBC",
	       "GUARD", "RATIO", "WALL", "LEAST-MOST", "PEAK GLIBC", "PEAK GUARD", "LEFT GUARD");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (print_row(&rows[i], rounds) != 0)
			return 2;
	}
	return 0;
}

/* guard lies in the build tree, beside this program. */
static int find_files(const char *given)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char path[PATH_MAX];

	if (n < 0)
		return -errno;
	const char *slash = memrchr(self, '/', (size_t)n);
	int len = snprintf(path, sizeof(path), "%.*s/allocators/libguard.so",
			   slash ? (int)(slash - self) : 0, self);

	if (len >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return realpath(given ? given : path, library) ? 0 : -errno;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--child") == 0)
		return pattern_main(argv[2], (unsigned)strtoul(argv[3], NULL, 10),
				    strcmp(argv[4], "maps") == 0);
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : ROUNDS;

	if (argc > 3 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: guard-bench [LIBRARY [ROUNDS]]\n");
		return 2;
	}
	if (find_files(argc > 1 ? argv[1] : NULL) != 0) {
		fprintf(stderr, "guard-bench: no library %s; build all first\n",
			argc > 1 ? argv[1] : "allocators/libguard.so");
		return 2;
	}
	return print_table(rounds);
}
