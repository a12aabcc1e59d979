#include "harness/cli/left_behind.h"

#include <string.h>

struct left_behind left_behind_at(const struct run_shared *s, const char *name)
{
	struct left_behind left = {-1, -1};
	uint32_t n = s ? atomic_load(&s->ncheckpoints) : 0;

	for (uint32_t i = 1; i < n; i++) {
		const struct snapshot *start = &s->checkpoint[0].at, *at = &s->checkpoint[i].at;

		if (strcmp(s->checkpoint[i].name, name) != 0)
			continue;
		left.maps = at->maps - start->maps;
		left.bytes = at->rss_bytes - start->rss_bytes;
		if (at->lazyfree_bytes > 0)
			left.bytes -= at->lazyfree_bytes;
		if (left.bytes < 0)
			left.bytes = 0;
	}
	return left;
}

/* A child that crashed may have left the ledger's start without its peak. */
bool peak_is_exact(const struct run_shared *s)
{
	return s->watch.exact && s->watch.peak.maps >= s->watch.start.maps;
}

int64_t peak_maps(const struct run_shared *s)
{
	if (peak_is_exact(s))
		return s->watch.peak.maps - s->watch.start.maps;
	return s->peak.at.maps - s->checkpoint[0].at.maps;
}

json_t *json_measured(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

json_t *left_behind_json(const struct left_behind *left)
{
	return json_pack("{s:o, s:o}", "maps", json_measured(left->maps), "bytes",
			 json_measured(left->bytes));
}
