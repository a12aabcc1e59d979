/*
 * mremap: shrinks, grows, moves, duplicates. What it moves keeps its content, protection and
 * advice; Linux 6.17 moves several mappings at once, and leaves holes between them as they are.
 */
#include <linux/mman.h>
#include <sys/mman.h>

#include "harness/oracle/pages_internal.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* Linux 5.7 */
#endif

struct remap {
	uint64_t from, old_len, to, new_len; /* pages */
	uint64_t flags;
};

static struct remap remap_of(const struct pages *p, const struct kernel_call *k, uint64_t to)
{
	uint64_t page = p->options.page_bytes;

	return (struct remap){
		.from = k->arg[0] / page,
		.old_len = k->arg[1] / page + (k->arg[1] % page != 0),
		.to = to / page,
		.new_len = k->arg[2] / page + (k->arg[2] % page != 0),
		.flags = k->arg[3],
	};
}

static bool ranges_meet(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
	return a < b + blen && b < a + alen;
}

/* Errors that are seen before anything is done. */
static bool refused_by_argument(const struct pages *p, const struct kernel_call *k,
				const struct remap *m)
{
	const uint64_t known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
	uint64_t page = p->options.page_bytes, most_pages = UINT64_MAX / page / 4;

	return !(m->flags & MREMAP_FIXED) || !(m->flags & MREMAP_MAYMOVE) || m->flags & ~known ||
	       k->arg[0] % page || k->arg[4] % page || m->new_len == 0 || m->old_len > most_pages ||
	       m->new_len > most_pages || ranges_meet(m->from, m->old_len, m->to, m->new_len);
}

/* What is written through these mappings is not followed any more. */
static void objects_lose_trust(struct pages *p, struct page_range r)
{
	struct region region;
	struct run run;

	for (uint64_t at = r.start; region_find(p, at, r.end, &run, &region); at = run.end) {
		struct page_object *o = object_of(p, region.object);

		if (o && (region.flags & REGION_SHARED))
			o->untrusted = 1;
	}
}

/* What a move of several mappings may have left where it was to go: nobody follows that. */
static void moved_in_part(struct pages *p, const struct remap *m)
{
	struct page_range to = {m->to, m->to + m->new_len};

	objects_lose_trust(p, (struct page_range){m->from, m->from + m->old_len});
	range_unsure(p, to.start, to.end, true);
	region_flags(p, to, 0, REGION_ALIEN);
}

/*
 * With a fixed place, older kernels unmap what is there before all is checked, and newer ones move
 * mapping by mapping.
 */
static void mremap_failed(struct pages *p, const struct kernel_call *k)
{
	struct remap m = remap_of(p, k, k->arg[4]);
	struct region region;
	struct run run;

	if (refused_by_argument(p, k, &m))
		return;
	range_unsure(p, m.to, m.to + m.new_len, false);
	if (region_find(p, m.from, m.from + m.old_len, &run, &region) && run.start == m.from &&
	    m.old_len == m.new_len &&
	    ((region.flags & REGION_UNSURE) || run.end < m.from + m.old_len))
		moved_in_part(p, &m);
	range_unsure(p, m.from, m.from + m.old_len, false);
}

static void region_move(struct pages *p, const struct run *run, struct region region, uint64_t by)
{
	struct page_state state;
	struct run seen;

	/* Where there was a hole after all, what was at the new place is still there. */
	if (region.flags & REGION_UNSURE) {
		objects_lose_trust(p, (struct page_range){run->start + by, run->end + by});
		region.flags |= REGION_ALIEN;
	}
	if (region.object)
		region.delta += by;
	region_put(p, run->start + by, run->end + by, &region);
	for (uint64_t at = run->start; state_find(p, at, run->end, &seen, &state); at = seen.end) {
		state.content = content_moved(&state.content, by);
		if (p->options.wrong == PAGES_MREMAP_MOVES_CONTENT && !state.view)
			state.content = (struct page_content){0};
		state_put(p, seen.start + by, seen.end + by, &state);
	}
}

/* What was not known before is not known now. */
static void unsure_again(struct pages *p, uint64_t start, uint64_t end)
{
	struct region region;
	struct run run;

	for (uint64_t at = start; region_find(p, at, end, &run, &region); at = run.end)
		if (region.flags & REGION_UNSURE)
			range_unsure(p, run.start, run.end, false);
}

