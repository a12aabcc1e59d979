/*
 * madvise. The kernel walks the mappings in the range: it passes holes and answers ENOMEM at the
 * end, but stops at the first mapping that refuses the advice.
 */
#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "harness/oracle/pages_internal.h"

#ifndef MADV_COLD
#define MADV_COLD    20 /* Linux 5.4 */
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22 /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18 */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#define MADV_GUARD_REMOVE  103
#endif

/* One mapping, or a part of it. */
struct part {
	struct page_range range;
	struct region region;
};

enum refusal { REFUSAL_NO, REFUSAL_MAYBE, REFUSAL_SURE };

struct advice {
	int advice;
	void (*apply)(struct pages *p, const struct part *part);
	/* It may have been done, to all of it or a part. */
	void (*doubt)(struct pages *p, const struct part *part);
	/* Whether such a mapping makes it fail with `err`. */
	enum refusal (*refuses)(const struct region *r, int err);
};

static void do_nothing(struct pages *p, const struct part *part)
{
	(void)p;
	(void)part;
}

static void content_doubt(struct pages *p, const struct part *part)
{
	range_unknown_content(p, part->range.start, part->range.end);
}

static void flags_set(struct pages *p, const struct part *part, uint32_t clear, uint32_t set)
{
	region_flags(p, part->range, clear, set);
}

/* Guards stay, whatever is dropped. */
static void states_drop(struct pages *p, struct page_range r)
{
	struct page_state state;
	struct run run;

	for (uint64_t at = r.start; state_find(p, at, r.end, &run, &state); at = run.end)
		if (!state.guard && !state.lost)
			state_cut(p, run.start, run.end);
	huge_spread(p, r.start, r.end);
}

static struct page_range object_range(const struct part *part)
{
	return (struct page_range){part->range.start - part->region.delta,
				   part->range.end - part->region.delta};
}

static void dontneed(struct pages *p, const struct part *part)
{
	if (!part->region.object && p->options.wrong == PAGES_DONTNEED_ZEROES)
		return;
	if (part->region.object && (part->region.flags & REGION_SHARED) &&
	    p->options.wrong == PAGES_DONTNEED_KEEPS_SHARED)
		object_put(p, part->region.object, object_range(part), (struct page_content){0});
	states_drop(p, part->range);
}

/* The pages are still there until the kernel wants them; a write keeps them. */
static void lazy_free(struct pages *p, const struct part *part)
{
	struct page_state state;
	struct run run;

	for (uint64_t at = part->range.start; state_find(p, at, part->range.end, &run, &state);
	     at = run.end) {
		if (state.guard || state.lost)
			continue;
		state.content.lazy = !state.content.unknown && !content_is_zero(&state.content);
		state.low = 0;
		state_put(p, run.start, run.end, &state);
	}
}

static void punch(struct pages *p, const struct part *part)
{
	struct page_range r = object_range(part);

	if (!part->region.object)
		return;
	object_put(p, part->region.object, r, (struct page_content){0});
	object_drop_pages(
		p,
		&(struct page_drop){.object = part->region.object, .start = r.start, .end = r.end});
}

static void punch_doubt(struct pages *p, const struct part *part)
{
	struct page_range r = object_range(part);

	/* Of an alien all that is known is that nobody follows the object. */
	if (!part->region.object)
		r = (struct page_range){0, PAGES_NO_END};
	else
		object_put(p, part->region.object, r, content_unknown());
	object_drop_pages(p, &(struct page_drop){.object = part->region.object,
						 .maybe = true,
						 .start = r.start,
						 .end = r.end});
}

static void reclaim(struct pages *p, const struct part *part)
{
	may_leave(p, part->range.start, part->range.end);
}

static void populate_read(struct pages *p, const struct part *part)
{
	populate(p, part->range, false, true);
}

static void populate_write(struct pages *p, const struct part *part)
{
	populate(p, part->range, true, true);
}

static void populate_read_doubt(struct pages *p, const struct part *part)
{
	populate(p, part->range, false, false);
}

static void populate_write_doubt(struct pages *p, const struct part *part)
{
	populate(p, part->range, true, false);
}

static void dontfork(struct pages *p, const struct part *part)
{
	flags_set(p, part, 0, REGION_DONTFORK);
}

static void dofork(struct pages *p, const struct part *part)
{
	flags_set(p, part, REGION_DONTFORK, 0);
}

static void wipeonfork(struct pages *p, const struct part *part)
{
	flags_set(p, part, 0, REGION_WIPEONFORK);
}

static void keeponfork(struct pages *p, const struct part *part)
{
	flags_set(p, part, REGION_WIPEONFORK, 0);
}

static void fork_doubt(struct pages *p, const struct part *part)
{
	flags_set(p, part, 0, REGION_FORK_UNSURE);
}

