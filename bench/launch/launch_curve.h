/*
 * launch_curve.h - samples over time, as many as come, and thinned without losing what is highest.
 */
#ifndef BENCH_LAUNCH_CURVE_H
#define BENCH_LAUNCH_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/result.h"

struct curve_sample {
	struct curve_point at;
	uint64_t ns;   /* CLOCK_MONOTONIC */
	bool is_exact; /* the process stood still; never thinned out */
};

/* In order of time. All zero: empty. */
struct curve {
	struct curve_sample *v;
	size_t n, room;
	bool is_thinned;
};

/* Of a run of hours some are thinned out on the way. 0 or -ENOMEM. */
int curve_add(struct curve *c, const struct curve_sample *s);
void curve_release(struct curve *c);

/*
 * Leaves at most `most` samples: the exact ones, and of each stretch of the others the highest and
 * the lowest rss, the highest mapped and the highest maps.
 */
void curve_thin(struct curve *c, size_t most);

#endif
