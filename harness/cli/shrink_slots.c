/*
 * Slots taken away and renamed for the whole program at once, and threads.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/cli/shrink_priv.h"

/* Slots that others are renamed to, the lowest. */
#define RENAME_TO 4

/* So many slots of a kind from `start` on go, and all above move down. */
struct cut {
	uint32_t start, n;
};

static uint32_t moved(uint32_t slot, struct cut cut)
{
	if (slot <= cut.start)
		return slot;
	return slot - cut.start <= cut.n ? cut.start : slot - cut.n;
}

static void cut_op(struct op *op, unsigned space, struct cut cut)
{
	if (op->space != space)
		return;
	struct slice old = op->slice;

	op->slice.start = moved(old.start, cut);
	op->slice.stop = moved(old.stop, cut);
	if (!slice_is_empty(&old) && slice_is_empty(&op->slice))
		op->code = SHRINK_DEAD;
	if (space == SPACE_MAP && (op->code == OP_MMAP || op->code == OP_MREMAP)) {
		op->map.target = moved(op->map.target, cut);
		op->map.of = moved(op->map.of, cut);
		op->map.to = moved(op->map.to, cut);
	}
}

static void cut_slots(struct program *p, unsigned space, struct cut cut)
{
	for (size_t i = 0; i < p->nops; i++)
		cut_op(&p->ops[i], space, cut);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Where slices begin and end, and 0: in order, each once. Two for each op, and its other slots. */
static size_t borders(struct shrink *s, unsigned space)
{
	uint64_t *v = s->values;
	size_t n = 0, kept = 0;

	if (s->best.nops == 0)
		return 0;
	for (size_t i = 0; i < s->best.nops; i++) {
		const struct op *op = &s->best.ops[i];

		if (op->space != space)
			continue;
		v[n++] = op->slice.start;
		v[n++] = op->slice.stop;
		/* Of one that no slice has the width does not matter. */
		if (op->code == OP_MMAP && op->map.has_target)
			v[n++] = op->map.target;
		if (op->code == OP_MMAP && op->map.source == SOURCE_SLOT)
			v[n++] = op->map.of;
		if (op->code == OP_MREMAP && op->map.has_target)
			v[n++] = op->map.target;
		if (op->code == OP_MREMAP && op->map.has_to)
			v[n++] = op->map.to;
	}
	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || v[i] != v[kept - 1])
			v[kept++] = v[i];
	return kept;
}

/* Slots from one border to the next. */
struct span {
	uint32_t start;
	unsigned space;
};

static void put_width(struct program *trial, const void *what, uint64_t now, uint64_t value)
{
	const struct span *span = what;
	struct cut cut = {.start = span->start + (uint32_t)value, .n = (uint32_t)(now - value)};

	cut_slots(trial, span->space, cut);
	shrink_compact(trial);
}

/* From above: what is below stays where it is. */
bool shrink_narrow(struct shrink *s, unsigned space, uint64_t most, shrink_find_fn *find)
{
	size_t n = borders(s, space);
	bool kept = false;

	for (size_t i = n; i-- > 0 && !s->stop;) {
		uint64_t below = i ? s->values[i - 1] : 0;
		struct span span = {.start = (uint32_t)below, .space = space};

		if (s->values[i] - below >= most)
			kept |= find(s, put_width, &span, (uint64_t[]){0, s->values[i] - below});
	}
	return kept;
}

static bool rename_slot(struct op *op, unsigned space, uint32_t from, uint32_t to)
{
	struct op old = *op;

	if (op->space != space)
		return false;
	if (op->slice.single && op->slice.start == from) {
		op->slice.start = to;
		op->slice.stop = to + 1;
	}
	if (op->code == OP_MMAP || op->code == OP_MREMAP) {
		op->map.target = op->map.target == from ? to : op->map.target;
		op->map.of = op->map.of == from ? to : op->map.of;
		op->map.to = op->map.to == from ? to : op->map.to;
	}
	return memcmp(&old, op, sizeof(old)) != 0;
}

static bool try_rename(struct shrink *s, unsigned space, uint32_t from, uint32_t to)
{
	struct program *p = shrink_trial(s);
	bool changed = false;

	for (size_t i = 0; i < p->nops; i++)
		changed |= rename_slot(&p->ops[i], space, from, to);
	return changed && shrink_try(s);
}

static bool rename_slots(struct shrink *s, unsigned space)
{
	size_t n = borders(s, space);
	bool kept = false;

	for (size_t i = 0; i < n; i++) {
		uint32_t from = (uint32_t)s->values[i];

		for (uint32_t to = 0; to < RENAME_TO && to < from && !s->stop; to++)
			if (try_rename(s, space, from, to)) {
				kept = true;
				break;
			}
	}
	return kept;
}

bool shrink_pass_slots(struct shrink *s)
{
	bool kept = shrink_narrow(s, SPACE_BLOCK, 1, shrink_least);

	kept |= shrink_narrow(s, SPACE_MAP, 1, shrink_least);
	kept |= rename_slots(s, SPACE_BLOCK);
	kept |= rename_slots(s, SPACE_MAP);
	return kept;
}

/* In `n` ops from `begin` on. */
static bool try_thread(struct shrink *s, size_t begin, size_t n, const uint8_t from_to[2])
{
	struct program *p = shrink_trial(s);
	bool changed = false;

	for (size_t i = begin; i < begin + n; i++)
		if (p->ops[i].thread == from_to[0]) {
			p->ops[i].thread = from_to[1];
			changed = true;
		}
	return changed && shrink_try(s);
}

static bool is_used(const struct shrink *s, unsigned thread)
{
	for (size_t i = 0; i < s->best.nops; i++)
		if (s->best.ops[i].thread == thread)
			return true;
	return false;
}

/* To thread 0, to thread 1, and down to the first number that is free. */
static bool rename_threads(struct shrink *s)
{
	unsigned unused = 1;
	bool kept = false;

	for (unsigned t = 1; t < PROG_MAX_THREADS && !s->stop; t++) {
		if (!is_used(s, t))
			continue;
		const unsigned to[] = {0, 1, unused};
		bool gone = false;

		for (size_t i = 0; i < 3 && !gone; i++)
			gone = to[i] < t && try_thread(s, 0, s->best.nops,
						       (uint8_t[]){(uint8_t)t, (uint8_t)to[i]});
		kept |= gone;
		while (unused < PROG_MAX_THREADS && is_used(s, unused))
			unused++;
	}
	return kept;
}

/* In the order in which the text has them. */
static bool order_threads(struct shrink *s)
{
	struct program *p = shrink_trial(s);
	int number[PROG_MAX_THREADS];
	int n = 0;

	memset(number, -1, sizeof(number));
	for (size_t i = 0; i < p->nops; i++) {
		int *of_thread = &number[p->ops[i].thread];

		if (*of_thread < 0)
			*of_thread = n++;
		p->ops[i].thread = (uint8_t)*of_thread;
	}
	return shrink_try(s);
}

bool shrink_pass_threads(struct shrink *s)
{
	bool kept = rename_threads(s);

	kept |= order_threads(s);
	for (size_t i = 0; i < s->best.nops && !s->stop; i++) {
		if (s->best.ops[i].code == OP_END)
			continue;
		uint8_t from = s->best.ops[i].thread;
		size_t n = shrink_behind(&s->best, i) - i;

		for (uint8_t to = 0; to < 2 && to < from; to++)
			if (try_thread(s, i, n, (uint8_t[]){from, to})) {
				kept = true;
				break;
			}
	}
	return kept;
}
