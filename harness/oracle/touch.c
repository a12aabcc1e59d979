/* Writing the pattern into blocks. */
#include <errno.h>
#include <stdatomic.h>

#include "harness/oracle/model_internal.h"

static void touch_whole(struct model *m, struct block *b, uint64_t off, uint64_t len)
{
	struct content c = {.base = (unsigned char *)b->start, .id = b->id};

	content_fill(&c, off, len);
	/* A fault leaves the fill above for good: nothing may be recorded before it is done. */
	atomic_signal_fence(memory_order_seq_cst);
	extents_add(&m->extents, &b->extents, (struct extent){.off = off, .len = len});
}

static void touch_sampled(struct model *m, struct block *b, uint64_t off, uint64_t len)
{
	struct content c = {.base = (unsigned char *)b->start, .id = b->id};
	struct content_words w = content_middle(&c, off, len, m->options.page_bytes);

	touch_whole(m, b, off, CONTENT_WHOLE);
	content_fill_words(&c, &w);
	atomic_signal_fence(memory_order_seq_cst);
	if (w.count)
		extents_add(&m->extents, &b->extents,
			    (struct extent){.off = w.first,
					    .len = (w.count - 1) * w.step + 8,
					    .step = (uint32_t)w.step});
	touch_whole(m, b, off + len - CONTENT_WHOLE, CONTENT_WHOLE);
}

int model_touch(struct model *m, uint32_t slot, bool has_range, uint64_t off, uint64_t len)
{
	struct block *b = &m->blocks[slot];

	if (b->state != BLOCK_LIVE || b->tainted)
		return -ENOENT;
	uint64_t writable = block_writable(b);

	if (!has_range) {
		off = 0;
		len = writable;
	}
	if (off > writable || len > writable - off)
		return -EINVAL;
	if (len <= CONTENT_LIMIT || m->options.check_full)
		touch_whole(m, b, off, len);
	else
		touch_sampled(m, b, off, len);
	return 0;
}

bool model_touch_faulted(struct model *m, const struct call_event *e, uintptr_t address,
			 struct finding_sink *sink)
{
	struct judge j = {m, e, sink};
	struct block *b = &m->blocks[e->slot];

	if (b->state != BLOCK_LIVE || b->tainted || !b->usable_known || address < b->start)
		return false;
	uint64_t off = address - b->start;

	if (off < b->size || off >= b->usable)
		return false;
	report(&j, (struct verdict_kind){FINDING_SHORT_USABLE, RULE_USABLE_FAULT},
	       (const uint64_t[6]){b->start, b->size, b->usable, off});
	blocks_taint(m, b);
	return true;
}
