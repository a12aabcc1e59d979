/*
 * histogram.h - log-linear counts: 32 buckets an octave, so a value is known to 3 percent.
 *
 * Plain data, no allocation: filled in the benchmark's process, read by the controller.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_OCTAVE  32
#define HISTOGRAM_BUCKETS (HISTOGRAM_OCTAVE * 36) /* up to 2^40 */

struct histogram {
	uint64_t count, sum, max; /* exact */
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

static inline unsigned histogram_bucket(uint64_t value)
{
	if (value < HISTOGRAM_OCTAVE)
		return (unsigned)value;
	unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 5;
	unsigned bucket =
		(shift + 1) * HISTOGRAM_OCTAVE + (unsigned)(value >> shift) % HISTOGRAM_OCTAVE;

	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	h->max = value > h->max ? value : h->max;
	h->buckets[histogram_bucket(value)]++;
}

/* The upper end of the bucket of the value at `share` (0..1) of all; never above max. 0: empty. */
uint64_t histogram_quantile(const struct histogram *h, double share);

void histogram_merge(struct histogram *into, const struct histogram *from);

#endif
