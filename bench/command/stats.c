#include "bench/command/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double middle(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

struct spread spread_of(double *values, size_t n)
{
	struct spread s = {.n = n};

	if (!n)
		return s;
	qsort(values, n, sizeof(*values), ascending);
	s.least = values[0];
	s.most = values[n - 1];
	s.median = middle(values, n);
	for (size_t i = 0; i < n; i++)
		values[i] = fabs(values[i] - s.median);
	qsort(values, n, sizeof(*values), ascending);
	if (n > 1 && s.median != 0)
		s.deviation = middle(values, n) / fabs(s.median);
	return s;
}

/*
 * Estimates, not measured yet. What replaces them is the noise of an allocator beside itself, as
 * `tools/bench_proof.py floors` prints it from what `tools/bench_proof.py aa` has measured, with
 * the machine: 95 % of comparisons stay below.
 */
static const double floors[METRICS] = {
	[METRIC_PEAK_MAPS] = 0.01,
	[METRIC_FINAL_MAPS] = 0.01,
	[METRIC_HEADROOM_MAPS] = 0.01,
	[METRIC_PEAK_RSS] = 0.02,
	[METRIC_FINAL_RSS] = 0.02,
	[METRIC_PEAK_MAPPED] = 0.02,
	[METRIC_FINAL_MAPPED] = 0.02,
	[METRIC_PEAK_FRAGMENTATION] = 0.02,
	[METRIC_MEAN_FRAGMENTATION] = 0.02,
	[METRIC_RESIDUE] = 0.02,
	[METRIC_KEPT_0S] = 0.02,
	[METRIC_KEPT_1S] = 0.02,
	[METRIC_KEPT_10S] = 0.02,
	[METRIC_KEPT_AREA] = 0.02,
	[METRIC_T50] = 0.05,
	[METRIC_T90] = 0.05,
	[METRIC_LOST] = 0.02,
	[METRIC_REACHED] = 0.02,
	[METRIC_REACHED_BLOCKS] = 0.02,
	[METRIC_KERNEL_CALLS] = 0.01,
	[METRIC_MINOR_FAULTS] = 0.02,
	[METRIC_MAJOR_FAULTS] = 0.05,
	[METRIC_INSTRUCTIONS] = 0.01,
	[METRIC_SYSTEM_TIME] = 0.10,
	[METRIC_LATENCY] = 0.10,
	[METRIC_OPS_PER_S] = 0.05,
	[METRIC_NS_PER_OP] = 0.05,
	[METRIC_NET_NS_PER_OP] = 0.05,
	[METRIC_WALL] = 0.05,
};

/* Of another build's metrics nothing is known: as of time. */
double metric_floor(unsigned rank)
{
	return rank < METRICS ? floors[rank] : 0.05;
}

bool metric_is_count(const char *unit)
{
	static const char *const counted[] = {"maps", "calls", "faults"};

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		if (strcmp(unit, counted[i]) == 0)
			return true;
	return false;
}
