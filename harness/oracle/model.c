#include "harness/oracle/model.h"

#include <assert.h>
#include <errno.h>

#include "harness/oracle/model_internal.h"

/* A large block touched whole takes three; joined or forgotten beyond that. */
static uint32_t extent_capacity(const struct model_options *o)
{
	return 3 * o->block_slots + EXTENTS_PER_BLOCK;
}

size_t model_arena_bytes(const struct model_options *o)
{
	return sizeof(struct model) + (size_t)o->block_slots * sizeof(struct block) +
	       2 * _Alignof(max_align_t) + extent_pool_arena_bytes(extent_capacity(o));
}

int model_new(struct arena *a, const struct model_options *o, struct model **ret_model)
{
	const size_t align = _Alignof(max_align_t);
	struct model *m = arena_take(a, sizeof(*m), align);
	struct block *blocks = arena_take(a, o->block_slots * sizeof(*blocks), align);
	int err;

	if (!m || !blocks)
		return -ENOMEM;
	*m = (struct model){.options = *o, .blocks = blocks};
	RB_INIT(&m->sound);
	RB_INIT(&m->tainted);
	err = extent_pool_init(&m->extents, a, extent_capacity(o));
	if (!err)
		*ret_model = m;
	return err;
}

/* Ids are never 0, differ within a run, and look unrelated between seeds. */
uint64_t model_next_id(struct model *m)
{
	return (m->options.seed + ++m->ids) * UINT64_C(0xd1342543de82ef95) | 1;
}

void model_live(const struct model *m, uint64_t *ret_blocks, uint64_t *ret_bytes)
{
	*ret_blocks = m->live_blocks;
	*ret_bytes = m->live_bytes;
}

uint64_t model_live_peak(const struct model *m)
{
	return m->live_peak_bytes;
}

uint64_t model_extents_forgotten(const struct model *m)
{
	return m->extents.forgotten;
}

static void block_forget(struct model *m, struct block *b)
{
	extents_drop(&m->extents, &b->extents);
	*b = (struct block){0};
}

bool model_forget_shared(struct model *m, uint32_t slot)
{
	struct block *b = &m->blocks[slot];

	if (b->state != BLOCK_LIVE || !blocks_share_start(b))
		return false;
	blocks_take(m, b);
	block_forget(m, b);
	return true;
}

void model_abandon(struct model *m, uint32_t slot)
{
	struct block *b = &m->blocks[slot];

	if (b->state == BLOCK_LIVE)
		blocks_take(m, b);
	if (b->state != BLOCK_NONE)
		block_forget(m, b);
}

static bool takes_block(unsigned code)
{
	return op_frees(code) || code == OP_REALLOC || code == OP_REALLOCARRAY;
}

bool model_realloc_zero_freed(const struct call_event *e)
{
	unsigned code = e->op->code;
	bool zero = (code == OP_REALLOC && e->op->arg0 == 0) ||
		    (code == OP_REALLOCARRAY && (e->op->arg0 == 0 || e->op->arg1 == 0));

	return zero && e->before && !e->ret && e->errno_after == e->errno_before;
}

void oracle_before(struct model *m, const struct call_event *e, struct finding_sink *sink)
{
	struct judge j = {m, e, sink};

	if (!takes_block(e->op->code) || !e->before)
		return;
	struct block *b = &m->blocks[e->slot];

	if (b->state != BLOCK_LIVE)
		return;
	judge_usable_stable(&j, b);
	judge_content(&j, b, (struct verdict_kind){FINDING_CORRUPTED, RULE_CONTENT_CHANGED});
	blocks_take(m, b);
}

/* A realloc that failed: the block lives on where it was. */
static void old_block_lives(const struct judge *j, struct block *b)
{
	judge_place(j, b);
	blocks_place(j->m, b);
	judge_content(j, b,
		      (struct verdict_kind){FINDING_LOST_CONTENT, RULE_CONTENT_FAILED_REALLOC});
}

