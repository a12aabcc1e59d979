/*
 * Numbers: sizes, counts, offsets, wherever they stand in an op.
 */
#include <stddef.h>
#include <stdlib.h>

#include "harness/cli/shrink_priv.h"

#define MILLISECOND_NS 1000000

struct numbers {
	const struct op *op;
	struct shrink_number *v;
	unsigned n;
};

uint64_t *shrink_number_in(struct op *op, const struct shrink_number *number)
{
	return (uint64_t *)((char *)op + number->offset);
}

static uint64_t value_in(const struct op *op, size_t offset)
{
	return *(const uint64_t *)((const char *)op + offset);
}

static void add(struct numbers *list, struct shrink_number number)
{
	uint64_t value = value_in(list->op, number.offset);

	/* What is no whole number of units is found by ones. */
	if (number.unit == 0 || value % number.unit || number.least % number.unit)
		number.unit = 1;
	list->v[list->n++] = number;
}

static void add_size(struct numbers *list, size_t offset, uint64_t unit)
{
	add(list,
	    (struct shrink_number){.offset = offset, .least = unit, .unit = unit, .is_size = true});
}

static void add_count(struct numbers *list, size_t offset, uint64_t least, uint64_t unit)
{
	add(list, (struct shrink_number){.offset = offset, .least = least, .unit = unit});
}

static void add_block_numbers(struct numbers *list)
{
	switch (list->op->code) {
	case OP_CALLOC:
	case OP_REALLOCARRAY:
		add_count(list, offsetof(struct op, arg0), 1, 1);
		add_size(list, offsetof(struct op, arg1), 1);
		return;
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
		add_size(list, offsetof(struct op, arg1), 1);
		/* Of powers of two an edit takes care. */
		if (list->op->arg0 & (list->op->arg0 - 1))
			add_count(list, offsetof(struct op, arg0), 1, 1);
		return;
	case OP_MALLOC:
	case OP_REALLOC:
	case OP_VALLOC:
	case OP_PVALLOC:
		add_size(list, offsetof(struct op, arg0), 1);
		return;
	default:
		return;
	}
}

static void add_mapping_numbers(struct numbers *list)
{
	switch (list->op->code) {
	case OP_MMAP:
		add_count(list, offsetof(struct op, map.offset), 0, SHRINK_PAGE);
		/* fall through */
	case OP_MREMAP:
		add_size(list, offsetof(struct op, arg0), SHRINK_PAGE);
		if (list->op->map.has_target)
			add_count(list, offsetof(struct op, map.target_off), 0, SHRINK_PAGE);
		return;
	case OP_TRUNCATE:
		add_size(list, offsetof(struct op, arg0), SHRINK_PAGE);
		return;
	case OP_ADD:
	case OP_REPEAT:
		add_count(list, offsetof(struct op, arg0), 1, 1);
		return;
	case OP_SLEEP:
		add_count(list, offsetof(struct op, arg0), MILLISECOND_NS, MILLISECOND_NS);
		return;
	default:
		return;
	}
}

unsigned shrink_numbers(const struct op *op, struct shrink_number number[SHRINK_NUMBERS])
{
	struct numbers list = {.op = op, .v = number};
	uint64_t unit = op->space == SPACE_MAP ? SHRINK_PAGE : 1;

	add_block_numbers(&list);
	add_mapping_numbers(&list);
	if (op->has_range) {
		add_count(&list, offsetof(struct op, range_off), 0, unit);
		add_size(&list, offsetof(struct op, range_len), unit);
	}
	return list.n;
}

/* The sizes of all ops that are the same number. */
struct equal {
	uint64_t unit;
};

static void put_equal(struct program *trial, const void *what, uint64_t now, uint64_t value)
{
	const struct equal *equal = what;
	struct shrink_number number[SHRINK_NUMBERS];

	for (size_t i = 0; i < trial->nops; i++) {
		unsigned n = shrink_numbers(&trial->ops[i], number);

		for (unsigned j = 0; j < n; j++) {
			uint64_t *size = shrink_number_in(&trial->ops[i], &number[j]);

			if (number[j].is_size && *size == now * equal->unit)
				*size = value * equal->unit;
		}
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

/* All sizes, the largest first. */
static size_t all_sizes(struct shrink *s)
{
	struct shrink_number number[SHRINK_NUMBERS];
	size_t n = 0;

	for (size_t i = 0; i < s->best.nops; i++) {
		unsigned of_op = shrink_numbers(&s->best.ops[i], number);

		for (unsigned j = 0; j < of_op; j++)
			if (number[j].is_size)
				s->values[n++] = value_in(&s->best.ops[i], number[j].offset);
	}
	if (n)
		qsort(s->values, n, sizeof(*s->values), compare);
	return n;
}

/* Sizes that must stay the same as another's can only shrink together with it. */
bool shrink_pass_equal_numbers(struct shrink *s)
{
	size_t n = all_sizes(s), next;
	bool kept = false;

	for (size_t i = 0; i < n && !s->stop; i = next) {
		uint64_t value = s->values[i];
		struct equal equal = {.unit = value % SHRINK_PAGE ? 1 : SHRINK_PAGE};

		for (next = i; next < n && s->values[next] == value;)
			next++;
		if (next - i > 1)
			kept |= shrink_least(s, put_equal, &equal,
					     (uint64_t[]){1, value / equal.unit});
	}
	return kept;
}
