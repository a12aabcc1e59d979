/*
 * Statements that say together what one can say: equal ops on neighbouring slots, and loops whose
 * rounds could as well work on slots of their own.
 */
#include <string.h>

#include "harness/cli/shrink_priv.h"

/* Slots that a program has when each of its own became so many. */
#define MOST_SLOTS 70000

static bool fills_block(const struct op *op)
{
	return op->space == SPACE_BLOCK && op_fills_slot(op->code);
}

bool shrink_ops_are_alike(const struct op *a, const struct op *b)
{
	struct op x = *a, y = *b;

	if (fills_block(a) && fills_block(b))
		x.code = y.code;
	x.slice = y.slice = (struct slice){0};
	x.stmt = y.stmt = x.line = y.line = 0;
	x.arg0 = x.arg1 = y.arg0 = y.arg1 = 0;
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static uint32_t slots_in(const struct slice *s)
{
	return (s->stop - s->start + s->step - 1) / s->step;
}

static uint32_t last_of(const struct slice *s)
{
	return s->start + (slots_in(s) - 1) * s->step;
}

/* Of two slices one, if what is in either has one distance. */
static bool join_slices(const struct slice *a, const struct slice *b, struct slice *ret)
{
	if (slice_is_empty(a) || slice_is_empty(b))
		return false;
	const struct slice *low = a->start < b->start ? a : b, *high = low == a ? b : a;
	bool low_is_one = slots_in(low) == 1, high_is_one = slots_in(high) == 1;

	if (last_of(low) >= high->start)
		return false;
	uint32_t step = high->start - last_of(low);

	if ((!low_is_one && low->step != step) || (!high_is_one && high->step != step))
		return false;
	*ret = (struct slice){.start = low->start, .stop = last_of(high) + 1, .step = step};
	return true;
}

static bool is_on_slots(const struct op *op)
{
	return op->space != SPACE_NONE && !op_opens_block(op->code) && op->code != OP_END;
}

struct join {
	size_t into, other; /* ops: what stays, and what goes */
	const struct op *as;
	struct slice both;
};

static bool try_join_as(struct shrink *s, const struct join *j)
{
	struct op joined = *j->as;
	struct program *p = shrink_trial(s);

	joined.slice = j->both;
	joined.stmt = p->ops[j->into].stmt;
	p->ops[j->into] = joined;
	p->ops[j->other].code = SHRINK_DEAD;
	shrink_compact(p);
	return shrink_try(s);
}

/*
 * The second goes into the first, wherever in the same list it stands, or the other way round: what
 * is between them may have to stand before both.
 */
static bool try_join(struct shrink *s, size_t a, size_t b)
{
	const struct op ops[] = {s->best.ops[a], s->best.ops[b]};
	struct slice both;

	if (!shrink_ops_are_alike(&ops[0], &ops[1]) ||
	    !join_slices(&ops[0].slice, &ops[1].slice, &both))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		const struct join j = {i & 1 ? b : a, i & 1 ? a : b, &ops[i / 2], both};

		if (try_join_as(s, &j))
			return true;
	}
	return false;
}

bool shrink_pass_join(struct shrink *s)
{
	bool kept = false;

	for (size_t i = 0; i < s->best.nops && !s->stop; i++) {
		size_t j = i + 1;

		if (!is_on_slots(&s->best.ops[i]))
			continue;
		while (j < s->best.nops && s->best.ops[j].code != OP_END && !s->stop) {
			if (is_on_slots(&s->best.ops[j]) && try_join(s, i, j)) {
				kept = true;
				j = i + 1;
				if (i >= s->best.nops || !is_on_slots(&s->best.ops[i]))
					break;
				continue;
			}
			j = shrink_behind(&s->best, j);
		}
	}
	return kept;
}

/* Slots of ops from `begin` to `end`: each becomes `width`, the first of them `base`. */
struct spread {
	size_t begin, end;
	uint64_t width, base;
};

static bool spread(struct program *p, const struct spread *to)
{
	for (size_t i = to->begin; i < to->end; i++) {
		struct op *op = &p->ops[i];
		struct slice *s = &op->slice;

		if (op->space != SPACE_BLOCK || op->code == SHRINK_DEAD)
			continue;
		if (s->step != 1 || to->base + s->stop * to->width > MOST_SLOTS)
			return false;
		s->start = (uint32_t)(to->base + s->start * to->width);
		s->stop = (uint32_t)(to->base + s->stop * to->width);
		s->single = s->stop - s->start == 1;
	}
	return true;
}

static uint64_t block_slots(const struct program *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->nops; i++)
		if (p->ops[i].space == SPACE_BLOCK && p->ops[i].slice.stop > n)
			n = p->ops[i].slice.stop;
	return n;
}

static bool try_spread_to(struct shrink *s, size_t i, const struct spread *to)
{
	struct program *p = shrink_trial(s);

	p->ops[shrink_behind(p, i) - 1].code = SHRINK_DEAD;
	p->ops[i].code = SHRINK_DEAD;
	if (!spread(p, to))
		return false;
	shrink_compact(p);
	return shrink_try(s);
}

/* A loop's rounds as slots side by side: with those of all that stands around it, or of its own. */
static bool try_spread(struct shrink *s, size_t i)
{
	const struct program *p = &s->best;
	uint64_t rounds = p->ops[i].arg0;

	if (p->ops[i].code != OP_REPEAT || rounds < 2 || rounds >= MOST_SLOTS)
		return false;
	const struct spread ways[] = {
		{0, p->nops, rounds + 1, 0},
		{i, shrink_behind(p, i), rounds, 0},
		{i, shrink_behind(p, i), rounds, block_slots(p)},
	};

	for (size_t j = 0; j < sizeof(ways) / sizeof(ways[0]); j++)
		if (try_spread_to(s, i, &ways[j]))
			return true;
	return false;
}

bool shrink_pass_spread(struct shrink *s)
{
	bool kept = false;

	for (size_t i = 0; i < s->best.nops && !s->stop; i++)
		kept |= try_spread(s, i);
	return kept;
}
