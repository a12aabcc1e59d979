/*
 * counted.h - runs a workload of one thread and counts sizes, lives and what is live at once.
 */
#ifndef BENCH_WORKLOADS_COUNTED_COUNTED_H
#define BENCH_WORKLOADS_COUNTED_COUNTED_H

#include "bench/child/bench.h"

#define COUNTED_SIZES (1U << 17)
#define COUNTED_LIVES (1U << 17) /* the last one: so long and longer */

struct counted {
	uint64_t mallocs, reallocs, frees;
	uint64_t wrong_sizes; /* frees that named another size than was asked for */
	uint64_t live_blocks, live_bytes, peak_blocks, peak_bytes;
	uint64_t sizes[COUNTED_SIZES]; /* of each size so many; of reallocs too */
	/* Lives in mallocs, of blocks that were freed in phases before the last. */
	uint64_t lives[COUNTED_LIVES];
	uint64_t nlives;
};

/* Runs it at `percent` of its work. The result is static, and of this run alone. */
const struct counted *counted_run(const struct workload *w, uint64_t percent);

/* The least value that `share` of all do not exceed. */
uint64_t counted_quantile(const uint64_t *counts, size_t n, double share);

#endif
