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

/* With a fixed place, older kernels unmap what is there before all is checked. */
static void mremap_failed(struct pages *p, const struct kernel_call *k)
{
	struct remap m = remap_of(p, k, k->arg[4]);

	if (refused_by_argument(p, k, &m))
		return;
	range_unsure(p, m.to, m.to + m.new_len, true);
	range_unsure(p, m.from, m.from + m.old_len, false);
}

static void region_move(struct pages *p, const struct run *run, struct region region, uint64_t by)
{
	struct page_state state;
	struct run seen;

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

/* The source of MREMAP_DONTUNMAP: mapped, not locked, and all its pages are gone. */
static void leave_source(struct pages *p, uint64_t start, uint64_t end)
{
	region_flags(p, (struct page_range){start, end}, REGION_LOCKED | REGION_MAY_BE_LOCKED, 0);
	if (p->options.wrong != PAGES_DONTUNMAP_LEAVES_ZERO)
		state_cut(p, start, end);
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
	if (region.flags & REGION_UNSURE)
		range_unsure(p, start, end, false);
	else if (region.flags & (REGION_LOCKED | REGION_MAY_BE_LOCKED))
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
	if (region.flags & REGION_UNSURE)
		range_unsure(p, m->to, m->to + m->new_len, false);
	else if (region.flags & (REGION_LOCKED | REGION_MAY_BE_LOCKED))
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
