#include "harness/oracle/expect.h"

static bool holds(uint32_t relation, int64_t value, int64_t wanted)
{
	switch (relation) {
	case REL_EQ:
		return value == wanted;
	case REL_NE:
		return value != wanted;
	case REL_LT:
		return value < wanted;
	case REL_LE:
		return value <= wanted;
	case REL_GT:
		return value > wanted;
	default:
		return value >= wanted;
	}
}

/* Whether the relation answers the same for every value from `least` on. */
static bool decided(uint32_t relation, int64_t least, int64_t wanted)
{
	if (relation == REL_LT || relation == REL_GE)
		return least >= wanted;
	return least > wanted;
}

enum verdict expect_judge(const struct op_expect *expect, const struct measured *measured)
{
	int64_t value = measured->value;

	if (measured->certainty == CERTAIN_NOTHING)
		return VERDICT_UNDECIDED;
	if (measured->certainty == CERTAIN_AT_LEAST &&
	    !decided(expect->relation, value, expect->value))
		return VERDICT_UNDECIDED;
	return holds(expect->relation, value, expect->value) ? VERDICT_HOLDS : VERDICT_FAILS;
}

void expect_finding(const struct op *op, const struct measured *measured, struct finding *ret_f)
{
	const struct op_expect *x = &op->expect;

	*ret_f = (struct finding){
		.kind = FINDING_EXPECTATION,
		.rule = RULE_EXPECT,
		.op_code = op->code,
		.thread = op->thread,
		.stmt = (int32_t)op->stmt,
		.count = 1,
		.n = {x->metric | x->call << 8 | x->relation << 16, (uint64_t)x->value,
		      (uint64_t)measured->value, measured->certainty},
	};
}