/* Takes the run at `at` for unlocked, maybe, where it can belong to the mapping that `is` does. */
static bool may_unlock_run(struct pages *p, uint64_t at, const struct region *is,
			   struct run *ret_run)
{
	struct region region;
	struct run run;

	if (!run_map_find(p->regions, 0, at, &run, &region) || run.start > at)
		return false;
	if (!((region.flags | is->flags) & REGION_UNSURE) &&
	    (region.object != is->object || region.delta != is->delta))
		return false;
	if (region.flags & REGION_LOCKED)
		region_flags(p, (struct page_range){run.start, run.end}, REGION_LOCKED,
			     REGION_MAY_BE_LOCKED);
	*ret_run = run;
	return true;
}

/* The kernel unlocks the whole mapping that a page of the source is in (seen on 6.18). */
static void mapping_unlocks(struct pages *p, uint64_t at)
{
	struct run run = {0, at, at};
	struct region is;
	struct run seen;

	if (!region_find(p, at, at + 1, &seen, &is))
		return;
	while (run.start > 0 && may_unlock_run(p, run.start - 1, &is, &seen))
		run.start = seen.start;
	while (may_unlock_run(p, run.end, &is, &seen))
		run.end = seen.end;
}

/* The source of MREMAP_DONTUNMAP: mapped, not locked, and all its pages are gone. */
static void leave_source(struct pages *p, uint64_t start, uint64_t end)
{
	/* Only those at the two ends reach beyond the source. */
	mapping_unlocks(p, start);
	mapping_unlocks(p, end - 1);
	region_flags(p, (struct page_range){start, end}, REGION_LOCKED | REGION_MAY_BE_LOCKED, 0);
	if (p->options.wrong != PAGES_DONTUNMAP_LEAVES_ZERO)
		state_cut(p, start, end);
	unsure_again(p, start, end);
}

static void move(struct pages *p, const struct remap *m, uint64_t len)
{
	struct region region;
	struct run run;
	uint64_t end = m->from + len;

	for (uint64_t at = m->from; region_find(p, at, end, &run, &region); at = run.end)
		region_move(p, &run, region, m->to - m->from);
	if (m->flags & MREMAP_DONTUNMAP)
		leave_source(p, m->from, end);
	else
		region_cut(p, m->from, end);
}

/* The new part is as the last page before it. */
static void grow(struct pages *p, uint64_t start, uint64_t end)
{
	struct region region;
	struct run run;

	if (start >= end || !region_find(p, start - 1, start, &run, &region))
		return;
	region_put(p, start, end, &region);
	unsure_again(p, start, end);
	if (region.flags & (REGION_LOCKED | REGION_MAY_BE_LOCKED))
		populate_locked(p, (struct page_range){start, end}, true);
}

static void duplicate(struct pages *p, const struct remap *m)
{
	struct region region;
	struct run run;

	if (!region_find(p, m->from, m->from + 1, &run, &region))
		return;
	if (region.object)
		region.delta += m->to - m->from;
	if (p->options.wrong == PAGES_DUPLICATE_IS_SHARED) {
		region.object = object_new(p, m->new_len * p->options.page_bytes, false);
		region.delta = m->to;
	}
	region_put(p, m->to, m->to + m->new_len, &region);
	unsure_again(p, m->to, m->to + m->new_len);
	if (region.flags & (REGION_LOCKED | REGION_MAY_BE_LOCKED))
		populate_locked(p, (struct page_range){m->to, m->to + m->new_len}, true);
}

static void shrink(struct pages *p, const struct remap *m)
{
	uint64_t over = m->old_len - m->new_len;

	if (p->options.wrong == PAGES_MREMAP_SHRINKS_TAIL)
		region_cut(p, m->from, m->from + over);
	else
		region_cut(p, m->from + m->new_len, m->from + m->old_len);
}

void follow_mremap(struct pages *p, const struct pages_call *c)
{
	const struct kernel_call *k = c->call;

	if (k->err) {
		mremap_failed(p, k);
		return;
	}
	struct remap m = remap_of(p, k, (uint64_t)k->result);

	if (m.old_len == 0) {
		duplicate(p, &m);
		return;
	}
	if (m.new_len < m.old_len)
		shrink(p, &m);
	if (m.to != m.from)
		move(p, &m, least(m.old_len, m.new_len));
	if (m.new_len > m.old_len)
		grow(p, m.to + m.old_len, m.to + m.new_len);
	huge_spread(p, m.from, m.from + m.old_len);
	huge_spread(p, m.to, m.to + m.new_len);
}
