/*
 * Accesses to the pages themselves, and what is found there.
 *
 * An access goes segment by segment: within one the same is to be found, and what the access
 * changes is put down once, behind it. Whatever a fault needs is kept in p->now, as the fault
 * leaves these functions in the middle.
 */
#include <stdatomic.h>

#include "harness/oracle/model_internal.h"
#include "harness/oracle/pages_internal.h"

#define WORD sizeof(uint64_t)

static uintptr_t address_of(const struct pages *p, uint64_t page)
{
	return page * p->options.page_bytes;
}

static bool is_write(const struct page_access *a)
{
	return a->kind != PAGES_CHECK;
}

/* Nothing is known of this page any more: said once is enough. */
static void distrust(struct pages *p, uint64_t page)
{
	range_unsure(p, page, page + 1, true);
}

static void distrust_content(struct pages *p, const struct segment *s, uint64_t page)
{
	if (s->shows_object)
		object_put(p, s->region.object,
			   (struct page_range){page - s->region.delta, page - s->region.delta + 1},
			   content_unknown());
	else
		range_unknown_content(p, page, page + 1);
}

static void report_granted(const struct judge *j, const struct pages *p, uint64_t page)
{
	const struct verdict_kind v = {FINDING_WRONG_ACCESS, RULE_ACCESS_GRANTED};

	if (p->options.kernel)
		report(j, v, (uint64_t[6]){address_of(p, page), is_write(&p->now.access)});
}

static void report_denied(const struct judge *j, const struct pages *p, uintptr_t address,
			  int signal)
{
	uint64_t number = (uint64_t)signal;

	if (p->options.kernel)
		report(j, (struct verdict_kind){FINDING_WRONG_ACCESS, RULE_ACCESS_DENIED},
		       (uint64_t[6]){address, is_write(&p->now.access), number});
	else
		report(j, (struct verdict_kind){FINDING_LOST_CONTENT, RULE_CONTENT_VANISHED},
		       (uint64_t[6]){address, number});
}

/* The word `at` of a page is not one of the two that it may be. */
struct wrong_word {
	uint64_t at, expected, other, found;
};

/* Of a page nobody wrote, the byte counts. */
static void report_word(const struct judge *j, const struct pages *p, uint64_t page,
			const struct wrong_word *w)
{
	const struct page_content *c = &p->now.segment.content;

	if (c->stamp || c->plus) {
		report(j, (struct verdict_kind){FINDING_LOST_CONTENT, RULE_CONTENT_MAPPING},
		       (uint64_t[6]){address_of(p, page), w->at, w->expected, w->other, w->found});
		return;
	}
	const unsigned char *bytes = (const unsigned char *)&w->found;
	uint64_t i = 0;

	while (i < WORD - 1 && bytes[i] == 0)
		i++;
	report(j, (struct verdict_kind){FINDING_DIRTY_ZERO, RULE_ZERO_MAPPING},
	       (uint64_t[6]){address_of(p, page), w->at + i, bytes[i]});
}

/* Whether all is as it must be; `first` is the word at the start of the page. */
static bool judge_page(const struct judge *j, const struct pages *p, uint64_t page, uint64_t first)
{
	const struct page_content *c = &p->now.segment.content;
	const volatile uint64_t *words = (const volatile uint64_t *)address_of(p, page);
	uint64_t expected = content_word(p, c, page), other = c->lazy ? 0 : expected;

	if (first != expected && first != other) {
		report_word(j, p, page, &(struct wrong_word){0, expected, other, first});
		return false;
	}
	for (uint64_t i = 1; i < p->options.page_bytes / WORD; i++) {
		uint64_t found = words[i];

		if (found) {
			report_word(j, p, page, &(struct wrong_word){i * WORD, 0, 0, found});
			return false;
		}
	}
	return true;
}

/* The access itself. What was in the word before; of a touch that is not looked at. */
static uint64_t access_page(struct pages *p, uint64_t page)
{
	uint64_t *word = (uint64_t *)address_of(p, page);
	uint64_t found = 0;

	p->now.at = page;
	atomic_signal_fence(memory_order_seq_cst);
	switch (p->now.access.kind) {
	case PAGES_CHECK:
		found = *(volatile uint64_t *)word;
		break;
	case PAGES_TOUCH:
		*(volatile uint64_t *)word = content_word(p, &p->now.written, page);
		break;
	case PAGES_ADD:
		found = __atomic_fetch_add(word, p->now.access.add, __ATOMIC_SEQ_CST);
		break;
	}
	atomic_signal_fence(memory_order_seq_cst);
	return found;
}

static void commit_add(struct pages *p, const struct segment *s)
{
	struct page_content c = s->content;

	if (!c.unknown)
		c.plus += p->now.access.add;
	c.lazy = 0;
	fault_write(p, s, &c);
}

/* What the access to the first pages of the segment, up to `end`, has changed. */
static void access_commit(struct pages *p, uint64_t end)
{
	struct segment s = p->now.segment;

	s.end = end;
	p->now.segment.start = end;
	if (s.start >= end)
		return;
	if (p->now.access.kind == PAGES_CHECK)
		fault_read(p, &s);
	else if (p->now.access.kind == PAGES_TOUCH)
		fault_write(p, &s, &p->now.written);
	else
		commit_add(p, &s);
}

