#include "harness/oracle/finding.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char *const kind_names[FINDING_KINDS] = {
	[FINDING_OVERLAP] = "overlap",
	[FINDING_MISALIGNED] = "misaligned",
	[FINDING_CORRUPTED] = "corrupted",
	[FINDING_LOST_CONTENT] = "lost-content",
	[FINDING_DIRTY_ZERO] = "dirty-zero",
	[FINDING_SHORT_USABLE] = "short-usable",
	[FINDING_WRONG_ERRNO] = "wrong-errno",
	[FINDING_ERRNO_CLOBBERED] = "errno-clobbered",
	[FINDING_ACCEPTED_OVERFLOW] = "accepted-overflow",
	[FINDING_ACCEPTED_BAD_ALIGNMENT] = "accepted-bad-alignment",
	[FINDING_NULL_WITHOUT_CAUSE] = "null-without-cause",
	[FINDING_CRASH] = "crash",
	[FINDING_HANG] = "hang",
	[FINDING_UNEXPECTED_RESULT] = "unexpected-result",
	[FINDING_EXPECTATION] = "expectation",
	[FINDING_LOST_MAPPING] = "lost-mapping",
	[FINDING_MAP_GROWTH] = "map-growth",
	[FINDING_FOOTPRINT_GROWTH] = "footprint-growth",
	[FINDING_FORK_BROKEN] = "fork-broken",
};

const char *finding_kind_name(unsigned kind)
{
	return kind < FINDING_KINDS ? kind_names[kind] : NULL;
}

int finding_kind_by_name(const char *name)
{
	for (int i = 0; i < FINDING_KINDS; i++)
		if (strcmp(kind_names[i], name) == 0)
			return i;
	return -ENOENT;
}

/* Of what was lost each system call is a finding of its own: a realloc may make several. */
static bool finding_is_same(const struct finding *a, const struct finding *b)
{
	bool by_call = a->rule == RULE_LOST_MAPPING || a->rule == RULE_LOST_PAGES;

	return a->kind == b->kind && a->rule == b->rule && a->stmt == b->stmt &&
	       (!by_call || (uint32_t)a->n[0] == (uint32_t)b->n[0]);
}

void finding_add(struct finding_sink *sink, const struct finding *f)
{
	uint64_t times = f->count ? f->count : 1;

	/* The sink is where an allocator may have written over it. */
	if (sink->n > FINDING_MAX)
		sink->n = FINDING_MAX;
	for (uint32_t i = 0; i < sink->n; i++) {
		struct finding *seen = &sink->v[i];

		if (finding_is_same(seen, f)) {
			seen->count += seen->again == (sink->again != 0) ? times : 0;
			return;
		}
	}
	if (sink->n == FINDING_MAX) {
		sink->dropped++;
		return;
	}
	sink->v[sink->n] = *f;
	sink->v[sink->n].count = times;
	sink->v[sink->n].again = sink->again != 0;
	/* The controller may read at any time: the entry is whole before it counts. */
	__atomic_store_n(&sink->n, sink->n + 1, __ATOMIC_RELEASE);
}
