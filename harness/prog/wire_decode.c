#include <string.h>
#include <sys/mman.h>

#include "harness/prog/wire_item.h"

#define OPEN_MAX 64 /* blocks, with those that were left out */

/* A block that stands open. `in_program` is unset where its opening was left out. */
struct open_block {
	uint64_t rounds; /* of its body */
	uint32_t stmt;
	uint8_t code, thread, in_fork, in_parallel, in_program;
};

/* open[0] is the program itself, on thread 0. */
struct decoder {
	const struct wire_limits *limits;
	struct program *p;
	size_t max_ops;
	uint32_t depth;	   /* of the text: blocks in the program */
	uint32_t nopen;	   /* with those left out and the program */
	uint64_t not_kept; /* openings beyond OPEN_MAX */
	uint32_t stmt;
	bool touching;
	struct wire_spent spent;
	struct open_block open[OPEN_MAX];
};

/* What the blocks left out are inside of counts. */
static const struct open_block *innermost(const struct decoder *d)
{
	uint32_t at = d->nopen - 1;

	while (!d->open[at].in_program)
		at--;
	return &d->open[at];
}

/* In a child, and in blocks of a parallel section, everything runs on the thread of the block. */
static bool thread_is_fixed(const struct open_block *in)
{
	return in->in_fork || (in->in_parallel && in->code != OP_PARALLEL);
}

static uint8_t thread_of(const struct decoder *d, const struct open_block *in,
			 const struct wire_item *item)
{
	if (thread_is_fixed(in))
		return in->thread;
	if (item->has_thread)
		return (uint8_t)(item->op.thread % d->limits->threads);
	if (in->code == OP_PARALLEL)
		return (uint8_t)(item->lane % d->limits->threads);
	if (item->kind == OP_EXIT && in->thread == 0 && d->limits->threads > 1)
		return 1;
	return in->thread;
}

/* The rules of parse_op.c about places. */
static bool may_stand(const struct decoder *d, const struct open_block *in, const struct op *op)
{
	size_t room = d->max_ops - d->p->nops;

	if (room < d->depth + 1u + op_opens_block(op->code))
		return false;
	switch (op->code) {
	case OP_EXIT:
		return !in->in_fork && op->thread != 0;
	case OP_PARALLEL:
		return !in->in_fork && !in->in_parallel && d->depth < d->limits->depth;
	case OP_REPEAT:
	case OP_WHEN:
	case OP_FORK:
		return d->depth < d->limits->depth;
	case OP_CHECKPOINT:
	case OP_EXPECT:
		return !in->in_parallel;
	default:
		return true;
	}
}

static void put_op(struct decoder *d, const struct op *op, uint32_t stmt)
{
	struct op *to = &d->p->ops[d->p->nops++];

	memcpy(to, op, sizeof(*to));
	to->stmt = stmt;
}

static void open_block(struct decoder *d, const struct open_block *block)
{
	if (d->nopen == OPEN_MAX) {
		d->not_kept++;
		return;
	}
	d->open[d->nopen++] = *block;
	d->depth += block->in_program;
}

static void close_block(struct decoder *d)
{
	if (d->not_kept) {
		d->not_kept--;
		return;
	}
	if (d->nopen == 1)
		return;
	const struct open_block *block = &d->open[--d->nopen];
	struct op end;

	if (!block->in_program)
		return;
	memset(&end, 0, sizeof(end));
	end.code = OP_END;
	end.thread = block->thread;
	d->depth--;
	put_op(d, &end, block->stmt);
}

static uint64_t clip_rounds(const struct wire_limits *limits, uint64_t outer, struct op *op)
{
	uint64_t rounds;

	if (op->code != OP_REPEAT)
		return outer;
	if (limits->rounds != UINT64_MAX && outer && op->arg0 > limits->rounds / outer)
		op->arg0 = limits->rounds / outer;
	return __builtin_mul_overflow(outer, op->arg0, &rounds) ? UINT64_MAX : rounds;
}

/* Puts an op where it stands, when it may. */
static bool place_op(struct decoder *d, const struct open_block *in, struct op *op)
{
	bool opens = op_opens_block(op->code);
	uint64_t rounds = clip_rounds(d->limits, in->rounds, op);

	/* A block needs a place among those that are remembered. */
	if ((opens && d->nopen == OPEN_MAX) || !may_stand(d, in, op) ||
	    !wire_spend(d->limits, &d->spent, in->rounds, op))
		return false;
	struct open_block block = {
		.rounds = rounds,
		.stmt = d->stmt,
		.code = op->code,
		.thread = op->thread,
		.in_fork = in->in_fork | (op->code == OP_FORK),
		.in_parallel = in->in_parallel | (op->code == OP_PARALLEL),
		.in_program = 1,
	};

	put_op(d, op, d->stmt++);
	if (opens)
		open_block(d, &block);
	return true;
}

