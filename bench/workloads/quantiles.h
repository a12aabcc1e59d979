/*
 * quantiles.h - numbers that are distributed as percentiles say: a table of the inverse of the
 * distribution function, from which a random entry is one number.
 */
#ifndef BENCH_WORKLOADS_QUANTILES_H
#define BENCH_WORKLOADS_QUANTILES_H

#include <stdint.h>

#define QUANTILES_ENTRIES 4096

/*
 * A stretch of the distribution, from where the one before ends. Between its ends the value grows
 * as the bend-th power of the share, so its mean is least + (most - least) / (bend + 1): with a
 * high bend few are near the end.
 */
struct quantile {
	double share; /* 0..1 of all are at most `most`; 1 in the last one */
	double most;
	unsigned bend;
};

/* QUANTILES_ENTRIES of them, ascending: the first is `least`, the last is the most there is. */
void quantiles_fill(uint32_t *ret, double least, const struct quantile *q);

#endif
