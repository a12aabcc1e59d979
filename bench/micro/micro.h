/*
 * micro.h - micro-benchmarks of malloc and mmap: plain calls, whose allocator LD_PRELOAD decides.
 *
 * A micro is timed in this process, by google-benchmark. Its memory is measured beside it, in a
 * process of its own, so that neither what ran before nor how often it ran is in the numbers: some
 * rounds of hold (all that it has at its peak, written to) and drop.
 *
 * Wherever a reason is returned, NULL is success.
 */
#ifndef BENCH_MICRO_MICRO_H
#define BENCH_MICRO_MICRO_H

#include "bench/gbench.h"

#define MICRO_ARGS    2
#define MICRO_THREADS 16
#define MICRO_BLOCKS  10000

struct micro;

/* One thread's part of one run. */
struct micro_run {
	const struct micro *micro;
	int64_t args[MICRO_ARGS];
	unsigned thread, threads;
};

struct micro {
	const char *name;
	unsigned nargs;
	int variant; /* told apart by the functions */
	void (*set_up)(struct gbench *b);
	/* Why it cannot be run here, before anything else. NULL: always can. */
	const char *(*missing)(const struct micro_run *r);
	/* The loop. What it says is an error. */
	const char *(*time)(struct gbench_state *s, const struct micro_run *r);
	/* In every thread at once; all have held before one drops. hold leaves drop what it got. */
	const char *(*hold)(const struct micro_run *r);
	void (*drop)(const struct micro_run *r);
};

/* All there are, and an end without a name. */
extern const struct micro micros_block[], micros_batch[], micros_realloc[], micros_cross[],
	micros_mapping[], micros_churn[];

const struct micro *micro_find(const char *name); /* NULL: none */

/* One word in every page, and the last byte. */
void micro_touch(void *p, size_t size);

#endif
