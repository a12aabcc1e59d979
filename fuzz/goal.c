#include "fuzz/goal.h"

#include <errno.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

static const struct {
	const char *name, *unit;
} goals[GOALS] = {
	[GOAL_NONE] = {"none", ""},
	[GOAL_MAPS] = {"maps", "maps per live MiB"},
	[GOAL_RETAINED] = {"retained", "kept MiB per live MiB"},
	[GOAL_LOST] = {"lost", "KiB lost"},
	[GOAL_LATENCY] = {"latency", "us of the slowest call"},
};

int goal_by_name(const char *name)
{
	for (int i = GOAL_MAPS; i < GOALS; i++)
		if (strcmp(goals[i].name, name) == 0)
			return i;
	return -ENOENT;
}

const char *goal_name(enum goal g)
{
	return goals[g].name;
}

const char *goal_unit(enum goal g)
{
	return goals[g].unit;
}

uint64_t goal_ratio(uint64_t a, uint64_t b, uint64_t floor)
{
	__extension__ unsigned __int128 milli = (unsigned __int128)a * 1000;

	milli /= b > floor ? b : floor;
	return milli > UINT64_MAX ? UINT64_MAX : (uint64_t)milli;
}

static uint64_t positive(int64_t n)
{
	return n > 0 ? (uint64_t)n : 0;
}

static uint64_t kept_bytes(const struct feed_result *r)
{
	return positive(r->resident ? r->kept.rss_bytes : r->kept.mapped_bytes);
}

uint64_t goal_milli(enum goal g, const struct feed_result *r)
{
	switch (g) {
	case GOAL_MAPS:
		/* Per MiB, not per byte: the unit of what is live. */
		return r->exact ? goal_ratio(positive(r->peak.maps) * MIB, r->live_bytes_at_peak,
					     MIB)
				: 0;
	case GOAL_RETAINED:
		return goal_ratio(kept_bytes(r), r->live_peak_bytes, MIB);
	case GOAL_LOST:
		return r->lost.measured ? goal_ratio(positive(r->lost.bytes), 1024, 1) : 0;
	case GOAL_LATENCY:
		return r->slowest_ns;
	default:
		return 0;
	}
}
