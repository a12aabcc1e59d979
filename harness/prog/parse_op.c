#include "harness/prog/parse_op.h"

#include <errno.h>

#include "harness/prog/form.h"
#include "harness/prog/names.h"
#include "harness/prog/parse_items.h"

/* An op's numbers go to arg0, then to arg1. */
static int parse_number(struct lexer *l, char item, uint64_t *ret_arg)
{
	struct word w = lex_word(l);

	if (item == ITEM_SIZE)
		return lex_size(l, w, ret_arg);
	if (item == ITEM_TIME)
		return lex_time(l, w, ret_arg);
	return lex_number(l, w, UINT64_MAX, item == ITEM_NUMBER ? "a number" : "a count", ret_arg);
}

static int parse_open(struct lexer *l)
{
	struct word w = lex_word(l);

	return word_is(w, "{") ? 0 : lex_fail(l, w, "'{'");
}

static int parse_item(struct lexer *l, char item, struct op *op)
{
	switch (item) {
	case ITEM_BLOCK:
		return parse_slots(l, SPACE_BLOCK, op);
	case ITEM_MAP:
		return parse_slots(l, SPACE_MAP, op);
	case ITEM_EITHER:
		return parse_slots(l, SPACE_NONE, op);
	case ITEM_PROT:
		return parse_prot(l, op);
	case ITEM_MAP_FLAGS:
		return parse_map_flags(l, op);
	case ITEM_MREMAP_FLAGS:
		return parse_mremap_flags(l, op);
	case ITEM_MSYNC_FLAGS:
		return parse_msync_flags(l, op);
	case ITEM_ADVICE:
		return parse_advice(l, op);
	case ITEM_RANGE:
		return parse_range(l, op);
	case ITEM_OUTCOMES:
		return parse_outcomes(l, op);
	case ITEM_ACCESS:
		return parse_access(l, op);
	case ITEM_NAME:
		return parse_name(l, op);
	case ITEM_EXPECT:
		return parse_expect(l, op);
	case ITEM_FACT:
		return parse_fact(l, false, &op->fact);
	case ITEM_OPEN:
		return parse_open(l);
	default:
		return -EINVAL;
	}
}

static bool is_number(char item)
{
	return item == ITEM_SIZE || item == ITEM_COUNT || item == ITEM_NUMBER || item == ITEM_TIME;
}

static int parse_items(struct lexer *l, struct op *op)
{
	uint64_t *arg = &op->arg0;

	for (const char *item = op_form(op->code); *item; item++) {
		bool number = is_number(*item);
		int ret = number ? parse_number(l, *item, arg) : parse_item(l, *item, op);

		if (number)
			arg = &op->arg1;
		if (ret)
			return ret;
	}
	return lex_end(l);
}

/* The leading `@1`, when there is one; `at` decides whether it may be there. */
static int parse_thread(struct lexer *l, const struct prog_mark *at, struct op *op)
{
	bool inside = at->depth > 0;
	struct word w = lex_peek(l);
	uint64_t thread;

	op->thread = inside ? at->block[at->depth - 1].thread : 0;
	if (w.len == 0 || w.text[0] != '@')
		return 0;
	lex_word(l);
	if (inside && at->block[at->depth - 1].in_fork)
		return lex_fail(l, w, "no '@' inside fork: its child has one thread");
	int ret = lex_number(l, (struct word){.text = w.text + 1, .len = w.len - 1},
			     PROG_MAX_THREADS - 1, "a thread from @0 to @255", &thread);

	if (ret)
		return ret;
	if (inside && at->block[at->depth - 1].in_parallel &&
	    at->block[at->depth - 1].code != OP_PARALLEL && thread != op->thread)
		return lex_fail(l, w, "the thread of the block: inside parallel it runs on one");
	if (word_is(lex_peek(l), "}"))
		return lex_fail(l, w, "'}' without a thread");
	op->thread = (uint8_t)thread;
	return 0;
}

/* Whether this op may stand where it does. */
static int check_place(const struct lexer *l, struct word w, const struct prog_mark *at,
		       const struct op *op)
{
	unsigned code = op->code;
	bool in_fork = at->depth && at->block[at->depth - 1].in_fork;
	bool in_parallel = at->depth && at->block[at->depth - 1].in_parallel;

	if (code == OP_EXIT && in_fork)
		return lex_fail(l, w, "no exit inside fork: its child has one thread");
	if (code == OP_EXIT && op->thread == 0)
		return lex_fail(l, w,
				"exit of another thread: '@1 exit'; thread 0 ends with the "
				"program");
	if (code == OP_PARALLEL && in_parallel)
		return lex_fail(l, w, "no parallel inside parallel");
	if (code == OP_PARALLEL && in_fork)
		return lex_fail(l, w, "no parallel inside fork: its child has one thread");
	if ((code == OP_CHECKPOINT || code == OP_EXPECT) && in_parallel)
		return lex_fail(l, w, "only ops, sleep, repeat, when and fork inside parallel");
	if (code == OP_END && at->depth == 0)
		return lex_fail(l, w, "an op: no block is open");
	if (op_opens_block(code) && at->depth == PROG_MAX_DEPTH)
		return lex_fail(l, w, "at most 16 blocks inside each other");
	return 0;
}

static int parse_code(struct lexer *l, const struct prog_mark *at, struct op *op)
{
	struct word w = lex_word(l);
	int code = op_by_name(w.text, w.len);

	if (code < 0 && (word_is(w, "ballast") || word_is(w, "fault") || word_is(w, "needs")))
		return lex_fail(l, w, "an op: header lines stand before the first one");
	if (code < 0)
		return lex_fail_near(l, w, "an op", parse_nearest(w, op_name));
	op->code = (uint8_t)code;
	return check_place(l, w, at, op);
}

int parse_op(struct lexer *l, const struct prog_mark *at, struct op *op)
{
	int ret = parse_thread(l, at, op);

	if (ret)
		return ret;
	ret = parse_code(l, at, op);
	if (ret)
		return ret;
	op->line = l->number;
	op->stmt = op->code == OP_END ? at->block[at->depth - 1].stmt : at->stmt;
	return parse_items(l, op);
}
