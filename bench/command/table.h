/*
 * table.h - results for people: a table for each workload, and who stands where in each metric.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdio.h>

#include "bench/command/digest.h"

struct table {
	FILE *out;
	unsigned width;		    /* columns of the terminal */
	const char *const *metrics; /* patterns of names; n 0: the main ones */
	size_t nmetrics;
};

/* Of the terminal that `out` is; 100 where it is none. */
unsigned table_width(FILE *out);

/* All groups, troubles and the ranking. */
void table_print(const struct table *t, const struct digest *d);

/* "283 MiB", "12.3 ns", "65530": a value in its unit. */
struct table_text {
	char s[32];
};
struct table_text table_value(double value, const char *unit);

#endif
