/*
 * select.h - of all there is to run, what this call runs.
 */
#ifndef BENCH_SELECT_H
#define BENCH_SELECT_H

#include <stdio.h>

#include "bench/command/command.h"
#include "bench/command/plan.h"

#define SELECT_ITEMS 256

/* What all kinds have together; the items stay in place. */
struct offer {
	unsigned n;
	struct bench_item items[SELECT_ITEMS];
	const struct bench_kind *kind[SELECT_ITEMS];
};

/* `kinds` ends with NULL. Complains; an exit code. */
int offer_read(const struct bench_kind *const *kinds, const struct bench_tools *t,
	       struct offer *ret_offer);

/* A table of it: workloads once, whatever builds they have. */
void offer_print(const struct offer *o, FILE *out);

struct selection {
	unsigned n;
	struct plan_entry entries[SELECT_ITEMS * 4];
	unsigned left_out; /* workloads with fixed work alone, where a fixed time was asked for */
};

/*
 * What the command asks for. Complains where a name is none's, or nothing is left: an exit code.
 * `has_loop`: the void allocator is there. Strings stay the command's.
 */
int select_entries(const struct bench_command *c, const struct offer *o, bool has_loop,
		   struct selection *ret_selection);

#endif
