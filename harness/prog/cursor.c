#include "harness/prog/cursor.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

/*
 * Parsed ops are numbered in the order in which they were parsed, from 1; the numbers never go
 * back. The window holds those from `low` up to `high`, one unbroken piece of the text that ends
 * where the reader stands. Reading again from an earlier place starts the window anew, so the
 * number of a loop's body is at or above `low` exactly when the body is still there.
 *
 * Ops are replayed only in a loop whose end was the last op parsed, so all blocks inside it are in
 * the window from end to end.
 */
struct frame {
	uint64_t body;	 /* number of the block's first op */
	uint64_t handed; /* ops handed out when the round began */
	uint64_t round, rounds;
	uint32_t code, stmt;
	bool outermost;	       /* in no block but `when`, which is no part of the shape of a run */
	struct prog_mark mark; /* of the body; set while the block was being parsed */
};

struct cursor {
	uint64_t at; /* number of the next op, at most `high` */
	uint64_t low, high;
	uint64_t last;	 /* the op that the caller holds */
	uint64_t handed; /* ops handed out in all */
	uint32_t depth, stretch;
	uint64_t outer_round; /* of a section: of the repeat around it */
	uint32_t thread;      /* of a section: whose lines it hands out */
	bool section, over;   /* it has come to its end */
	int fd;
	struct cursor_round ended;
	struct frame frame[PROG_MAX_DEPTH];
	struct prog_reader reader;
	struct op window[CURSOR_WINDOW];
	off_t behind[CURSOR_WINDOW]; /* where in the text the next statement begins */
};

_Static_assert((CURSOR_WINDOW & (CURSOR_WINDOW - 1)) == 0, "numbers are masked into the window");

static struct op *window_at(struct cursor *c, uint64_t number)
{
	return &c->window[number & (CURSOR_WINDOW - 1)];
}

size_t cursor_arena_bytes(void)
{
	return sizeof(struct cursor) + _Alignof(struct cursor);
}

int cursor_new(struct arena *a, int fd, struct cursor **ret_cursor, struct prog_error *err)
{
	struct cursor *c = arena_take(a, sizeof(*c), _Alignof(struct cursor));

	if (!c) {
		*err = (struct prog_error){.message = "no memory for the cursor"};
		return -ENOMEM;
	}
	c->fd = fd;
	c->stretch = 1;
	int ret = cursor_rewind(c, err);

	if (ret)
		return ret;
	*ret_cursor = c;
	return 0;
}

int cursor_new_section(struct arena *a, struct cursor **ret_cursor)
{
	struct cursor *c = arena_take(a, sizeof(*c), _Alignof(struct cursor));

	if (!c)
		return -ENOMEM;
	c->over = true;
	*ret_cursor = c;
	return 0;
}

int cursor_rewind(struct cursor *c, struct prog_error *err)
{
	c->at = c->low = c->high = 1;
	c->last = c->handed = c->depth = 0;
	c->section = c->over = false;
	c->ended = (struct cursor_round){0};
	return prog_reader_init(&c->reader, c->fd, err);
}

void cursor_stretch(struct cursor *c, uint32_t times)
{
	c->stretch = times;
}

const struct cursor_round *cursor_last_round(const struct cursor *c)
{
	return &c->ended;
}

/* Parses the next op into the window. Returns 1 at the end of the text. */
static int cursor_parse(struct cursor *c, struct prog_error *err)
{
	/* A long way without an op for the caller, whose op is still in use: step around it. */
	if (window_at(c, c->high) == window_at(c, c->last))
		c->at = c->low = ++c->high;
	int ret = prog_reader_next(&c->reader, window_at(c, c->high), err);

	if (ret)
		return ret;
	c->behind[c->high & (CURSOR_WINDOW - 1)] = c->reader.at.offset;
	c->high++;
	if (c->high - c->low > CURSOR_WINDOW)
		c->low = c->high - CURSOR_WINDOW;
	return 0;
}

/* The next op of the text, in text order. */
static int cursor_step(struct cursor *c, const struct op **ret_op, struct prog_error *err)
{
	if (c->at == c->high) {
		int ret = cursor_parse(c, err);

		if (ret)
			return ret;
	}
	*ret_op = window_at(c, c->at++);
	return 0;
}

/* Goes behind the end of the block that was just entered. */
static int cursor_pass(struct cursor *c, struct prog_error *err)
{
	const struct op *op;

	for (unsigned depth = 1; depth;) {
		int ret = cursor_step(c, &op, err);

		if (ret)
			return ret;
		if (op_opens_block(op->code))
			depth++;
		else if (op->code == OP_END)
			depth--;
	}
	return 0;
}

static void cursor_enter(struct cursor *c, const struct op *op)
{
	struct frame *f = &c->frame[c->depth++];
	const struct frame *around = c->depth > 1 ? f - 1 : NULL;

	f->code = op->code;
	f->outermost = !around || (around->outermost && around->code == OP_WHEN);
	f->stmt = op->stmt;
	f->body = c->at;
	f->handed = c->handed;
	f->round = 0;
	f->rounds = op->code == OP_REPEAT ? op->arg0 : 1;
	if (op->code == OP_REPEAT && f->outermost &&
	    __builtin_mul_overflow(f->rounds, c->stretch, &f->rounds))
		f->rounds = UINT64_MAX;
	if (c->at == c->high)
		f->mark = c->reader.at;
}

