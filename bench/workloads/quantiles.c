#include "bench/workloads/quantiles.h"

void quantiles_fill(uint32_t *ret, double least, const struct quantile *q)
{
	double begin = 0;

	for (unsigned i = 0; i < QUANTILES_ENTRIES; i++) {
		double share = (double)i / (QUANTILES_ENTRIES - 1), grown = 1;

		while (share > q->share) {
			begin = q->share;
			least = q->most;
			q++;
		}
		for (unsigned n = 0; n < q->bend; n++)
			grown *= (share - begin) / (q->share - begin);
		ret[i] = (uint32_t)(least + (q->most - least) * grown + 0.5);
	}
}
