/*
 * difference.h - where the same program ended otherwise on one allocator than on another. Pure.
 *
 * Standards leave some answers to the allocator: size 0, alignments that are no powers of two,
 * sizes that are no multiple of them. They are compared only where both profiles give the same
 * answer to all rules that ask for such a call; where they are not, what is done with that slot
 * later is not compared either. The same goes for mappings at addresses that depend on what lies
 * around them. Where the kernel had refused something, or a size is large enough to fail for want
 * of memory, nothing is compared that failed with ENOMEM, nor what comes behind it.
 */
#ifndef FUZZ_DIFFERENCE_H
#define FUZZ_DIFFERENCE_H

#include "allocators/profile.h"
#include "harness/exec/shared.h"

#define DIFFERENCE_SKIPPED (-1)

struct difference_side {
	const struct oplog_entry *log;
	uint64_t n, room; /* of `room` entries so many are there; full: it is not all */
	bool refused;	  /* the kernel refused a call of the allocator */
	const struct profile *profile; /* NULL: none */
};

struct difference {
	uint32_t stmt, slot;
	uint8_t op_code, space;
	int32_t err[2]; /* 0 ok, errno, OUTCOME_*, or DIFFERENCE_SKIPPED */
};

struct difference_ops {
	const struct op *ops; /* of the program, with their statement numbers */
	size_t n;
};

/* The first difference, if there is one. */
bool difference_find(const struct difference_ops *ops, const struct difference_side side[2],
		     struct difference *ret_difference);

/* "difference/malloc/ok-ENOMEM" */
void difference_signature(const struct difference *d, char *buf, size_t size);

/* "succeeded", "failed with ENOMEM", "was not made" */
void difference_words(int32_t err, char *buf, size_t size);

/* What the statement ended with in a log, as `->` takes it. False where that cannot be said. */
bool difference_outcomes(const struct difference_side *side, uint32_t stmt, struct outcomes *ret);

#endif