/* Starts the next round of a repeat. */
static void cursor_loop(struct cursor *c, struct frame *f)
{
	f->round++;
	f->handed = c->handed;
	if (f->body < c->low) {
		prog_reader_seek(&c->reader, &f->mark);
		c->low = c->high;
		f->body = c->high;
	}
	c->at = f->body;
}

static void cursor_note_round(struct cursor *c, const struct frame *f)
{
	c->ended = (struct cursor_round){
		.ends = c->ended.ends + 1,
		.round = f->round,
		.rounds = f->rounds,
		.stmt = f->stmt,
		.last = f->round + 1 >= f->rounds,
	};
}

/* At the end of a block. Returns whether the caller gets to see it. */
static bool cursor_leave(struct cursor *c)
{
	struct frame *f = &c->frame[c->depth - 1];

	if (f->code != OP_REPEAT) {
		c->depth--;
		return f->code != OP_WHEN;
	}
	if (f->outermost)
		cursor_note_round(c, f);
	/* A round without an op is like all that follow: there may be 2^64 of them. */
	if (c->handed == f->handed || f->round + 1 >= f->rounds)
		c->depth--;
	else
		cursor_loop(c, f);
	return false;
}

static int cursor_hand(struct cursor *c, const struct op *op, const struct op **ret_op)
{
	c->last = c->at - 1;
	/* Facts stay as they are, so a round that asks for them alone is like all that follow. */
	c->handed += op->code != OP_WHEN;
	*ret_op = op;
	return 0;
}

static bool is_leaf(unsigned code)
{
	return code < OP_REPEAT || code > OP_END;
}

/* Of a section the lines of one thread; what stands in a block is of the block's. */
static bool is_wanted(const struct cursor *c, const struct op *op)
{
	return !c->section || op->thread == c->thread;
}

int cursor_next(struct cursor *c, const struct op **ret_op, struct prog_error *err)
{
	const struct op *op;

	if (c->over)
		return 1;
	/* Most calls end here: loops run out of the window. */
	if (__builtin_expect(c->at < c->high, 1)) {
		op = window_at(c, c->at);
		if (is_leaf(op->code) && is_wanted(c, op)) {
			c->last = c->at++;
			c->handed++;
			*ret_op = op;
			return 0;
		}
	}
	for (;;) {
		int ret = cursor_step(c, &op, err);

		if (ret)
			return ret;
		if (op->code == OP_END && c->section && c->depth == 0) {
			c->over = true;
			return 1;
		}
		if (!is_wanted(c, op)) {
			ret = op_opens_block(op->code) ? cursor_pass(c, err) : 0;
			if (ret)
				return ret;
			continue;
		}
		if (op_opens_block(op->code)) {
			cursor_enter(c, op);
			if (op->code != OP_REPEAT)
				return cursor_hand(c, op, ret_op);
			if (op->arg0)
				continue;
			c->depth--;
			ret = cursor_pass(c, err);
			if (ret)
				return ret;
		} else if (op->code != OP_END || cursor_leave(c)) {
			return cursor_hand(c, op, ret_op);
		}
	}
}

int cursor_skip_block(struct cursor *c, struct prog_error *err)
{
	assert(c->depth && c->frame[c->depth - 1].code != OP_REPEAT && c->at == c->last + 1);
	int ret = cursor_pass(c, err);

	if (ret == 0)
		c->depth--;
	return ret;
}

void cursor_section(const struct cursor *from, uint32_t thread, struct cursor *section)
{
	const struct op *op = &from->window[from->last & (CURSOR_WINDOW - 1)];
	struct prog_mark *at = &section->reader.at;

	assert(op->code == OP_PARALLEL);
	section->at = section->low = section->high = 1;
	section->last = section->handed = section->depth = 0;
	section->ended = (struct cursor_round){0};
	section->stretch = 1;
	section->outer_round = cursor_iteration(from);
	section->thread = thread;
	section->section = true;
	section->over = false;
	section->fd = section->reader.fd = from->fd;
	section->reader.buf_len = section->reader.eof = 0;
	section->reader.buf_offset = 0;
	*at = (struct prog_mark){
		.offset = from->behind[from->last & (CURSOR_WINDOW - 1)],
		.line = op->line + 1,
		.stmt = op->stmt + 1,
		.depth = 1,
	};
	at->block[0].stmt = op->stmt;
	at->block[0].line = op->line;
	at->block[0].code = OP_PARALLEL;
	at->block[0].thread = op->thread;
	at->block[0].in_parallel = 1;
}

uint64_t cursor_iteration(const struct cursor *c)
{
	for (uint32_t i = c->depth; i > 0; i--)
		if (c->frame[i - 1].code == OP_REPEAT)
			return c->frame[i - 1].round;
	return c->section ? c->outer_round : 0;
}