static void judge_accepted(const struct judge *j, const struct request *r)
{
	uintptr_t start = (uintptr_t)j->e->ret;

	if (r->absurd && r->product)
		report(j, (struct verdict_kind){FINDING_ACCEPTED_OVERFLOW, RULE_OVERFLOW_PRODUCT},
		       (const uint64_t[6]){start, r->count, r->size});
	else if (r->absurd)
		report(j, (struct verdict_kind){FINDING_ACCEPTED_OVERFLOW, RULE_OVERFLOW_SIZE},
		       (const uint64_t[6]){start, r->size});
	else if (r->class == ALIGN_BAD && !outcome_allows(&j->e->op->outcomes, 0))
		report(j,
		       (struct verdict_kind){FINDING_ACCEPTED_BAD_ALIGNMENT,
					     RULE_ALIGNMENT_ACCEPTED},
		       (const uint64_t[6]){start, r->align, r->size});
}

static void block_begin(struct model *m, struct block *b, const struct call_event *e,
			const struct request *r)
{
	uint64_t kept = b->size < r->bytes ? b->size : r->bytes;

	if (e->usable_known && e->usable < kept)
		kept = e->usable;
	if (b->state == BLOCK_HELD && !b->tainted)
		extents_cut(&m->extents, &b->extents, kept);
	else
		extents_drop(&m->extents, &b->extents);
	*b = (struct block){
		.start = (uintptr_t)e->ret,
		.size = r->absurd ? 0 : r->bytes,
		.usable = e->usable,
		.usable_known = e->usable_known,
		.id = b->extents ? b->id : model_next_id(m),
		.extents = b->extents,
	};
}

/* The block stands in its tree before its bytes are looked at: that may fault. */
static void new_block(const struct judge *j, const struct request *r)
{
	struct block *b = &j->m->blocks[j->e->slot];

	assert(b->state != BLOCK_LIVE);
	block_begin(j->m, b, j->e, r);
	judge_accepted(j, r);
	if (r->absurd) {
		blocks_taint(j->m, b);
	} else {
		judge_alignment(j, r);
		judge_place(j, b);
	}
	blocks_place(j->m, b);
	if (b->tainted)
		return;
	judge_usable_short(j, b);
	if (j->e->op->code == OP_CALLOC)
		judge_zero(j, b);
	judge_content(j, b, (struct verdict_kind){FINDING_LOST_CONTENT, RULE_CONTENT_REALLOC});
}

static void after_allocation(const struct judge *j)
{
	struct request r = request_of(j->e, j->m->options.page_bytes);
	struct block *b = &j->m->blocks[j->e->slot];

	if (j->e->op->code == OP_POSIX_MEMALIGN)
		judge_posix_memalign(j, &r);
	else if (!j->e->ret)
		judge_null(j, &r);
	if (j->e->ret)
		new_block(j, &r);
	else if (b->state == BLOCK_HELD && model_realloc_zero_freed(j->e))
		block_forget(j->m, b);
	else if (b->state == BLOCK_HELD)
		old_block_lives(j, b);
}

void oracle_after(struct model *m, const struct call_event *e, struct finding_sink *sink)
{
	struct judge j = {m, e, sink};

	switch (e->op->code) {
	case OP_FREE:
	case OP_FREE_SIZED:
	case OP_FREE_ALIGNED_SIZED:
		judge_errno_free(&j);
		if (e->before && m->blocks[e->slot].state == BLOCK_HELD)
			block_forget(m, &m->blocks[e->slot]);
		break;
	case OP_USABLE:
		judge_usable_call(&j);
		break;
	case OP_TRIM:
		if (e->result != 0 && e->result != 1)
			report(&j,
			       (struct verdict_kind){FINDING_UNEXPECTED_RESULT, RULE_TRIM_RESULT},
			       (const uint64_t[6]){(uint64_t)(int64_t)e->result});
		break;
	default:
		if (op_is_block_call(e->op->code))
			after_allocation(&j);
	}
}

void oracle_end(struct model *m, const struct call_event *e, struct finding_sink *sink)
{
	struct judge j = {m, e, sink};

	for (uint32_t i = 0; i < m->options.block_slots; i++) {
		struct block *b = &m->blocks[i];

		if (b->state == BLOCK_LIVE && !b->tainted)
			judge_content(
				&j, b,
				(struct verdict_kind){FINDING_CORRUPTED, RULE_CONTENT_CHANGED});
	}
}
