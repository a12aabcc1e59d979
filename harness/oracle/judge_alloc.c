/* What an allocating call returned: where it lies, how it is aligned, whether it is zero. */
#include "harness/oracle/model_internal.h"

static const struct verdict_kind overlap_block = {FINDING_OVERLAP, RULE_OVERLAP_BLOCK};
static const struct verdict_kind overlap_mapping = {FINDING_OVERLAP, RULE_OVERLAP_MAPPING};
static const struct verdict_kind overlap_harness = {FINDING_OVERLAP, RULE_OVERLAP_HARNESS};
static const struct verdict_kind usable_overlap = {FINDING_SHORT_USABLE, RULE_USABLE_OVERLAP};

/* What lies in the way and is no block. */
struct foreign {
	struct span span;
	struct verdict_kind kind;
	uint32_t slot;
};

static bool foreign_at(const struct model *m, struct span s, struct foreign *ret)
{
	const struct model_options *o = &m->options;
	struct range r;

	/* Nothing is mapped at the very last address. */
	if (o->program_ranges &&
	    range_set_first(o->program_ranges, s.start, s.last + (s.last < UINTPTR_MAX), &r)) {
		*ret = (struct foreign){{r.start, r.end - 1}, overlap_mapping, (uint32_t)r.tag};
		return true;
	}
	for (int i = 0; i < MODEL_HARNESS_RANGES; i++) {
		uintptr_t start = o->harness[i].start, end = o->harness[i].end;

		*ret = (struct foreign){{start, end - 1}, overlap_harness, 0};
		if (start < end && spans_meet(s, ret->span))
			return true;
	}
	return false;
}

static void report_usable_overlap(const struct judge *j, const struct block *b, struct span other)
{
	const uint64_t n[6] = {b->start, b->size, b->usable, other.start,
			       other.last - other.start + 1};

	report_slot(j, block_slot(j->m, b), usable_overlap, n);
}

static void place_among_foreign(const struct judge *j, struct block *b)
{
	struct foreign f;

	if (foreign_at(j->m, block_requested(b), &f)) {
		const uint64_t n[6] = {b->start, b->size, f.span.start, f.span.last + 1, f.slot};

		report(j, f.kind, n);
		blocks_taint(j->m, b);
	} else if (foreign_at(j->m, block_occupied(b), &f)) {
		report_usable_overlap(j, b, f.span);
		blocks_taint(j->m, b);
	}
}

static void report_overlap(const struct judge *j, const struct block *b, const struct block *other)
{
	const uint64_t n[6] = {b->start, b->size, other->start, other->size,
			       block_slot(j->m, other)};

	report(j, overlap_block, n);
}

/*
 * Several live blocks may lie under the new one: all are tainted, one is named. Each block is
 * tainted once, so this stays O(log n) per block. Where only usable bytes meet, the lower block
 * is the one whose usable size is wrong; the other one is sound.
 */
static void place_among_sound(const struct judge *j, struct block *b)
{
	struct span requested = block_requested(b);
	struct block *other;

	while ((other = blocks_sound_at(j->m, requested))) {
		if (!spans_meet(block_requested(other), requested)) {
			report_usable_overlap(j, other, requested);
		} else {
			if (!b->tainted)
				report_overlap(j, b, other);
			blocks_taint(j->m, b);
		}
		blocks_taint(j->m, other);
	}
}

void judge_place(const struct judge *j, struct block *b)
{
	struct block *other;

	if (!b->tainted)
		place_among_foreign(j, b);
	if (!b->tainted)
		place_among_sound(j, b);
	if (!b->tainted && (other = blocks_tainted_at(j->m, block_requested(b)))) {
		report_overlap(j, b, other);
		blocks_taint(j->m, b);
	}
	if (!b->tainted && (other = blocks_sound_at(j->m, block_occupied(b)))) {
		report_usable_overlap(j, b, block_requested(other));
		blocks_taint(j->m, b);
	}
}

/* C17 7.22.3: aligned for any object that fits. */
static uint64_t fundamental_alignment(uint64_t bytes)
{
	uint64_t align = _Alignof(max_align_t);

	while (align > 1 && bytes < align)
		align /= 2;
	return align;
}

void judge_alignment(const struct judge *j, const struct request *r)
{
	uintptr_t start = (uintptr_t)j->e->ret;
	struct verdict_kind v = {FINDING_MISALIGNED, RULE_ALIGN_FUNDAMENTAL};
	uint64_t want = fundamental_alignment(r->bytes);

	if (r->class == ALIGN_VALID) {
		v.rule = RULE_ALIGN_REQUESTED;
		want = r->align;
	} else if (r->class == ALIGN_PAGE && r->bytes) { /* no standard says it of valloc(0) */
		v.rule = RULE_ALIGN_PAGE;
		want = r->align;
	} else if (r->class == ALIGN_BAD) {
		want = 1; /* it should not be there at all, and that is said already */
	}
	if (start % want)
		report(j, v, (const uint64_t[6]){start, r->bytes, want});
}

#define ZERO_PAGES (1u << 18) /* of a larger block evenly spaced pages are looked at */

static uint64_t middle_nonzero(const struct judge *j, const struct content *c, uint64_t len)
{
	struct content_words w = content_middle(c, 0, len, j->m->options.page_bytes);
	uint64_t looks = w.count < ZERO_PAGES ? w.count : ZERO_PAGES;

	for (uint64_t i = 0; i < looks; i++) {
		uint64_t which = looks == w.count ? i : i * w.count / looks;
		uint64_t off = w.first + which * w.step;
		uint64_t at = content_first_nonzero(c->base, off, 8);

		if (at < off + 8)
			return at;
	}
	return len;
}

static uint64_t first_nonzero(const struct judge *j, const struct block *b, uint64_t len)
{
	struct content c = {.base = (unsigned char *)b->start};
	uint64_t tail = len - CONTENT_WHOLE, at;

	if (len <= CONTENT_LIMIT || j->m->options.check_full)
		return content_first_nonzero(c.base, 0, len);
	at = content_first_nonzero(c.base, 0, CONTENT_WHOLE);
	if (at < CONTENT_WHOLE)
		return at;
	at = middle_nonzero(j, &c, len);
	return at < len ? at : content_first_nonzero(c.base, tail, CONTENT_WHOLE);
}

void judge_zero(const struct judge *j, const struct block *b)
{
	uint64_t writable = block_writable(b);
	uint64_t len = b->size < writable ? b->size : writable;
	uint64_t at = first_nonzero(j, b, len);

	if (at < len)
		report(j, (struct verdict_kind){FINDING_DIRTY_ZERO, RULE_ZERO_DIRTY},
		       (const uint64_t[6]){b->start, b->size, at,
					   ((const unsigned char *)b->start)[at]});
}