/* Which of the two words a page held that MADV_FREE let go: the segment is that page. */
static void settle_lazy(struct pages *p, uint64_t page, uint64_t found)
{
	struct segment *s = &p->now.segment;

	if (!s->content.lazy || s->content.unknown)
		return;
	if (found != 0 || content_word(p, &s->content, page) == 0)
		return;
	s->content = (struct page_content){0};
	s->state.content = s->content;
	/* It was taken away, and is only there if something populated it since. */
	if (p->now.access.kind == PAGES_CHECK && s->state.low)
		state_put(p, page, page + 1, &s->state);
	else if (p->now.access.kind == PAGES_CHECK)
		state_cut(p, page, page + 1);
}

/* Accesses one page and judges it. False: nothing more is known of it, all before is put down. */
static bool page_is_right(const struct judge *j, struct pages *p, uint64_t page)
{
	const struct segment *s = &p->now.segment;
	bool write = is_write(&p->now.access), right = true;
	uint64_t found = access_page(p, page);

	if (s->can == PAGE_UNKNOWN)
		return true;
	if (segment_signal(s, write)) {
		report_granted(j, p, page);
		access_commit(p, page);
		distrust(p, page);
		return false;
	}
	if (p->now.access.kind != PAGES_TOUCH && !s->content.unknown)
		right = judge_page(j, p, page, found);
	if (right) {
		settle_lazy(p, page, found);
		return true;
	}
	access_commit(p, page + 1);
	distrust_content(p, s, page);
	return false;
}

/* The segment, or as much of it as is right. Returns where to go on. */
static uint64_t access_segment(const struct judge *j, struct pages *p)
{
	uint64_t end = p->now.segment.end;

	for (uint64_t page = p->now.segment.start; page < end; page++)
		if (!page_is_right(j, p, page))
			return page + 1;
	access_commit(p, end);
	return end;
}

static void segment_begin(struct pages *p, uint64_t at, uint64_t end)
{
	struct segment s;

	segment_at(p, at, end, &s);
	/* Of each page that MADV_FREE let go, one or the other is found. */
	if (s.content.lazy)
		s.end = at + 1;
	p->now.segment = s;
}

/* A stamp is used as long as no page could have been written with it before. */
static uint32_t touch_stamp(struct pages *p, uint64_t start, uint64_t end)
{
	if (p->stamp == 0 || (start < p->touched_end && p->touched_start < end)) {
		p->stamp = ++p->shared->stamps;
		p->touched_start = start;
		p->touched_end = end;
	}
	p->touched_start = least(p->touched_start, start);
	p->touched_end = most(p->touched_end, end);
	return p->stamp;
}

int pages_access(struct pages *p, const struct page_access *a, const struct call_event *e,
		 struct finding_sink *sink)
{
	const struct judge j = {.e = e, .sink = sink};
	uint64_t start = a->start / p->options.page_bytes, end = a->end / p->options.page_bytes;

	pages_sync(p);
	p->now.access = *a;
	if (a->kind == PAGES_TOUCH)
		p->now.written = (struct page_content){.stamp = touch_stamp(p, start, end)};
	p->now.active = true;
	for (uint64_t at = start; at < end;) {
		segment_begin(p, at, end);
		at = access_segment(&j, p);
	}
	p->now.active = false;
	return 0;
}

void pages_access_faulted(struct pages *p, uintptr_t address, int signal,
			  const struct call_event *e, struct finding_sink *sink)
{
	const struct judge j = {.e = e, .sink = sink};
	uint64_t page = p->now.at;

	if (!p->now.active)
		return;
	p->now.active = false;
	access_commit(p, page);
	if (!is_write(&p->now.access))
		fault_behind_end(p, &p->now.segment);
	int expected = segment_signal(&p->now.segment, is_write(&p->now.access));

	if (p->now.segment.can == PAGE_UNKNOWN || expected == signal)
		return;
	if (expected == 0 || p->options.kernel)
		report_denied(&j, p, address, signal);
	distrust(p, page);
}

/* What was faulted in and is still there: reading it costs nothing. */
static bool is_there(const struct segment *s)
{
	return s->has_state && s->state.low && !s->state.guard &&
	       (s->can == PAGE_READS || s->can == PAGE_WRITES);
}

int pages_check_touched(struct pages *p, uintptr_t start, uintptr_t end, const struct call_event *e,
			struct finding_sink *sink)
{
	const struct judge j = {.e = e, .sink = sink};
	uint64_t page = p->options.page_bytes, last = end / page + (end % page != 0);
	struct page_state state;
	struct run run;

	pages_sync(p);
	p->now.access = (struct page_access){.kind = PAGES_CHECK, .start = start, .end = end};
	p->now.active = true;
	for (uint64_t at = start / page; state_find(p, at, last, &run, &state);) {
		segment_begin(p, run.start, run.end);
		at = is_there(&p->now.segment) ? access_segment(&j, p) : p->now.segment.end;
	}
	p->now.active = false;
	return 0;
}

void pages_judge_resident(struct pages *p, uint64_t measured_bytes, bool swapped,
			  const struct call_event *e, struct finding_sink *sink)
{
	const struct judge j = {.e = e, .sink = sink};
	struct pages_resident r;

	pages_resident(p, &r);
	if (measured_bytes > r.high_bytes || (measured_bytes < r.low_bytes && !swapped))
		report(&j, (struct verdict_kind){FINDING_WRONG_RESIDENCY, RULE_RESIDENCY},
		       (uint64_t[6]){measured_bytes, r.low_bytes, r.high_bytes});
}