static bool gets_touched(const struct op *op)
{
	if (op->code == OP_MMAP)
		return op->map.prot & PROT_WRITE;
	return op_fills_slot(op->code) || op->code == OP_REALLOC || op->code == OP_REALLOCARRAY;
}

static void place_touch(struct decoder *d, const struct open_block *in, const struct op *of)
{
	struct op op;

	memset(&op, 0, sizeof(op));
	op.code = OP_TOUCH;
	op.space = of->space;
	op.thread = of->thread;
	op.slice = of->slice;
	if (wire_limit_op(d->limits, &op))
		place_op(d, in, &op);
}

static void decode_op(struct decoder *d, const struct wire_item *item)
{
	const struct open_block *in = innermost(d);
	struct op op;

	if (item->kind == OP_END) {
		close_block(d);
		return;
	}
	memcpy(&op, &item->op, sizeof(op));
	op.thread = thread_of(d, in, item);
	bool placed = wire_limit_op(d->limits, &op) && place_op(d, in, &op);

	/* Its close will come: that must not close another block. */
	if (!placed && op_opens_block(item->kind))
		open_block(d, &(struct open_block){.code = item->kind});
	if (placed && d->touching && gets_touched(&op))
		place_touch(d, in, &op);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t result;

	return __builtin_add_overflow(a, b, &result) ? UINT64_MAX : result;
}

static void decode_fault(struct decoder *d, const struct wire_item *item)
{
	struct prog_header *h = &d->p->header;
	struct fault_plan f = item->fault;

	if (h->nfaults >= d->limits->faults || h->nfaults >= PROG_MAX_FAULTS)
		return;
	if (item->from_here) {
		f.from_stmt = sum(f.from_stmt, d->stmt);
		f.to_stmt = f.to_stmt == UINT64_MAX ? UINT64_MAX : sum(f.to_stmt, d->stmt);
	}
	if (f.from_stmt > f.to_stmt)
		f.to_stmt = f.from_stmt;
	wire_limit_fault(d->limits, &f);
	h->faults[h->nfaults++] = f;
}

static void decode_header(struct decoder *d, const struct wire_item *item)
{
	struct prog_header *h = &d->p->header;

	if (item->kind == WIRE_FAULT)
		decode_fault(d, item);
	if (item->kind == WIRE_BALLAST && !h->has_ballast) {
		h->has_ballast = 1;
		h->ballast =
			item->op.arg0 < d->limits->ballast ? item->op.arg0 : d->limits->ballast;
	}
	if (item->kind == WIRE_NEEDS && h->nneeds < d->limits->needs && h->nneeds < PROG_MAX_NEEDS)
		h->needs[h->nneeds++] = item->op.fact;
}

/* What holds for all of the input: whether to touch, and the size of the largest block. */
static void look_ahead(struct decoder *d, struct wire_bytes in)
{
	struct wire_item item;
	size_t at = 0;

	while (wire_item_next(in, &at, &item)) {
		d->touching |= item.kind == WIRE_TOUCHING;
		if (item.kind >= OP_CODES || !wire_limit_op(d->limits, &item.op))
			continue;
		uint64_t bytes = wire_op_reserved(&item.op);

		if (bytes > d->spent.largest)
			d->spent.largest = bytes;
	}
}

void wire_decode(struct wire_bytes in, const struct wire_limits *limits, struct program *p)
{
	struct decoder d = {.limits = limits, .p = p, .nopen = 1};
	struct wire_item item;
	size_t at = 0;

	d.open[0] = (struct open_block){.rounds = 1, .in_program = 1};
	d.max_ops = limits->ops < p->max_ops ? limits->ops : p->max_ops;
	p->nops = 0;
	memset(&p->header, 0, sizeof(p->header));
	look_ahead(&d, in);
	while (wire_item_next(in, &at, &item))
		if (item.kind < OP_CODES)
			decode_op(&d, &item);
		else
			decode_header(&d, &item);
	d.not_kept = 0;
	while (d.nopen > 1)
		close_block(&d);
}
