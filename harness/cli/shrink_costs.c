/*
 * What takes time: rounds of loops, slots by the hundreds, large sizes, sleep. Cut roughly, before
 * single statements are tried: each run after that is quicker.
 */
#include "harness/cli/shrink_priv.h"

#define MANY_ROUNDS 16
#define MANY_SLOTS  256
#define LARGE_SIZE  (1u << 20)

static bool is_costly(const struct op *op, const struct shrink_number *n, uint64_t value)
{
	return op->code == OP_SLEEP || (op->code == OP_REPEAT && value >= MANY_ROUNDS) ||
	       (n->is_size && value >= LARGE_SIZE);
}

static bool halve_numbers(struct shrink *s, size_t i)
{
	struct shrink_number number[SHRINK_NUMBERS];
	unsigned n = shrink_numbers(&s->best.ops[i], number);
	bool kept = false;

	for (unsigned j = 0; j < n && !s->stop; j++) {
		struct shrink_number_of_op what = {.op = i, .number = number[j]};
		uint64_t unit = number[j].unit;
		uint64_t now = *shrink_number_in(&s->best.ops[i], &number[j]);

		if (is_costly(&s->best.ops[i], &number[j], now))
			kept |= shrink_halves(s, shrink_put_number, &what,
					      (uint64_t[]){number[j].least / unit, now / unit});
	}
	return kept;
}

bool shrink_pass_costs(struct shrink *s)
{
	bool kept = shrink_narrow(s, SPACE_BLOCK, MANY_SLOTS, shrink_halves);
	kept |= shrink_narrow(s, SPACE_MAP, MANY_SLOTS, shrink_halves);
	for (size_t i = 0; i < s->best.nops && !s->stop; i++)
		kept |= halve_numbers(s, i);
	return kept;
}
