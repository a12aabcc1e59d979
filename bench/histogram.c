#include "bench/histogram.h"

static uint64_t bucket_end(unsigned bucket)
{
	unsigned shift = bucket / HISTOGRAM_OCTAVE;
	uint64_t step = bucket % HISTOGRAM_OCTAVE;

	if (!shift)
		return step;
	shift--;
	return ((HISTOGRAM_OCTAVE + step + 1) << shift) - 1;
}

/* As many of `count` as make up the share, rounded up; at least one. */
static uint64_t rank_of(uint64_t count, double share)
{
	double wanted = share <= 0 ? 0 : share >= 1 ? (double)count : share * (double)count;
	uint64_t rank = (uint64_t)wanted;

	rank += (double)rank < wanted;
	if (rank > count)
		rank = count;
	return rank ? rank : 1;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
	uint64_t rank = rank_of(h->count, share), seen = 0;

	if (!h->count)
		return 0;
	for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= rank)
			return bucket_end(i) < h->max ? bucket_end(i) : h->max;
	}
	/* The last bucket has no end of its own. */
	return h->max;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum += from->sum;
	into->max = from->max > into->max ? from->max : into->max;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}
