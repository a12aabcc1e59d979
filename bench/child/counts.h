/*
 * counts.h - what both builds of calls.h count: three adds to the lane's own cache lines a call.
 *
 * A request that is refused ends the process, in words (bench_refused): what comes behind it in
 * another run could not be compared. Workloads need no test for NULL.
 */
#ifndef BENCH_CHILD_COUNTS_H
#define BENCH_CHILD_COUNTS_H

#include "bench/child/bench.h"

BENCH_INLINE void counts_took(struct lane *l, const void *p, size_t size)
{
	struct bench_lane *c = l->counts;

	c->ops++;
	if (__builtin_expect(!p, 0))
		bench_refused(size);
	c->live_bytes += (int64_t)size;
	c->live_blocks++;
}

BENCH_INLINE void counts_gave(struct lane *l, const void *p, size_t size)
{
	struct bench_lane *c = l->counts;

	c->ops++;
	if (!p)
		return;
	c->live_bytes -= (int64_t)size;
	c->live_blocks--;
}

/* `had`: there was a block before, of `old` bytes. */
BENCH_INLINE void counts_changed(struct lane *l, const void *fresh, bool had, size_t old,
				 size_t size)
{
	struct bench_lane *c = l->counts;

	c->ops++;
	if (__builtin_expect(!fresh, 0))
		bench_refused(size);
	c->live_bytes += (int64_t)size - (had ? (int64_t)old : 0);
	c->live_blocks += !had;
}

#endif