static void mergeable(struct pages *p, const struct part *part)
{
	flags_set(p, part, 0, REGION_LOOSE);
	reclaim(p, part);
}

static void hugepage(struct pages *p, const struct part *part)
{
	p->huge_advised = true;
	flags_set(p, part, 0, REGION_HUGE);
	huge_spread(p, part->range.start, part->range.end);
}

/* What is there stays as it is. */
static void nohugepage(struct pages *p, const struct part *part)
{
	flags_set(p, part, REGION_HUGE, 0);
}

/* Once, whatever the settings say. */
static void collapse(struct pages *p, const struct part *part)
{
	uint32_t huge = part->region.flags & REGION_HUGE;

	hugepage(p, part);
	if (!huge)
		nohugepage(p, part);
}

static void guard_install(struct pages *p, const struct part *part)
{
	struct page_state guard = {.view = part->region.object != 0, .guard = 1};
	struct page_state state;
	struct run run;

	if (p->options.wrong != PAGES_GUARD_DROPS_CONTENT) {
		state_put(p, part->range.start, part->range.end, &guard);
		return;
	}
	for (uint64_t at = part->range.start; at < part->range.end; at = run.end) {
		bool found = state_find(p, at, part->range.end, &run, &state);

		if (found && run.start == at) {
			guard.content = state.content;
			guard.view = state.view;
		} else {
			run.end = found ? run.start : part->range.end;
			guard.content = (struct page_content){0};
		}
		state_put(p, at, run.end, &guard);
	}
}

static void guard_remove(struct pages *p, const struct part *part)
{
	struct page_state state;
	struct run run;

	for (uint64_t at = part->range.start; state_find(p, at, part->range.end, &run, &state);
	     at = run.end) {
		if (!state.guard)
			continue;
		state.guard = 0;
		if (content_is_zero(&state.content))
			state_cut(p, run.start, run.end);
		else
			state_put(p, run.start, run.end, &state);
	}
}

static void guard_doubt(struct pages *p, const struct part *part)
{
	struct page_state state = state_unsure();

	state_put(p, part->range.start, part->range.end, &state);
}

static void doubt_all(struct pages *p, const struct part *part)
{
	range_unsure(p, part->range.start, part->range.end, false);
}

static bool is_anonymous(const struct region *r)
{
	return r->object == 0;
}

static bool may_be_locked(const struct region *r)
{
	return (r->flags & REGION_MAY_BE_LOCKED) != 0;
}

static enum refusal refuses_locked(const struct region *r, int err)
{
	if (err != EINVAL)
		return REFUSAL_NO;
	if (r->flags & REGION_LOCKED)
		return REFUSAL_SURE;
	return may_be_locked(r) ? REFUSAL_MAYBE : REFUSAL_NO;
}

static enum refusal refuses_free(const struct region *r, int err)
{
	if (err == EINVAL && !is_anonymous(r))
		return REFUSAL_SURE;
	return refuses_locked(r, err);
}

static enum refusal refuses_remove(const struct region *r, int err)
{
	bool private_file = (r->flags & (REGION_FILE | REGION_SHARED)) == REGION_FILE;

	if (err == ENOMEM) /* of a hole */
		return REFUSAL_NO;
	if ((r->flags & REGION_LOCKED) || (is_anonymous(r) && !private_file))
		return err == EINVAL ? REFUSAL_SURE : REFUSAL_NO;
	if (private_file && err == EACCES)
		return REFUSAL_SURE;
	/* Read-only mappings by the kernel's age, files by their file system. */
	return REFUSAL_MAYBE;
}

static enum refusal refuses_wipe(const struct region *r, int err)
{
	bool takes = is_anonymous(r) && !(r->flags & REGION_FILE);

	return err == EINVAL && !takes ? REFUSAL_SURE : REFUSAL_NO;
}

/* Linux 6.15 takes mappings of files too. */
static enum refusal refuses_guard(const struct region *r, int err)
{
	if (err == EINVAL && (r->flags & REGION_LOCKED))
		return REFUSAL_SURE;
	return err == EINVAL && (!is_anonymous(r) || may_be_locked(r)) ? REFUSAL_MAYBE : REFUSAL_NO;
}

static enum refusal refuses_unguard(const struct region *r, int err)
{
	return err == EINVAL && (!is_anonymous(r) || (r->flags & REGION_LOCKED)) ? REFUSAL_MAYBE
										 : REFUSAL_NO;
}

static enum refusal refuses_never(const struct region *r, int err)
{
	(void)r;
	(void)err;
	return REFUSAL_NO;
}

