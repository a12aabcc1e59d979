/*
 * interp_bench.c - what running a program costs beyond the calls it makes.
 *
 * The same allocator calls are made by a plain C loop and by the interpreter in its child, with
 * oracles off and on, in turns within one run of this benchmark, because machines drift. Printed
 * are medians over the rounds, in nanoseconds per op, and the differences to the plain loop.
 */
#include <errno.h>
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

#define ROUNDS 11

struct workload {
	const char *name, *text;
	unsigned slots;	 /* live at once */
	uint64_t rounds; /* of filling and emptying all slots */
	size_t size;
};

static const struct workload workloads[] = {
	{"malloc+free 64 B, one slot",
	 "allocrig 1\nrepeat 1000000 {\nmalloc b[0] 64\nfree b[0]\n}\n", 1, 1000000, 64},
	{"malloc+free 64 B, slices of 1000",
	 "allocrig 1\nrepeat 1000 {\nmalloc b[0:1000] 64\nfree b[0:1000]\n}\n", 1000, 1000, 64},
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t plain_loop(const struct workload *w)
{
	void **slot = calloc(w->slots, sizeof(*slot));
	void *volatile *live = slot;
	uint64_t begin = now_ns();

	for (uint64_t r = 0; slot && r < w->rounds; r++) {
		for (unsigned i = 0; i < w->slots; i++)
			live[i] = malloc(w->size);
		for (unsigned i = 0; i < w->slots; i++)
			free(live[i]);
	}
	uint64_t ns = now_ns() - begin;

	free(slot);
	return ns;
}

/* In a process of its own, like the interpreter. */
static double plain_ns_per_op(const struct workload *w)
{
	uint64_t *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double ns = -1;

	if (result == MAP_FAILED)
		return -1;
	pid_t pid = fork();

	if (pid == 0) {
		*result = plain_loop(w);
		_exit(0);
	}
	if (pid > 0 && waitpid(pid, NULL, 0) == pid)
		ns = (double)*result / (double)(2 * w->rounds * w->slots);
	munmap(result, sizeof(*result));
	return ns;
}

static double interpreter_ns_per_op(const struct program *p, bool oracles)
{
	char child[PATH_MAX];
	struct run_request req = {
		.child = child,
		.program_fd = p->fd,
		.info = &p->info,
		.load = LOAD_PRELOAD,
		.plugin = "glibc",
		.oracles = oracles,
		.hang_ns = 60000000000ull,
	};
	struct run_result r;
	double ns = -1;

	if (paths_child(child) != 0 || run_program(&req, &r) != 0)
		return -1;
	if (r.end == RUN_END_NORMAL && r.shared->counts.executed)
		ns = (double)r.shared->run_ns / (double)r.shared->counts.executed;
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

static int measure(const struct workload *w)
{
	double plain[ROUNDS], off[ROUNDS], on[ROUNDS];
	struct program p;
	int err = program_from_text("interp-bench", w->text, strlen(w->text), &p);

	if (err) {
		fprintf(stderr, "interp-bench: %s\n", strerror(-err));
		return 2;
	}
	for (int i = 0; i < ROUNDS; i++) {
		plain[i] = plain_ns_per_op(w);
		off[i] = interpreter_ns_per_op(&p, false);
		on[i] = interpreter_ns_per_op(&p, true);
		if (plain[i] < 0 || off[i] < 0 || on[i] < 0) {
			fprintf(stderr, "interp-bench: a run of '%s' did not end\n", w->name);
			program_release(&p);
			return 2;
		}
	}
	program_release(&p);
	double base = median(plain), without = median(off), with = median(on);

	printf("%-34s  %8.1f  %8.1f (+%.1f)  %8.1f (+%.1f)\n", w->name, base, without,
	       without - base, with, with - base);
	return 0;
}

int main(void)
{
	int code = 0;

	printf("ns per op on glibc, median of %d interleaved rounds\n", ROUNDS);
	printf("%-34s  %8s  %16s  %16s\n", "WORKLOAD", "PLAIN C", "ORACLES OFF", "ORACLES ON");
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]) && !code; i++)
		code = measure(&workloads[i]);
	return code;
}
