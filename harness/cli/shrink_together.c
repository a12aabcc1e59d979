/*
 * Statements that say together what one can say: equal ops on neighbouring slots, and loops whose
 * rounds could as well work on slots of their own.
 */
#include <string.h>

#include "harness/cli/shrink_priv.h"

/* Slots that a program has when each of its own became so many. */
#define MOST_SLOTS 70000

static bool are_equal_but_for_slots(const struct op *a, const struct op *b)
{
	struct op x = *a, y = *b;

	x.slice = y.slice = (struct slice){0};
	x.stmt = y.stmt = x.line = y.line = 0;
	return memcmp(&x, &y, sizeof(x)) == 0;
}

/* Of two slices one, if they lie side by side. */
static bool join_slices(const struct slice *a, const struct slice *b, struct slice *ret)
{
	const struct slice *low = a->start < b->start ? a : b, *high = low == a ? b : a;
	bool whole = low->step == 1 && high->step == 1 && low->stop == high->start;

	if (slice_is_empty(a) || slice_is_empty(b) || !whole)
		return false;
	*ret = (struct slice){.start = low->start, .stop = high->stop, .step = 1};
	return true;
}

static bool is_on_slots(const struct op *op)
{
	return op->space != SPACE_NONE && !op_opens_block(op->code) && op->code != OP_END;
}

/* The second goes into the first, wherever in the same list it stands. */
static bool try_join(struct shrink *s, size_t i, size_t j)
{
	const struct op *a = &s->best.ops[i], *b = &s->best.ops[j];
	struct slice both;

	if (!are_equal_but_for_slots(a, b) || !join_slices(&a->slice, &b->slice, &both))
		return false;
	struct program *p = shrink_trial(s);

	p->ops[i].slice = both;
	p->ops[j].code = SHRINK_DEAD;
	shrink_compact(p);
	if (shrink_try(s))
		return true;
	/* What is between them may have to stand before both. */
	p = shrink_trial(s);
	p->ops[j].slice = both;
	p->ops[i].code = SHRINK_DEAD;
	shrink_compact(p);
	return shrink_try(s);
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

/* Each block slot becomes `width` of them. */
static bool spread(struct program *p, uint64_t width)
{
	for (size_t i = 0; i < p->nops; i++) {
		struct op *op = &p->ops[i];
		struct slice *s = &op->slice;

		if (op->space != SPACE_BLOCK || op->code == SHRINK_DEAD)
			continue;
		if (s->step != 1 || s->stop * width > MOST_SLOTS)
			return false;
		s->start = (uint32_t)(s->start * width);
		s->stop = (uint32_t)(s->stop * width);
		s->single = s->stop - s->start == 1;
	}
	return true;
}

/* A loop's rounds, and what stands around them, as slots side by side. */
static bool try_spread(struct shrink *s, size_t i)
{
	uint64_t rounds = s->best.ops[i].arg0;

	if (s->best.ops[i].code != OP_REPEAT || rounds < 2 || rounds >= MOST_SLOTS)
		return false;
	struct program *p = shrink_trial(s);

	p->ops[shrink_behind(p, i) - 1].code = SHRINK_DEAD;
	p->ops[i].code = SHRINK_DEAD;
	if (!spread(p, rounds + 1))
		return false;
	shrink_compact(p);
	return shrink_try(s);
}

bool shrink_pass_spread(struct shrink *s)
{
	bool kept = false;

	for (size_t i = 0; i < s->best.nops && !s->stop; i++)
		kept |= try_spread(s, i);
	return kept;
}
