/*
 * expect.h - judges `expect` lines against measured numbers.
 */
#ifndef ORACLE_EXPECT_H
#define ORACLE_EXPECT_H

#include "harness/oracle/finding.h"
#include "harness/prog/op.h"

/* How sure a measured number is. */
enum certainty {
	CERTAIN_EXACT,
	CERTAIN_AT_LEAST, /* a lower bound: sampled peaks, calls that nobody watched */
	CERTAIN_NOTHING	  /* not measured */
};

struct measured {
	int64_t value;
	enum certainty certainty;
};

enum verdict { VERDICT_HOLDS, VERDICT_FAILS, VERDICT_UNDECIDED };

/*
 * Compares with what is known: a lower bound of 3 decides `>= 2` and `== 1`, not `== 5`. Of
 * `rss.peak` samples are all there is, and so it is exact by definition.
 */
enum verdict expect_judge(const struct op_expect *expect, const struct measured *measured);

/* Fills the finding for an expectation that failed. */
void expect_finding(const struct op *op, const struct measured *measured, struct finding *ret_f);

#endif
