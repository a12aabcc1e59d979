/* What is mapped where, and what is known of its pages. */
#include "harness/oracle/pages_internal.h"

bool region_find(const struct pages *p, uint64_t at, uint64_t end, struct run *ret_run,
		 struct region *ret_region)
{
	struct region region;
	struct run run;

	if (at >= end || !run_map_find(p->regions, 0, at, &run, &region) || run.start >= end)
		return false;
	run.start = most(run.start, at);
	run.end = least(run.end, end);
	*ret_run = run;
	*ret_region = region;
	return true;
}

bool state_find(const struct pages *p, uint64_t at, uint64_t end, struct run *ret_run,
		struct page_state *ret_state)
{
	struct page_state state;
	struct run run;

	if (at >= end || !run_map_find(p->states, 0, at, &run, &state) || run.start >= end)
		return false;
	run.start = most(run.start, at);
	run.end = least(run.end, end);
	*ret_run = run;
	*ret_state = state;
	return true;
}

/* In the one space of these maps nothing is refused (run_map.h). */
void state_put(struct pages *p, uint64_t start, uint64_t end, const struct page_state *s)
{
	(void)run_map_put(p->states, &(struct run){0, start, end}, s);
}

void state_cut(struct pages *p, uint64_t start, uint64_t end)
{
	(void)run_map_cut(p->states, &(struct run){0, start, end});
}

void region_put(struct pages *p, uint64_t start, uint64_t end, const struct region *r)
{
	state_cut(p, start, end);
	(void)run_map_put(p->regions, &(struct run){0, start, end}, r);
}

void region_cut(struct pages *p, uint64_t start, uint64_t end)
{
	state_cut(p, start, end);
	(void)run_map_cut(p->regions, &(struct run){0, start, end});
}

void region_flags(struct pages *p, struct page_range r, uint32_t clear, uint32_t set)
{
	struct region region;
	struct run run;

	for (uint64_t at = r.start; region_find(p, at, r.end, &run, &region); at = run.end) {
		region.flags = (region.flags & ~clear) | set;
		(void)run_map_put(p->regions, &run, &region);
	}
}

void may_leave(struct pages *p, uint64_t start, uint64_t end)
{
	struct page_state state;
	struct run run;

	for (uint64_t at = start; state_find(p, at, end, &run, &state); at = run.end) {
		state.low = 0;
		state_put(p, run.start, run.end, &state);
	}
}

struct holes holes_of(const struct pages *p, struct page_range r)
{
	struct holes h = {.maybe = r.end, .sure = r.start};
	struct region region;
	struct run run;

	while (region_find(p, h.sure, r.end, &run, &region) && run.start == h.sure) {
		if (region.flags & REGION_UNSURE)
			h.maybe = least(h.maybe, run.start);
		h.sure = run.end;
	}
	h.maybe = least(h.maybe, h.sure);
	h.any = h.maybe < r.end;
	return h;
}

struct page_state state_unsure(void)
{
	return (struct page_state){.content = content_unknown(), .lost = 1, .high = 1};
}

void range_unsure(struct pages *p, uint64_t start, uint64_t end, bool holes)
{
	struct page_state state = state_unsure();
	struct region region;
	struct run run;

	/* The region itself counts as resident, maybe. */
	state.high = 0;
	for (uint64_t at = start; region_find(p, at, end, &run, &region); at = run.end) {
		region.flags |= REGION_UNSURE;
		(void)run_map_put(p->regions, &run, &region);
		state_put(p, run.start, run.end, &state);
	}
	region = (struct region){.flags = REGION_UNSURE};
	while (holes && start < end) {
		struct region next;
		bool found = region_find(p, start, end, &run, &next);
		uint64_t to = found ? run.start : end;

		region_put(p, start, to, &region);
		state_put(p, start, to, &state);
		start = found ? run.end : end;
	}
}

/* What an access does stays known: guards are left alone. */
static void states_unknown(struct pages *p, uint64_t start, uint64_t end)
{
	struct page_state state = state_unsure(), old;
	struct run run;

	state.lost = 0;
	for (uint64_t at = start; at < end;) {
		bool found = state_find(p, at, end, &run, &old);

		state_put(p, at, found ? run.start : end, &state);
		if (found && !old.guard && !old.lost)
			state_put(p, run.start, run.end, &state);
		at = found ? run.end : end;
	}
}

void range_unknown_content(struct pages *p, uint64_t start, uint64_t end)
{
	struct region region;
	struct run run;

	for (uint64_t at = start; region_find(p, at, end, &run, &region); at = run.end)
		states_unknown(p, run.start, run.end);
}
