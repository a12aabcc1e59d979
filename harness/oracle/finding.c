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
	[FINDING_WRONG_ACCESS] = "wrong-access",
	[FINDING_WRONG_RESIDENCY] = "wrong-residency",
	[FINDING_PROFILE_MISMATCH] = "profile-mismatch",
};

static const char *const rule_names[RULES] = {
	[RULE_OVERLAP_BLOCK] = "overlap-block",
	[RULE_OVERLAP_MAPPING] = "overlap-mapping",
	[RULE_OVERLAP_HARNESS] = "overlap-harness",
	[RULE_ALIGN_FUNDAMENTAL] = "align-fundamental",
	[RULE_ALIGN_REQUESTED] = "align-requested",
	[RULE_ALIGN_PAGE] = "align-page",
	[RULE_CONTENT_CHANGED] = "content-changed",
	[RULE_CONTENT_REALLOC] = "content-realloc",
	[RULE_CONTENT_FAILED_REALLOC] = "content-failed-realloc",
	[RULE_CONTENT_MAPPING] = "content-mapping",
	[RULE_CONTENT_VANISHED] = "content-vanished",
	[RULE_ZERO_DIRTY] = "zero-dirty",
	[RULE_ZERO_MAPPING] = "zero-mapping",
	[RULE_USABLE_SHORT] = "usable-short",
	[RULE_USABLE_UNSTABLE] = "usable-unstable",
	[RULE_USABLE_OVERLAP] = "usable-overlap",
	[RULE_USABLE_FAULT] = "usable-fault",
	[RULE_USABLE_NULL] = "usable-null",
	[RULE_ERRNO_ON_FAILURE] = "errno-on-failure",
	[RULE_ERRNO_RETURNED] = "errno-returned",
	[RULE_ERRNO_FREE] = "errno-free",
	[RULE_ERRNO_POSIX_MEMALIGN] = "errno-posix-memalign",
	[RULE_ERRNO_POSIX_SUCCESS] = "errno-posix-success",
	[RULE_MEMPTR_CHANGED] = "memptr-changed",
	[RULE_OVERFLOW_SIZE] = "overflow-size",
	[RULE_OVERFLOW_PRODUCT] = "overflow-product",
	[RULE_ALIGNMENT_ACCEPTED] = "alignment-accepted",
	[RULE_NULL_NO_CAUSE] = "null-no-cause",
	[RULE_OUTCOME] = "outcome",
	[RULE_EXPECT] = "expect",
	[RULE_SIGNAL] = "signal",
	[RULE_EXIT] = "exit",
	[RULE_STUCK] = "stuck",
	[RULE_FORK_SIGNAL] = "fork-signal",
	[RULE_FORK_EXIT] = "fork-exit",
	[RULE_FORK_STUCK] = "fork-stuck",
	[RULE_HARNESS_WRITTEN] = "harness-written",
	[RULE_TRIM_RESULT] = "trim-result",
	[RULE_LOST_MAPPING] = "lost-mapping",
	[RULE_LOST_PAGES] = "lost-pages",
	[RULE_GROWTH_MAPS] = "growth-maps",
	[RULE_GROWTH_MAPPED] = "growth-mapped",
	[RULE_GROWTH_RSS] = "growth-rss",
	[RULE_ACCESS_GRANTED] = "access-granted",
	[RULE_ACCESS_DENIED] = "access-denied",
	[RULE_RESIDENCY] = "residency",
	[RULE_PROFILE_ANSWER] = "profile-answer",
	[RULE_PROFILE_KNOWN] = "profile-known",
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

const char *finding_rule_name(unsigned rule)
{
	return rule < RULES ? rule_names[rule] : NULL;
}

bool finding_cuts(const struct finding *f)
{
	return f->kind == FINDING_CRASH || f->kind == FINDING_HANG ||
	       f->kind == FINDING_FORK_BROKEN || f->rule == RULE_HARNESS_WRITTEN;
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

	if (sink->without & FINDING_BIT(f->kind)) {
		if (finding_cuts(f) && sink->cut.rule == RULE_NONE)
			sink->cut = *f;
		return;
	}
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
