/*
 * fuzz_climb.h - the worst program that was found, on every allocator, each in a fresh process.
 *
 * The targets themselves say how bad it is, so the figure is the one that was climbed.
 */
#ifndef CLI_FUZZ_CLIMB_H
#define CLI_FUZZ_CLIMB_H

#include <stdio.h>

#include "harness/cli/fuzz_targets.h"
#include "harness/cli/runner.h"

#define CLIMB_ROWS 64

struct climb_row {
	char name[NAME_MAX + 1];
	bool measured;
	uint64_t milli; /* of the goal's unit, in thousandths */
	uint64_t peak_maps;
	char why_not[256];
};

struct climb_table {
	unsigned n;
	struct climb_row row[CLIMB_ROWS];
};

/* "maps per live MiB" */
const char *climb_unit(enum fuzz_goal goal);

/*
 * Runs worst/GOAL.prog on `subject` and on all built-in allocators; on the kernel alone where that
 * is the subject. Nothing where there is no such program. Returns 0 or -errno.
 */
int climb_compare(const struct fuzz_store *store, const struct targets_plan *plan,
		  const struct subject *subject, struct climb_table *ret_table);

void climb_print(FILE *out, const struct fuzz_store *store, const struct climb_table *t);

#endif
