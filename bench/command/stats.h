/*
 * stats.h - a few values of one metric: the middle, how far they lie apart, how far they may.
 */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>

#include "bench/result.h"

struct spread {
	size_t n;
	double median;
	double deviation; /* median absolute deviation, as a share of the median; 0 for n < 2 */
	double least, most;
};

/* Sorts the values. n 0: all zero. */
struct spread spread_of(double *values, size_t n);

/*
 * The share that repetitions of one metric lie apart on a quiet machine: what is above is noise
 * that a comparison has to live with, and is marked.
 */
double metric_floor(unsigned rank);

/* Whether nothing but a whole number of things is counted: 0 is a value like any other. */
bool metric_is_count(const char *unit);

#endif
