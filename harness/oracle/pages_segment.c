/* What is so at a page, and how far the same holds. */
#include <signal.h>

#include "harness/oracle/pages_internal.h"

static enum page_can can_by_prot(uint32_t flags)
{
	if (flags & REGION_WRITE)
		return PAGE_WRITES;
	if (flags & REGION_READ)
		return PAGE_READS;
	/* To run is to read on most processors, but not where there are protection keys. */
	return flags & REGION_EXEC ? PAGE_UNKNOWN : PAGE_FAULTS;
}

static enum page_can segment_can(const struct segment *s)
{
	if ((s->region.flags & (REGION_UNSURE | REGION_PROT_UNSURE)) ||
	    (s->has_state && s->state.lost))
		return PAGE_UNKNOWN;
	if (s->has_state && s->state.guard)
		return PAGE_FAULTS;
	return can_by_prot(s->region.flags);
}

/* Below a mapping that grows down there may be more of it. */
static void segment_hole(const struct pages *p, uint64_t limit, struct segment *s)
{
	struct region next;
	struct run run;
	bool found = run_map_find(p->regions, 0, s->start, &run, &next);

	s->end = found ? least(limit, run.start) : limit;
	s->can = found && (next.flags & REGION_GROWS) ? PAGE_UNKNOWN : PAGE_FAULTS;
	s->content = content_unknown();
}

/* Behind the end of the object there is SIGBUS, for private mappings too. */
static void segment_object_end(const struct pages *p, struct segment *s)
{
	const struct page_object *o = object_of(p, s->region.object);
	uint64_t page = s->start - s->region.delta;

	if (!o || o->size_unknown) {
		s->can = s->can == PAGE_FAULTS ? s->can : PAGE_UNKNOWN;
		return;
	}
	uint64_t pages = object_pages(p, o);

	if (page < pages) {
		s->end = least(s->end, s->start + (pages - page));
		return;
	}
	s->content = content_unknown();
	if (s->can == PAGE_READS || s->can == PAGE_WRITES)
		s->can = PAGE_BUS;
}

static void segment_object(const struct pages *p, struct segment *s)
{
	uint64_t page = s->start - s->region.delta, end = page + (s->end - s->start);

	if (s->shows_object) {
		struct page_content c = object_content(p, s->region.object, page, &end);

		s->content = content_moved(&c, s->region.delta);
		s->end = s->start + (end - page);
	}
	segment_object_end(p, s);
}

void segment_at(const struct pages *p, uint64_t page, uint64_t limit, struct segment *ret_segment)
{
	struct segment s = {.start = page, .end = limit};
	struct run run;

	s.mapped = region_find(p, page, limit, &run, &s.region) && run.start == page;
	if (!s.mapped) {
		s.region = (struct region){0};
		segment_hole(p, limit, &s);
		*ret_segment = s;
		return;
	}
	s.end = run.end;
	if (state_find(p, page, s.end, &run, &s.state)) {
		s.has_state = run.start == page;
		s.end = s.has_state ? run.end : run.start;
	}
	if (!s.has_state)
		s.state = (struct page_state){0};
	s.can = segment_can(&s);
	s.content = s.state.content;
	s.shows_object = s.region.object && (!s.has_state || s.state.view);
	if (s.region.object)
		segment_object(p, &s);
	if ((s.has_state && s.state.guard) || (!s.has_state && (s.region.flags & REGION_UNSURE)))
		s.content = content_unknown();
	*ret_segment = s;
}

int segment_signal(const struct segment *s, bool write)
{
	switch (s->can) {
	case PAGE_FAULTS:
		return SIGSEGV;
	case PAGE_BUS: /* the protection is looked at first */
		return write && !(s->region.flags & REGION_WRITE) ? SIGSEGV : SIGBUS;
	case PAGE_READS:
		return write ? SIGSEGV : 0;
	default:
		return 0;
	}
}

void pages_look(const struct pages *p, uintptr_t at, struct page_view *ret_view)
{
	uint64_t page = at / p->options.page_bytes;
	uint64_t limit = UINTPTR_MAX / p->options.page_bytes;
	struct segment s;

	/* What other processes dropped is taken note of: the answer is the same before and after.
	 */
	pages_sync((struct pages *)p);
	segment_at(p, page, most(limit, page + 1), &s);
	uint64_t word = s.content.unknown ? 0 : content_word(p, &s.content, page);

	*ret_view = (struct page_view){
		.can = s.can,
		.end = s.end * p->options.page_bytes,
		.known = !s.content.unknown,
		.word = {word, s.content.lazy ? 0 : word},
		.mapped = s.mapped,
		.shows_object = s.shows_object,
	};
}
