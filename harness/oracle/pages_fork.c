/* What fork() makes of the mappings, and what becomes of objects when a process is gone. */
#include "harness/oracle/pages_internal.h"

static void process_add(struct pages_shared *s, unsigned proc, unsigned parent)
{
	for (uint32_t i = 0; i < PROCESSES_KEPT; i++) {
		if (!s->process[i].used) {
			s->process[i] = (struct page_process){proc, parent, true};
			return;
		}
	}
	s->process_lost = true;
}

/* Mappings of objects are not copied: what was faulted in comes back with the next access. */
static void forget_views(struct pages *p, struct page_range r)
{
	struct page_state state;
	struct run run;

	for (uint64_t at = r.start; state_find(p, at, r.end, &run, &state); at = run.end) {
		if (!state.view)
			continue;
		state.low = 0;
		state_put(p, run.start, run.end, &state);
	}
}

static void region_forked(struct pages *p, const struct run *run, struct region region)
{
	enum pages_rule wrong = p->options.wrong;
	struct page_range r = {run->start, run->end};
	bool private = !region.object;

	if (region.flags & (REGION_UNSURE | REGION_FORK_UNSURE)) {
		range_unsure(p, r.start, r.end, false);
		return;
	}
	if ((region.flags & REGION_DONTFORK) && wrong != PAGES_DONTFORK_ABSENT) {
		region_cut(p, r.start, r.end);
		return;
	}
	if ((region.flags & REGION_WIPEONFORK) && wrong != PAGES_WIPEONFORK_ZERO)
		state_cut(p, r.start, r.end);
	if (private && wrong == PAGES_FORK_COPIES_PRIVATE)
		state_cut(p, r.start, r.end);
	forget_views(p, r);
	uint32_t clear = REGION_LOCKED | REGION_MAY_BE_LOCKED;

	if (!private && wrong == PAGES_FORK_SHARES_SHARED)
		clear |= REGION_SHARED;
	region_flags(p, r, clear, 0);
}

void pages_forked(struct pages *p, unsigned proc)
{
	struct region region;
	struct run run;

	pages_sync(p);
	process_add(p->shared, proc, p->proc);
	p->proc = proc;
	p->stamp = 0;
	p->now.active = false;
	for (uint64_t at = 0; region_find(p, at, PAGES_NO_END, &run, &region); at = run.end)
		region_forked(p, &run, region);
	p->ndying = 0;
}

/* Its children went with it: nobody waits for them any more. */
static void process_gone(struct pages *p, unsigned proc)
{
	struct page_process *list = p->shared->process;

	objects_orphaned(p, proc);
	for (uint32_t i = 0; i < PROCESSES_KEPT; i++)
		if (list[i].used && list[i].proc == proc)
			list[i].used = false;
	for (uint32_t i = 0; i < PROCESSES_KEPT; i++) {
		if (list[i].used && list[i].parent == proc) {
			list[i].used = false;
			process_gone(p, list[i].proc);
		}
	}
}

void pages_child_gone(struct pages *p, unsigned proc, bool cut)
{
	p->stamp = 0;
	if (cut)
		objects_cut(p);
	else
		pages_sync(p);
	process_gone(p, proc);
	objects_sweep(p);
}
