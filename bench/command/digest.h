/*
 * digest.h - what many rows come to: for each group, allocator and metric the middle of its runs.
 *
 *   group   a workload with its threads and what follows it: what is one table
 *
 * Both builds of a workload are one group. What both have measured is taken from the one whose
 * calls are not timed. Of runs that did not end well nothing is taken; they are troubles.
 */
#ifndef BENCH_DIGEST_H
#define BENCH_DIGEST_H

#include "bench/command/rows.h"
#include "bench/command/stats.h"

struct digest_group {
	char workload[64], after[16];
	unsigned threads;
	uint64_t time_ns;
};

struct digest_metric {
	char name[48], unit[16];
	bool more_is_better;
	unsigned rank; /* enum metric_id; METRICS: none of this build's */
};

/* Runs of one allocator in one group that ended in one way: not well, or well with words to it. */
struct digest_trouble {
	size_t group, allocator;
	enum bench_status status;
	unsigned runs, of;
	const char *why; /* of the first; lives as long as the rows */
};

struct digest {
	size_t ngroups, nallocators, nmetrics, ntroubles;
	struct digest_group *groups;   /* by name */
	const char **allocators;       /* built-in ones first, in their order; the rows' strings */
	struct digest_metric *metrics; /* quiet ones first */
	struct spread *cells;	       /* n 0: not measured */
	struct digest_trouble *troubles; /* by group, then by allocator */
	size_t loop; /* index of the void allocator's, the last; nallocators: there is none */
};

/* 0 or -ENOMEM. */
int digest_make(const struct rows *rows, struct digest *ret_digest);
void digest_release(struct digest *d);

const struct spread *digest_cell(const struct digest *d, size_t group, size_t allocator,
				 size_t metric);

/* The index, or nmetrics. */
size_t digest_metric_by_name(const struct digest *d, const char *name);

/* Whether any run of it ended well in this group. */
bool digest_has(const struct digest *d, size_t group, size_t allocator);

/*
 * How one allocator stands to another in one metric: the geometric mean of the ratios over all
 * groups that have both. Counts are taken plus one, so that none is no end; of others those that
 * are not above zero are left out. n 0: there is nothing to compare.
 */
struct digest_ratio {
	double ratio;
	size_t n;
};
struct digest_ratio digest_ratio(const struct digest *d, size_t metric, size_t allocator,
				 size_t base);

#endif
