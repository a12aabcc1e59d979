/*
 * Statements dropped, in chunks and one by one, and blocks unwrapped.
 */
#include <string.h>

#include "harness/cli/shrink_priv.h"

/* Of a longer loop the rounds are hardly what matters. */
#define MOST_ROTATIONS 8
/* Large chunks are parts of so many of a program. */
#define COARSE 8

size_t shrink_behind(const struct program *p, size_t i)
{
	size_t depth = 0;

	do {
		depth += op_opens_block(p->ops[i].code);
		depth -= p->ops[i].code == OP_END;
		i++;
	} while (depth && i < p->nops);
	return i;
}

/* Of the statements that stay, how many have a smaller number. */
static uint64_t left_before(const struct program *p, uint64_t stmt)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->nops; i++) {
		const struct op *op = &p->ops[i];

		n += op->code != SHRINK_DEAD && op->code != OP_END && op->stmt < stmt;
	}
	return n;
}

/* Whether any of its statements stays. */
static bool fault_follows(const struct program *p, struct fault_plan *f)
{
	if (f->from_stmt == 0 && f->to_stmt == UINT64_MAX)
		return true;
	uint64_t first = left_before(p, f->from_stmt);
	uint64_t behind = left_before(p, f->to_stmt == UINT64_MAX ? f->to_stmt : f->to_stmt + 1);

	if (first == behind)
		return false;
	f->from_stmt = first;
	if (f->to_stmt != UINT64_MAX)
		f->to_stmt = behind - 1;
	return true;
}

void shrink_compact(struct program *p)
{
	struct prog_header *h = &p->header;
	uint32_t faults = 0, stmt = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < h->nfaults; i++)
		if (fault_follows(p, &h->faults[i]))
			h->faults[faults++] = h->faults[i];
	h->nfaults = faults;
	for (size_t i = 0; i < p->nops; i++) {
		if (p->ops[i].code == SHRINK_DEAD)
			continue;
		p->ops[n] = p->ops[i];
		if (p->ops[n].code != OP_END)
			p->ops[n].stmt = stmt++;
		n++;
	}
	p->nops = n;
}

/* An open block, as the parser sees it. */
struct place {
	uint8_t code, thread;
	bool in_fork, in_parallel;
};

static bool place_is_right(const struct place *in, const struct op *op)
{
	unsigned code = op->code;
	bool one_thread = in->in_fork || (in->in_parallel && in->code != OP_PARALLEL);

	if (one_thread && op->thread != in->thread)
		return false;
	if (code == OP_EXIT)
		return !in->in_fork && op->thread != 0;
	if (code == OP_PARALLEL)
		return !in->in_fork && !in->in_parallel;
	return !in->in_parallel || (code != OP_CHECKPOINT && code != OP_EXPECT);
}

bool shrink_places_are_right(const struct program *p)
{
	struct place open[PROG_MAX_DEPTH + 1] = {{0}};
	size_t depth = 0;

	for (size_t i = 0; i < p->nops; i++) {
		const struct op *op = &p->ops[i];
		const struct place *in = &open[depth];

		if (op->code == OP_END) {
			if (depth-- == 0)
				return false;
			continue;
		}
		if (!place_is_right(in, op))
			return false;
		if (!op_opens_block(op->code))
			continue;
		if (depth == PROG_MAX_DEPTH)
			return false;
		open[depth + 1] = (struct place){
			.code = op->code,
			.thread = op->thread,
			.in_fork = in->in_fork || op->code == OP_FORK,
			.in_parallel = in->in_parallel || op->code == OP_PARALLEL,
		};
		depth++;
	}
	return depth == 0;
}

static bool try_drop(struct shrink *s, size_t begin, size_t end)
{
	struct program *p = shrink_trial(s);

	for (size_t i = begin; i < end; i++)
		p->ops[i].code = SHRINK_DEAD;
	shrink_compact(p);
	return shrink_try(s);
}

size_t shrink_list(struct shrink *s, size_t begin)
{
	const struct program *p = &s->best;
	size_t n = 0, i = begin;

	while (i < p->nops && p->ops[i].code != OP_END) {
		s->starts[n++] = i;
		i = shrink_behind(p, i);
	}
	s->starts[n] = i;
	return n;
}

/* From the end on: what comes after a finding goes at once. */
static bool drop_chunks(struct shrink *s, size_t begin, size_t size)
{
	bool kept = false;
	size_t low;

	for (size_t high = shrink_list(s, begin); high && !s->stop; high = low) {
		low = high > size ? high - size : 0;
		kept |= try_drop(s, s->starts[low], s->starts[high]);
	}
	return kept;
}

bool shrink_pass_drop_chunks(struct shrink *s)
{
	size_t n = shrink_list(s, 0);
	bool kept = false;

	for (size_t size = n; size && size >= n / COARSE && !s->stop; size /= 2)
		kept |= drop_chunks(s, 0, size);
	return kept;
}

static bool drop_in_list(struct shrink *s, size_t begin)
{
	size_t size = shrink_list(s, begin);
	bool kept = false;

	for (; size && !s->stop; size = size == 1 ? 0 : (size + 1) / 2)
		kept |= drop_chunks(s, begin, size);
	return kept;
}

bool shrink_pass_drop(struct shrink *s)
{
	bool kept = drop_in_list(s, 0);

	for (size_t i = 0; i < s->best.nops && !s->stop; i++)
		if (op_opens_block(s->best.ops[i].code))
			kept |= drop_in_list(s, i + 1);
	return kept;
}

static bool try_unwrap(struct shrink *s, size_t i)
{
	struct program *p = shrink_trial(s);

	p->ops[shrink_behind(p, i) - 1].code = SHRINK_DEAD;
	p->ops[i].code = SHRINK_DEAD;
	shrink_compact(p);
	return shrink_try(s);
}

/* A loop's body once, from its `first` statement on and then those before it. */
static bool try_rotated(struct shrink *s, size_t i, size_t first)
{
	size_t n = shrink_list(s, i + 1), begin = s->starts[0], end = s->starts[n];
	size_t from = s->starts[first];
	struct program *p = shrink_trial(s);

	memcpy(p->ops + begin, s->best.ops + from, (end - from) * sizeof(*p->ops));
	memcpy(p->ops + begin + (end - from), s->best.ops + begin,
	       (from - begin) * sizeof(*p->ops));
	/* Statements in order, for faults: what moved takes the numbers of where it is now. */
	for (size_t j = begin; j < end; j++)
		p->ops[j].stmt = s->best.ops[j].stmt;
	p->ops[i].code = p->ops[end].code = SHRINK_DEAD;
	shrink_compact(p);
	return shrink_try(s);
}

/* What the end of one round and the start of the next do. */
static bool unwrap_rotated(struct shrink *s, size_t i)
{
	size_t n = s->best.ops[i].code == OP_REPEAT ? shrink_list(s, i + 1) : 0;

	for (size_t first = 1; first < n && first <= MOST_ROTATIONS && !s->stop; first++)
		if (try_rotated(s, i, first))
			return true;
	return false;
}

bool shrink_pass_unwrap(struct shrink *s)
{
	bool kept = false;

	for (size_t i = 0; i < s->best.nops && !s->stop; i++)
		while (i < s->best.nops && op_opens_block(s->best.ops[i].code) &&
		       (try_unwrap(s, i) || unwrap_rotated(s, i)))
			kept = true;
	return kept;
}
