/*
 * sweep_plan.h - which calls a sweep refuses: a rule for each run of it.
 *
 * The named calls that an allocator makes are counted together, 1..made. Each run refuses one of
 * them (or, out of memory, all from one on). Where they are more than `max`, those that are refused
 * are spread evenly, the first and the last among them.
 */
#ifndef CLI_SWEEP_PLAN_H
#define CLI_SWEEP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/exec/shared.h"

#define SWEEP_MAX 200 /* unless --sweep-max says otherwise */

struct sweep_plan {
	uint32_t call[FAULT_CALLS], ncalls; /* enum kcall */
	bool oom;			    /* and all that come behind it, to the end */
	int err;
	uint64_t max;
};

/* "munmap", "mmap,brk", "oom". 0, or -EINVAL with what is wrong in words for people. */
int sweep_plan_parse(struct sweep_plan *p, const char *words, const char **ret_why);

/* How many of the named calls the allocator made. */
uint64_t sweep_made(const struct sweep_plan *p, const struct run_counts *counts);

/* How many runs it takes. */
uint64_t sweep_tries(const struct sweep_plan *p, uint64_t made);

/* The call, from 1, that run i of `tries` refuses. */
uint64_t sweep_nth(uint64_t i, uint64_t tries, uint64_t made);

void sweep_rule(const struct sweep_plan *p, uint64_t nth, struct fault_rule *ret_rule);

#endif
