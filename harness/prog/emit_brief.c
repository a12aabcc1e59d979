/* The C of programs that only allocate, write and free, on one thread: helpers of emit/brief.h. */
#include "harness/prog/emit_priv.h"

/* Each block is compared with all others. */
#define MOST_SLOTS 4096
/* A call that takes two times as long does not return. */
#define TICK_SECONDS "5"

static const struct brief_call {
	const char *function;
	unsigned numbers; /* arguments beside the slot */
	bool looks;	  /* the block goes in: what it holds is judged before */
} brief_calls[OP_CODES] = {
	[OP_MALLOC] = {"take_malloc", 1, false},
	[OP_CALLOC] = {"take_calloc", 2, false},
	[OP_REALLOC] = {"take_realloc", 1, false},
	[OP_REALLOCARRAY] = {"take_reallocarray", 2, false},
	[OP_ALIGNED_ALLOC] = {"take_aligned_alloc", 2, false},
	[OP_POSIX_MEMALIGN] = {"take_posix_memalign", 2, false},
	[OP_MEMALIGN] = {"take_memalign", 2, false},
	[OP_VALLOC] = {"take_valloc", 1, false},
	[OP_PVALLOC] = {"take_pvalloc", 1, false},
	[OP_FREE] = {"give_free", 0, true},
	[OP_USABLE] = {"ask_usable_of", 0, false},
	[OP_TOUCH] = {"write_held", 0, false},
};

bool emit_fits_brief(const struct op *op)
{
	if (op->code == OP_REPEAT || op->code == OP_END)
		return op->thread == 0;
	return op->space == SPACE_BLOCK && op->thread == 0 && !op->outcomes.present &&
	       !op->has_range && brief_calls[op->code].function;
}

bool emit_is_brief(const struct emit *e)
{
	const struct prog_info *info = &e->info;

	return !e->uses.is_long && info->has_block_ops && !info->header.has_ballast &&
	       !info->header.nneeds && info->block_slots <= MOST_SLOTS;
}

void emit_brief_slots(struct emit *e)
{
	struct text *t = &e->line;

	emit_str(e, "\n/* The program. */");
	text_str(t, "struct held held[");
	text_u64(t, e->info.block_slots ? e->info.block_slots : 1);
	emit_str(e, "];");
	text_str(t, "const unsigned held_count = ");
	text_u64(t, e->info.block_slots);
	emit_str(e, ";");
}

void emit_brief_start(struct emit *e)
{
	emit_str(e, "begin_held(" TICK_SECONDS ");");
	if (!e->options->judge_growth)
		return;
	emit_str(e, "for (unsigned round = 0; round < GROWTH_ROUNDS; round++) {");
	e->depth++;
}

static void put_slot(struct text *t, const struct op *op)
{
	if (op->slice.single)
		text_u64(t, op->slice.start);
	else
		text_str(t, "i");
}

static void put_call(struct text *t, const struct op *op)
{
	const struct brief_call *call = &brief_calls[op->code];

	text_str(t, call->function);
	text_str(t, "(");
	put_slot(t, op);
	if (call->numbers > 0) {
		text_str(t, ", ");
		emit_number(t, op->arg0);
	}
	if (call->numbers > 1) {
		text_str(t, ", ");
		emit_number(t, op->arg1);
	}
	text_str(t, ");");
}

/* What was never written need not be looked at. */
static bool looks(const struct emit *e, const struct op *op)
{
	return brief_calls[op->code].looks && emit_uses_op(e, OP_TOUCH);
}

void emit_brief_statement(struct emit *e, const struct op *op)
{
	struct text *t = &e->line;

	if (slice_is_empty(&op->slice)) {
		emit_str(e, "/* no slots */");
		return;
	}
	text_str(t, "at_line = ");
	text_u64(t, op->line);
	text_str(t, "; ");
	emit_slice(t, &op->slice);
	if (looks(e, op)) {
		text_str(t, "{ look_at_held(");
		put_slot(t, op);
		text_str(t, "); ");
	}
	put_call(t, op);
	if (looks(e, op))
		text_str(t, " }");
	emit_line(e);
}

void emit_brief_end(struct emit *e)
{
	if (e->options->judge_growth) {
		emit_str(e, "judge_growth(round);");
		e->depth--;
		emit_str(e, "}");
	}
	if (emit_uses_op(e, OP_TOUCH))
		emit_str(e, "look_at_all_held();");
	if (e->info.header.nfaults)
		emit_str(e, "leave_out_faults();");
	emit_str(e, "return end_held();");
}
