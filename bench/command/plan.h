/*
 * plan.h - which runs a benchmark is made of, and in which order.
 *
 *   entry   a benchmark as it is run: an item, its kind, what follows its last phase
 *   block   one repetition of all entries on all allocators
 *
 * Machines drift by half within minutes, so what is compared runs side by side: within an entry the
 * allocators follow one another, in an order that is drawn for every second block and reversed in
 * the one behind it (A B B A). Entries are drawn anew for each block. The same for the same seed
 * and selection.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "bench/kinds.h"

#define PLAN_LOOP UINT32_MAX /* instead of an allocator: the loop's own cost, before the others */

struct plan_entry {
	const struct bench_item *item;
	const struct bench_kind *kind;
	const char *after; /* of bench_key */
	bool loop;	   /* has a cost of its own that is taken off */
	unsigned reps;
};

struct plan_run {
	uint32_t entry, allocator, block; /* block: from 0; the repetition is the same number */
};

struct plan {
	size_t n;
	struct plan_run *runs;
};

/* 0 or -ENOMEM. */
int plan_make(const struct plan_entry *entries, uint32_t nentries, uint32_t nallocators,
	      uint64_t seed, struct plan *ret_plan);
void plan_release(struct plan *p);

#endif
