/*
 * Truncating a file and punching holes take its pages out of all mappings of all processes. Each
 * process has states of its own, so a short log tells the others.
 */
#include "harness/oracle/pages_internal.h"

/* Guards stay, and copies where only the object's own pages leave. */
static bool state_leaves(const struct page_state *s, const struct page_drop *d)
{
	return !s->guard && !s->lost && (s->view || d->copies);
}

static void drop_states(struct pages *p, uint64_t start, uint64_t end, const struct page_drop *d)
{
	struct page_state state;
	struct run run;

	for (uint64_t at = start; state_find(p, at, end, &run, &state); at = run.end)
		if (state_leaves(&state, d) && d->maybe)
			may_leave(p, run.start, run.end);
		else if (state_leaves(&state, d))
			state_cut(p, run.start, run.end);
}

/* Object 0: one that nobody follows, whichever that is. */
static bool drop_is_of(const struct pages *p, const struct page_drop *d, uint32_t object)
{
	const struct page_object *o = object_of(p, object);

	return d->object ? object == d->object : o && o->untrusted;
}

static void drop_apply(struct pages *p, const struct page_drop *d)
{
	struct region region;
	struct run run;

	for (uint64_t at = 0; region_find(p, at, PAGES_NO_END, &run, &region); at = run.end) {
		uint64_t first = run.start - region.delta, len = run.end - run.start;

		if (!drop_is_of(p, d, region.object) || d->end <= first || d->start >= first + len)
			continue;
		uint64_t from = d->start > first ? d->start - first : 0;
		uint64_t to = d->end - first < len ? d->end - first : len;

		drop_states(p, run.start + from, run.start + to, d);
	}
}

/* The log is too short: whatever shows an object may have been dropped. */
void drop_anything(struct pages *p)
{
	struct region region;
	struct run run;

	for (uint64_t at = 0; region_find(p, at, PAGES_NO_END, &run, &region); at = run.end)
		if (region.object)
			range_unknown_content(p, run.start, run.end);
}

void pages_sync(struct pages *p)
{
	struct pages_shared *s = p->shared;

	if (s->drops - p->drops_seen > DROPS_KEPT) {
		drop_anything(p);
		p->drops_seen = s->drops;
	}
	for (; p->drops_seen < s->drops; p->drops_seen++)
		drop_apply(p, &s->drop[p->drops_seen % DROPS_KEPT]);
}

void object_drop_pages(struct pages *p, const struct page_drop *d)
{
	p->shared->drop[p->shared->drops % DROPS_KEPT] = *d;
	p->shared->drops++;
	pages_sync(p);
}