static const struct advice advices[] = {
	{MADV_NORMAL, do_nothing, do_nothing, refuses_never},
	{MADV_RANDOM, do_nothing, do_nothing, refuses_never},
	{MADV_SEQUENTIAL, do_nothing, do_nothing, refuses_never},
	{MADV_WILLNEED, do_nothing, do_nothing, refuses_never},
	{MADV_DONTNEED, dontneed, content_doubt, refuses_locked},
	{MADV_FREE, lazy_free, content_doubt, refuses_free},
	{MADV_REMOVE, punch, punch_doubt, refuses_remove},
	{MADV_DONTFORK, dontfork, fork_doubt, refuses_never},
	{MADV_DOFORK, dofork, fork_doubt, refuses_never},
	{MADV_MERGEABLE, mergeable, mergeable, refuses_never},
	{MADV_UNMERGEABLE, mergeable, mergeable, refuses_never},
	{MADV_HUGEPAGE, hugepage, hugepage, refuses_never},
	{MADV_NOHUGEPAGE, nohugepage, do_nothing, refuses_never},
	{MADV_DONTDUMP, do_nothing, do_nothing, refuses_never},
	{MADV_DODUMP, do_nothing, do_nothing, refuses_never},
	{MADV_WIPEONFORK, wipeonfork, fork_doubt, refuses_wipe},
	{MADV_KEEPONFORK, keeponfork, fork_doubt, refuses_never},
	{MADV_COLD, reclaim, reclaim, refuses_locked},
	{MADV_PAGEOUT, reclaim, reclaim, refuses_locked},
	{MADV_POPULATE_READ, populate_read, populate_read_doubt, refuses_never},
	{MADV_POPULATE_WRITE, populate_write, populate_write_doubt, refuses_never},
	{MADV_DONTNEED_LOCKED, dontneed, content_doubt, refuses_never},
	{MADV_COLLAPSE, collapse, collapse, refuses_never},
	{MADV_SOFT_OFFLINE, content_doubt, content_doubt, refuses_never},
	{MADV_HWPOISON, doubt_all, doubt_all, refuses_never},
	{MADV_GUARD_INSTALL, guard_install, guard_doubt, refuses_guard},
	{MADV_GUARD_REMOVE, guard_remove, guard_doubt, refuses_unguard},
};

static const struct advice *advice_of(int number)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].advice == number)
			return &advices[i];
	return NULL;
}

static void doubt_part(struct pages *p, const struct advice *a, const struct part *part)
{
	a->doubt(p, part);
	if (part->region.flags & REGION_UNSURE)
		range_unsure(p, part->range.start, part->range.end, false);
}

static void each_part(struct pages *p, struct page_range r, const struct advice *a, bool surely)
{
	struct part part;
	struct run run;

	for (uint64_t at = r.start; region_find(p, at, r.end, &run, &part.region); at = run.end) {
		part.range = (struct page_range){run.start, run.end};
		if (surely && !(part.region.flags & REGION_UNSURE))
			a->apply(p, &part);
		else
			doubt_part(p, a, &part);
	}
}

/* The first mapping that refuses surely (or maybe), or the end. */
static uint64_t first_refusal(const struct pages *p, struct page_range r, const struct advice *a,
			      int err, enum refusal least_refusal)
{
	struct region region;
	struct run run;

	for (uint64_t at = r.start; region_find(p, at, r.end, &run, &region); at = run.end) {
		enum refusal refusal =
			region.flags & REGION_UNSURE ? REFUSAL_MAYBE : a->refuses(&region, err);

		if (refusal >= least_refusal)
			return run.start;
	}
	return r.end;
}

/* These stop at a hole: up to there, and maybe not all. */
static bool is_populate(const struct advice *a)
{
	return a->advice == MADV_POPULATE_READ || a->advice == MADV_POPULATE_WRITE;
}

static void advice_failed(struct pages *p, const struct advice *a, struct page_range r, int err)
{
	uint64_t sure = first_refusal(p, r, a, err, REFUSAL_SURE);
	uint64_t maybe = first_refusal(p, r, a, err, REFUSAL_MAYBE);
	struct holes h = holes_of(p, r);

	if (is_populate(a)) {
		each_part(p, (struct page_range){r.start, h.sure}, a, false);
	} else if (maybe < r.end) {
		each_part(p, (struct page_range){r.start, maybe}, a, true);
		each_part(p, (struct page_range){maybe, sure}, a, false);
	} else if (err == ENOMEM && h.any) {
		if (p->options.wrong == PAGES_ADVICE_PASSES_HOLE)
			r.end = h.sure;
		each_part(p, r, a, true);
	} else if (err != EINVAL) {
		each_part(p, r, a, false);
	}
}

void follow_madvise(struct pages *p, const struct pages_call *c)
{
	const struct kernel_call *k = c->call;
	const struct advice *a = advice_of((int)k->arg[2]);
	struct page_range r;

	if (!range_of_call(p, k->arg[0], k->arg[1], &r))
		return;
	if (!a && k->err != EINVAL)
		range_unsure(p, r.start, r.end, false);
	else if (a && k->err)
		advice_failed(p, a, r, k->err);
	else if (a)
		each_part(p, r, a, true);
}
