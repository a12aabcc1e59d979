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

double metric_floor(unsigned rank)
{
	if (rank <= METRIC_HEADROOM_MAPS || rank == METRIC_KERNEL_CALLS ||
	    rank == METRIC_INSTRUCTIONS)
		return 0.01;
	if (rank <= METRIC_KEPT_AREA || rank == METRIC_LOST || rank == METRIC_REACHED ||
	    rank == METRIC_REACHED_BLOCKS || rank == METRIC_MINOR_FAULTS)
		return 0.02;
	return rank == METRIC_LATENCY || rank == METRIC_SYSTEM_TIME ? 0.10 : 0.05;
}

bool metric_is_count(const char *unit)
{
	static const char *const counted[] = {"maps", "calls", "faults"};

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		if (strcmp(unit, counted[i]) == 0)
			return true;
	return false;
}
