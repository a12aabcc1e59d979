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

bool shrink_pass_costs(struct shrink *s)
{
	bool kept = shrink_narrow(s, SPACE_BLOCK, MANY_SLOTS, shrink_halves);
	kept |= shrink_narrow(s, SPACE_MAP, MANY_SLOTS, shrink_halves);
	for (size_t i = 0; i < s->best.nops && !s->stop; i++)
		kept |= shrink_op_numbers(s, i, is_costly, shrink_halves);
	return kept;
}
