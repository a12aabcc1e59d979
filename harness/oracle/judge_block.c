/* What is known of a live block: its content and its usable size. */
#include "harness/oracle/model_internal.h"

bool block_intact(const struct model *m, const struct block *b, struct content_diff *ret_diff)
{
	struct content c = {.base = (unsigned char *)b->start, .id = b->id};
	bool all = m->options.check_full;
	size_t page = m->options.page_bytes;
	struct content_diff diff = {0};

	for (uint32_t i = b->extents; i; i = m->extents.v[i].next) {
		const struct extent *x = &m->extents.v[i];

		if (x->step) {
			struct content_words w = {x->off, extent_words(x), x->step};

			content_check_words(&c, &w, all, &diff);
		} else if (x->len <= CONTENT_LIMIT || all) {
			content_check(&c, x->off, x->len, &diff);
		} else {
			struct content_words w = content_middle(&c, x->off, x->len, page);

			content_check(&c, x->off, CONTENT_WHOLE, &diff);
			content_check_words(&c, &w, false, &diff);
			content_check(&c, x->off + x->len - CONTENT_WHOLE, CONTENT_WHOLE, &diff);
		}
	}
	*ret_diff = diff;
	return diff.changed == 0;
}

void judge_content(const struct judge *j, struct block *b, struct verdict_kind v)
{
	struct content_diff d;

	if (block_intact(j->m, b, &d))
		return;
	report_slot(
		j, block_slot(j->m, b), v,
		(const uint64_t[6]){b->start, b->size, d.offset, d.expected, d.found, d.changed});
	extents_drop(&j->m->extents, &b->extents);
}

void judge_usable_short(const struct judge *j, const struct block *b)
{
	uint64_t page = j->m->options.page_bytes, promised = b->size;

	if (j->e->op->code == OP_PVALLOC)
		promised = (promised + page - 1) & ~(page - 1);
	if (b->usable_known && b->usable < promised)
		report(j, (struct verdict_kind){FINDING_SHORT_USABLE, RULE_USABLE_SHORT},
		       (const uint64_t[6]){b->start, promised, b->usable});
}

/* From then on the smaller of both sizes is used, so that touch stays inside what is promised. */
void judge_usable_stable(const struct judge *j, struct block *b)
{
	const struct call_event *e = j->e;

	if (!e->usable_known || !b->usable_known || b->tainted || b->usable_reported ||
	    e->usable == b->usable)
		return;
	report(j, (struct verdict_kind){FINDING_SHORT_USABLE, RULE_USABLE_UNSTABLE},
	       (const uint64_t[6]){b->start, b->size, b->usable, e->usable});
	b->usable_reported = true;
	if (e->usable < b->usable) {
		b->usable = e->usable;
		extents_cut(&j->m->extents, &b->extents, b->usable);
	}
}

void judge_usable_call(const struct judge *j)
{
	const struct call_event *e = j->e;
	struct block *b = &j->m->blocks[e->slot];

	if (e->before && b->state == BLOCK_LIVE)
		judge_usable_stable(j, b);
	else if (!e->before && e->usable_known && e->usable)
		report(j, (struct verdict_kind){FINDING_SHORT_USABLE, RULE_USABLE_NULL},
		       (const uint64_t[6]){e->usable});
}
