/*
 * fault.h - decides which kernel calls of the allocator are refused instead of made.
 *
 * A rule counts the calls it names, within the ops from..to, from 1: it refuses the nth, then every
 * `every`th after it, `count` times in all (0: no end). Several rules look at each call; the first
 * that refuses wins, and all have counted it, but it is one refusal of that rule's alone. brk(0)
 * only asks where the break is: not counted.
 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/kernel/kernel_call.h"

#define FAULT_RULES 20
#define FAULT_CALLS 4

struct fault_rule {
	uint32_t nr[FAULT_CALLS]; /* counted together */
	uint32_t ncalls;
	int32_t err;
	uint64_t nth, count, every;
	uint64_t from, to; /* ops, inclusive */
};

struct fault_plan_state {
	struct fault_rule rule[FAULT_RULES];
	uint64_t seen[FAULT_RULES], refused[FAULT_RULES];
	uint32_t n;
	bool off; /* nothing is refused any more */
};

/* -ENOSPC, or -EINVAL for a rule that names no call, has no errno, or whose nth or every is 0. */
int fault_add(struct fault_plan_state *f, const struct fault_rule *rule);

/* The errno with which a call of the allocator at `op` is refused, or 0. */
int fault_decide(struct fault_plan_state *f, const struct kernel_call *call, uint64_t op);

#endif
