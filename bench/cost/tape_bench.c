/*
 * tape_bench.c - what seeing every kernel call costs.
 *
 * The same program is run with the watch on and off, in turns, in processes with 30, 1k, 10k and
 * 64k maps; what a loop of calls adds to the program without it is divided by the number of calls.
 * With the watch on that is everything: trap, fault plan, ledger, oracles, counts. Beside it stands
 * what it replaces: one reading of /proc/self/maps in a process of that many maps.
 *
 * Machines drift, so all are taken in turns, and medians over the rounds are printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/paths.h"
#include "harness/cli/program.h"
#include "harness/exec/run.h"

#define ROUNDS	   9
#define LOOP	   4000 /* rounds of the loop of a program */
#define LOOP_PLAIN 400
#define SLICE	   1000 /* slots of an op that makes no kernel call */
/* malloc and the usable size of its block, the usable size and free. */
#define CALLS_PER_SLOT 4.0
#define BEFORE_FREE    60 /* maps that a process has besides, about */

struct setting {
	unsigned maps; /* that the program makes before its loop */
	const char *loop;
	unsigned rounds;
};

/* One program; its loop runs `rounds` times, or not at all. */
static int make_program(const struct setting *s, bool with_loop, struct program *ret_program)
{
	char text[512];
	int len = snprintf(text, sizeof(text), "allocrig 1\n");

	if (s->maps)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"mmap m[0:%u] 2p none private,anon\nmprotect m[0:%u] rw 0 1p\n",
				s->maps / 2, s->maps / 2);
	snprintf(text + len, sizeof(text) - (size_t)len, "repeat %u {\n%s}\nmalloc b[1] 8\n",
		 with_loop ? s->rounds : 0, s->loop);
	return program_from_text("tape-bench", text, strlen(text), ret_program);
}

/* Nanoseconds from the first op to the last; *ret_calls: kernel calls of the allocator. */
static double run_ns(const struct program *p, bool watch, uint64_t *ret_calls)
{
	char child[PATH_MAX];
	struct run_request req = {
		.child = child,
		.program_fd = p->fd,
		.info = &p->info,
		.load = LOAD_PRELOAD,
		.plugin = "glibc",
		.oracles = true,
		.watch = watch,
		.hang_ns = 60000000000ull,
	};
	struct run_result r;
	double ns = -1;

	if (paths_child(child) != 0 || run_program(&req, &r) != 0)
		return -1;
	if (r.end == RUN_END_NORMAL && (!watch || r.shared->watch.exact)) {
		ns = (double)r.shared->run_ns;
		*ret_calls = 0;
		for (unsigned i = 0; i < KCALL_COUNT; i++)
			*ret_calls += r.shared->counts.call[i].by_allocator;
	} else if (watch && r.shared->watch.reason[0]) {
		fprintf(stderr, "tape-bench: %s\n", r.shared->watch.reason);
	}
	run_result_release(&r);
	return ns;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_value);
	return v[ROUNDS / 2];
}

struct cost {
	double off, on; /* ns of one call, or of one round where it makes none */
	uint64_t calls; /* in the loop */
};

static int one_round(const struct program p[2], struct cost *ret, bool per_call)
{
	uint64_t calls = 0, other = 0, none = 0;
	double on = run_ns(&p[1], true, &calls), on_bare = run_ns(&p[0], true, &other);
	double off = run_ns(&p[1], false, &none), off_bare = run_ns(&p[0], false, &none);

	if (on < 0 || on_bare < 0 || off < 0 || off_bare < 0)
		return -EIO;
	ret->calls = calls - other;
	double units = per_call ? (double)ret->calls : CALLS_PER_SLOT * LOOP_PLAIN * SLICE;

	ret->on = (on - on_bare) / units;
	ret->off = (off - off_bare) / units;
	return 0;
}

static int measure(const struct setting *s, bool per_call, struct cost *ret)
{
	double on[ROUNDS] = {0}, off[ROUNDS] = {0};
	struct program p[2];
	*ret = (struct cost){0};
	int err = make_program(s, false, &p[0]);

	if (!err)
		err = make_program(s, true, &p[1]);
	for (int i = 0; i < ROUNDS && !err; i++) {
		err = one_round(p, ret, per_call);
		on[i] = ret->on;
		off[i] = ret->off;
	}
	program_release(&p[0]);
	program_release(&p[1]);
	if (err) {
		fprintf(stderr, "tape-bench: a run did not end\n");
		return err;
	}
	ret->on = median(on);
	ret->off = median(off);
	return 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Makes `maps` VMAs and reads their table once, after a first time that warms everything up. */
static double reading_here(unsigned maps)
{
	static char buf[65536];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *p = mmap(NULL, (maps + 1) * page, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	double begin = 0;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	if (p == MAP_FAILED || fd < 0)
		return -1;
	for (unsigned i = 1; i < maps; i += 2)
		mprotect(p + i * page, page, PROT_READ);
	for (int pass = 0; pass < 2; pass++) {
		begin = now();
		lseek(fd, 0, SEEK_SET);
		while (read(fd, buf, sizeof(buf)) > 0)
			;
	}
	return now() - begin;
}

/* In a process of its own. */
static double reading_ns(unsigned maps)
{
	double *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double ns = -1;

	if (result == MAP_FAILED)
		return -1;
	pid_t pid = fork();

	if (pid == 0) {
		*result = reading_here(maps);
		_exit(0);
	}
	if (pid > 0 && waitpid(pid, NULL, 0) == pid)
		ns = *result;
	munmap(result, sizeof(*result));
	return ns;
}

static int print_calls(void)
{
	static const unsigned sizes[] = {0, 1000, 10000, 64000};

	printf("%-28s  %9s  %9s  %9s  %14s  %8s\n", "KERNEL CALL IN AN ALLOCATOR", "ALONE",
	       "WATCHED", "ADDED", "READING MAPS", "RATIO");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct setting s = {sizes[i], "malloc b[0] 1M\nfree b[0]\n", LOOP};
		struct cost c;
		double readings[ROUNDS];
		char name[32];

		if (measure(&s, true, &c) != 0)
			return 2;
		for (int r = 0; r < ROUNDS; r++)
			readings[r] = reading_ns(sizes[i] ? sizes[i] : 2);
		double reading = median(readings), added = c.on - c.off;

		snprintf(name, sizeof(name), "with %u maps",
			 sizes[i] ? sizes[i] : (unsigned)BEFORE_FREE);
		printf("%-28s  %6.0f ns  %6.0f ns  %6.0f ns  %11.0f us  %8.0f\n", name, c.off, c.on,
		       added, reading / 1000, reading / added);
	}
	return 0;
}

static int print_plain(void)
{
	const struct setting s = {0, "malloc b[0:1000] 64\nfree b[0:1000]\n", LOOP_PLAIN};
	struct cost c;

	if (measure(&s, false, &c) != 0)
		return 2;
	printf("\n%-28s  %6.1f ns  %6.1f ns  %6.1f ns\n", "ALLOCATOR CALL THAT MAKES NONE", c.off,
	       c.on, c.on - c.off);
	return 0;
}

int main(void)
{
	/* glibc then maps and unmaps each large block, whatever was freed before. */
	setenv("MALLOC_MMAP_THRESHOLD_", "131072", 1);
	printf("medians of %d interleaved rounds, on glibc, with all oracles\n", ROUNDS);
	int code = print_calls();

	return code ? code : print_plain();
}
