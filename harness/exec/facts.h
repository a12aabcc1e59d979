/*
 * facts.h - what the program's `when` and `needs` ask for, read once before it runs.
 */
#ifndef EXEC_FACTS_H
#define EXEC_FACTS_H

#include <stdbool.h>

#include "harness/base/arena.h"
#include "harness/exec/child.h"

size_t facts_arena_bytes(const struct run_config *cfg);

/*
 * Reads those that the configuration names. Returns 0, or -errno after a refusal: a `needs` that
 * does not hold, or a fact that cannot be had (-ENOTSUP).
 */
int facts_init(struct child *c, struct arena *a);

/* Whether the block of an OP_WHEN is to be run; one that is not is noted. */
bool facts_enter(struct child *c, const struct op *op);

#endif
